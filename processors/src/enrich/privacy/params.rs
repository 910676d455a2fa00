//! What the free `params` may still hold of a field that was removed.
//!
//! The edge keeps there what it could not put into a column, under the field's own name: a visitor id that was no UUID,
//! say. Removing the column alone would leave the very text behind. A name that was taken has a `_` behind it there.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tracker_schemas::JsonText;

/// `params` without the members that `removed` says, by name and JSON text; untouched where it has none of them.
pub(super) fn without(params: &JsonText, removed: impl Fn(&str, &str) -> bool) -> Option<JsonText> {
    // Values stay as they were written: they are never taken apart.
    let Ok(mut members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(&params.0) else {
        return None; // no object: nobody can say what it holds
    };
    let before = members.len();
    members.retain(|key, value| !removed(key.trim_end_matches('_'), value.get()));
    match members.len() {
        0 => None,
        same if same == before => Some(params.clone()),
        _ => serde_json::to_string(&members).ok().map(JsonText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> Option<String> {
        without(&JsonText(text.to_owned()), |key, _| key.eq_ignore_ascii_case("vid")).map(|text| text.0)
    }

    #[test]
    fn only_the_removed_keys_go_and_values_stay_as_written() {
        assert_eq!(
            stripped(r#"{"a":1.50,"VID":"ann@example.com","vid_":7,"b":{"vid":1e400}}"#).as_deref(),
            Some(r#"{"a":1.50,"b":{"vid":1e400}}"#)
        );
        assert_eq!(stripped(r#"{ "a": 1 }"#).as_deref(), Some(r#"{ "a": 1 }"#));
    }

    #[test]
    fn nothing_is_left_of_an_object_without_members_or_of_what_is_no_object() {
        assert_eq!(stripped(r#"{"vid":"x"}"#), None);
        assert_eq!(stripped("not json"), None);
    }
}
