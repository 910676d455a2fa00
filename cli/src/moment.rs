//! Points in time as people type them: a time, or a span before now.

use tracker_schemas::Timestamp;

/// A time such as `2026-11-24T08:00:00Z`, or that which was a span such as `10m` before `now_ms`.
///
/// # Errors
/// Words for what it should be.
pub fn parse(text: &str, now_ms: i64) -> Result<Timestamp, String> {
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Ok(at);
    }
    let span = crate::span::parse(text).map_err(|_| {
        format!("{text}: must be a time such as 2026-11-24T08:00:00Z, or a span before now such as 10m")
    })?;
    Ok(Timestamp(now_ms.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1970-01-01T00:00:01Z", 1000)]
    #[case("10s", 1_790_000)]
    fn a_moment_is_a_time_or_a_span_before_now(#[case] text: &str, #[case] ms: i64) {
        assert_eq!(parse(text, 1_800_000), Ok(Timestamp(ms)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        assert!(parse("yesterday", 0).unwrap_err().contains("10m"));
    }
}
