//! The name of a test: the field `test_id` of what it sends, wherever that stands, or of the query of the request. Pure.

use serde_json::Value;
use url::form_urlencoded;

/// The field.
const FIELD: &str = "test_id";

/// As a query says it.
pub(super) fn of_query(query: &str) -> Option<String> {
    asked(query).filter(|test| !test.is_empty())
}

/// Which test a query asks for. A blank name is no test's: who has none by mistake must not see, or forget, everybody's.
pub(crate) fn asked(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(FIELD)).map(|(_, value)| value.trim().to_owned())
}

/// As the path of a request says it: `/test_id/…`.
pub(super) fn of_pairs(pairs: &str) -> Option<String> {
    let mut segments = pairs.split('/').filter(|segment| !segment.is_empty());
    while let (Some(key), Some(value)) = (segments.next(), segments.next()) {
        if key.eq_ignore_ascii_case(FIELD) {
            return named(&percent_encoding::percent_decode_str(value).decode_utf8_lossy());
        }
    }
    None
}

/// As JSON says it: at the top, else in the first object that does.
pub(super) fn of_json(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => {
            let own = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(FIELD));
            let own = own.and_then(|(_, value)| match value {
                Value::String(text) => named(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            own.or_else(|| members.values().find_map(of_json))
        }
        Value::Array(elements) => elements.iter().find_map(of_json),
        _ => None,
    }
}

fn named(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::top(json!({ "ename": "a", "test_id": "t" }), Some("t"))]
    #[case::number(json!({ "Test_ID": 7 }), Some("7"))]
    #[case::top_first(json!({ "a": { "test_id": "in" }, "test_id": "t" }), Some("t"))]
    #[case::within(json!({ "properties": { "x": [1, { "test_id": "t" }] } }), Some("t"))]
    #[case::blank(json!({ "test_id": " ", "params": { "test_id": "t" } }), Some("t"))]
    #[case::none(json!({ "test": "t" }), None)]
    #[case::no_object(json!("test_id"), None)]
    fn a_test_is_named_by_its_field(#[case] sent: Value, #[case] name: Option<&str>) {
        assert_eq!(of_json(&sent).as_deref(), name);
    }

    #[test]
    fn a_test_is_named_by_the_query_or_the_path() {
        assert_eq!(of_query("a=b&test_id=one%20two&test_id=c").as_deref(), Some("one two"));
        assert_eq!(of_query("test_id=&a=b"), None);
        assert_eq!(asked("Test_ID=%20a").as_deref(), Some("a"));
        assert_eq!(asked("test_id=&a=b").as_deref(), Some(""), "that is not everybody");
        assert_eq!(asked("a=b"), None);
        assert_eq!(of_pairs("ename/a/test_id/one%20two/x").as_deref(), Some("one two"));
        assert_eq!(of_pairs("ename/test_id/x/y"), None, "there it is a value");
    }
}
