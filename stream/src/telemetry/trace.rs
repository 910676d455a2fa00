//! W3C trace context: one line that follows an event from the request to the row.

/// The `traceparent` of a step: keeps the trace of a valid incoming one, and gives the step a span of its own.
/// `trace_id` and `span_id` are used where there is none, and must be random.
#[must_use]
pub fn traceparent(incoming: Option<&str>, trace_id: u128, span_id: u64) -> String {
    let span = span_id.max(1);
    match incoming.and_then(parse) {
        Some((trace, flags)) => format!("00-{trace}-{span:016x}-{flags:02x}"),
        None => format!("00-{:032x}-{span:016x}-01", trace_id.max(1)),
    }
}

/// Trace id and flags of a version-00 header.
fn parse(header: &str) -> Option<(&str, u8)> {
    let mut parts = header.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let well_formed = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    // A later version may have more parts behind; version 00 may not, and ff is forbidden.
    if !well_formed || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let is_zero = |text: &str| text.bytes().all(|digit| digit == b'0');
    if is_zero(trace) || is_zero(span) {
        return None;
    }
    Some((trace, u8::from_str_radix(flags, 16).ok()? & 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_trace_goes_on_under_a_new_span() {
        assert_eq!(traceparent(Some(VALID), 7, 9), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000009-01");
    }

    #[rstest]
    #[case::none(None)]
    #[case::text(Some("hello"))]
    #[case::zero_trace(Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"))]
    #[case::upper_case(Some("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"))]
    #[case::too_long(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"))]
    #[case::forbidden_version(Some("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))]
    fn anything_else_starts_a_trace(#[case] incoming: Option<&str>) {
        assert_eq!(traceparent(incoming, 7, 9), "00-00000000000000000000000000000007-0000000000000009-01");
    }
}
