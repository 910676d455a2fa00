//! The part of a body in which one of its events stood. Pure.

use serde_json::value::RawValue;
use std::collections::HashMap;

/// The body of a request as far as it was read, for whoever looks at what is refused; where nobody does, nothing is copied.
#[derive(Debug, Default)]
pub struct Seen(Option<Vec<u8>>);

impl Seen {
    /// Of a request that somebody looks at.
    #[must_use]
    pub fn wanted() -> Self {
        Self(Some(Vec::new()))
    }

    /// Notes the body, decoded. What is noted later is nearer to what was understood.
    pub fn note(&mut self, body: &[u8]) {
        if let Some(seen) = &mut self.0 {
            seen.clear();
            seen.extend_from_slice(body);
        }
    }

    /// As text; `None`: nothing was read.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let seen = self.0.as_ref().filter(|seen| !seen.is_empty())?;
        Some(String::from_utf8_lossy(seen).into_owned())
    }
}

/// Under these names the bodies of payments and of other products hold their events.
const LISTS: [&str; 3] = ["payments", "batch", "events"];

/// The texts of the events in a body that holds so many; none where it is not plain which is which.
pub(super) fn parts(body: &str, events: usize) -> Vec<&str> {
    // One object is one event, whatever its fields are called.
    if events == 1 && body.trim_start().starts_with('{') {
        return vec![body];
    }
    let parts = lists(body).unwrap_or_else(|| body.lines().filter(|line| !line.trim().is_empty()).collect());
    if parts.len() == events { parts } else { Vec::new() }
}

/// The elements of the array that a body is, or has.
fn lists(body: &str) -> Option<Vec<&str>> {
    let array = |text| serde_json::from_str::<Vec<&RawValue>>(text).ok();
    let found = array(body).or_else(|| {
        let members: HashMap<String, &RawValue> = serde_json::from_str(body).ok()?;
        let mut lists =
            members.iter().filter(|(key, _)| LISTS.iter().any(|name| key.eq_ignore_ascii_case(name)));
        lists.find_map(|(_, list)| array(list.get()))
    })?;
    Some(found.into_iter().map(RawValue::get).collect())
}

/// Longer parts are cut: who sends so much knows what it is.
const MOST: usize = 16 << 10;

/// As much of a part as is kept.
pub(super) fn cut(part: &str) -> &str {
    let ends = (0..=part.len().min(MOST)).rev();
    ends.filter(|end| part.is_char_boundary(*end)).find_map(|end| part.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::array(r#"[{"a":1}, 7]"#, 2, &[r#"{"a":1}"#, "7"])]
    #[case::lines("{\"a\":1}\n\n7\n", 2, &[r#"{"a":1}"#, "7"])]
    #[case::payments(r#"{"uid":"u","payments":[{"a":1},{"b":2.50}]}"#, 2, &[r#"{"a":1}"#, r#"{"b":2.50}"#])]
    #[case::batch(r#"{"batch":[{"a":1},{"b":2}],"sentAt":"x"}"#, 2, &[r#"{"a":1}"#, r#"{"b":2}"#])]
    #[case::capitals(r#"{"Payments":[{"a":1},{"b":2}]}"#, 2, &[r#"{"a":1}"#, r#"{"b":2}"#])]
    #[case::list_of_its_own(r#"{"value":5,"events":[{"a":1}]}"#, 1, &[r#"{"value":5,"events":[{"a":1}]}"#])]
    #[case::one(r#"{"a":1}"#, 1, &[r#"{"a":1}"#])]
    #[case::other_number(r#"[{"a":1}]"#, 2, &[])]
    #[case::broken("[{\"a\":1},", 2, &[])]
    fn a_body_is_taken_apart(#[case] body: &str, #[case] events: usize, #[case] expected: &[&str]) {
        assert_eq!(parts(body, events), expected);
    }

    #[test]
    fn a_long_part_is_cut_between_two_characters() {
        let long = format!("a{}", "é".repeat(MOST));
        assert_eq!(cut(&long).len(), MOST - 1);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn what_nobody_wants_is_not_copied() {
        let (mut unwanted, mut wanted) = (Seen::default(), Seen::wanted());
        unwanted.note(b"x");
        wanted.note(b"x");
        wanted.note(b"\xffy");
        assert_eq!((unwanted.text(), wanted.text().as_deref()), (None, Some("\u{fffd}y")));
        assert_eq!(Seen::wanted().text(), None);
    }
}
