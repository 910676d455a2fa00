//! The public key of a client: `k`, a field like any other on the wire, and no field of the event. Pure.

use crate::{decode::Batch, reason};
use std::borrow::Cow;

/// The field.
pub const FIELD: &str = "k";

/// Takes `k` out of every event, so that no key is stored, and gives the key of the request: the one that its head shows,
/// else the first one among its events. A request speaks for one: an event that shows another is refused.
///
/// Whatever decodes what other trackers send sets `k` on its drafts to the public key it finds, and is done.
pub fn take<'a>(head: Option<&'a str>, batch: &mut Batch<'a>) -> Option<Cow<'a, str>> {
    let mut key = head.map(Cow::Borrowed);
    for slot in &mut batch.drafts {
        let Ok(draft) = slot else { continue };
        let Some(field) = draft.take(FIELD).filter(|field| !field.is_blank()) else { continue };
        let shown = field.into_text();
        match &key {
            None => key = Some(shown),
            Some(key) if *key == shown => {}
            Some(_) => {
                let detail = "send events of one write key in a request";
                *slot = Err(reason::KEY_MISMATCH.refuse(detail));
            }
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{self, Format, Limits},
        draft::Draft,
    };
    use rstest::rstest;

    const LIMITS: Limits =
        Limits { event_bytes: 1 << 20, events: 10, key_bytes: 128, depth: 16, path_bytes: 8192 };

    #[rstest]
    #[case::none(None, r#"[{"a":1}]"#, None, &[])]
    #[case::of_the_head(Some("h"), r#"[{"a":1}]"#, Some("h"), &[])]
    #[case::of_an_event(None, r#"[{"a":1},{"K":"b"}]"#, Some("b"), &[])]
    #[case::a_number(None, r#"{"k":5}"#, Some("5"), &[])]
    #[case::blank(None, r#"[{"k":""},{"k":null},{"k":"b"}]"#, Some("b"), &[])]
    #[case::both(Some("b"), r#"[{"k":"b"},{"k":"b"}]"#, Some("b"), &[])]
    #[case::another(Some("h"), r#"[{"k":"b"},{"k":"h"}]"#, Some("h"), &[0])]
    #[case::two(None, r#"[{"k":"b"},{"k":"c"},{"k":"b"}]"#, Some("b"), &[1])]
    fn a_request_speaks_for_one_key(
        #[case] head: Option<&str>,
        #[case] body: &str,
        #[case] key: Option<&str>,
        #[case] refused: &[usize],
    ) {
        let mut batch = decode::body(body.as_bytes(), Format::Json, &LIMITS).unwrap();
        assert_eq!(take(head, &mut batch).as_deref(), key);
        for (index, draft) in batch.drafts.iter().enumerate() {
            match draft {
                Ok(draft) => assert!(draft.get("k").is_none() && !refused.contains(&index)),
                Err(refusal) => assert!(refusal.reason == "key_mismatch" && refused.contains(&index)),
            }
        }
        let kept = |draft: &Draft<'_>| draft.get("a").is_some();
        assert_eq!(batch.drafts.iter().flatten().any(kept), body.contains("\"a\""), "the rest stays");
    }
}
