use super::*;
use crate::reason;
use proptest::prelude::*;
use rstest::rstest;
use tracker_schemas::Timestamp;
use uuid::Uuid;

fn text(value: &str) -> Field<'_> {
    Field::Text(value.into())
}

fn json(value: &str) -> Field<'_> {
    Field::Json(value.into())
}

fn one<'a>(field: Field<'a>) -> Draft<'a> {
    let mut draft = Draft::new();
    draft.set("x", field);
    draft
}

#[test]
fn keys_are_lower_cased_and_values_are_not() {
    let mut draft = Draft::new();
    draft.set("ENAME", text("Buy"));
    draft.set("ÄRGER", text("Ö"));
    assert_eq!(draft.get("ename"), Some(&text("Buy")));
    assert_eq!(draft.get("ärger"), Some(&text("Ö")));
}

#[test]
fn the_later_wins_but_a_blank_says_nothing() {
    let mut draft = one(text("cookie"));
    draft.overlay(one(json("null")));
    draft.overlay(one(text("")));
    assert_eq!(draft.get("x"), Some(&text("cookie")));
    draft.overlay(one(json("1")));
    assert_eq!(draft.get("x"), Some(&json("1")));
}

#[rstest]
#[case::text(text("iOS"), Some("iOS"))]
#[case::empty(text(""), None)]
#[case::null(json("null"), None)]
#[case::a_number_as_it_was_written(json("1.50"), Some("1.50"))]
#[case::a_boolean(json("true"), Some("true"))]
fn a_text_may_be_any_scalar(#[case] field: Field<'_>, #[case] expected: Option<&str>) {
    let mut draft = one(field);
    assert_eq!(draft.text("x").unwrap().as_deref(), expected);
    assert!(draft.is_empty(), "what is read leaves");
}

#[rstest]
#[case(json("{}"))]
#[case(json("[\"a\"]"))]
fn an_object_or_array_is_no_scalar(#[case] field: Field<'_>) {
    let tag = reason::INVALID_TYPE.tag;
    assert_eq!(one(field.clone()).text("x").unwrap_err().reason, tag);
    assert_eq!(one(field.clone()).whole("x").unwrap_err().reason, tag);
    assert_eq!(one(field.clone()).float("x").unwrap_err().reason, tag);
    assert_eq!(one(field.clone()).uuid("x").unwrap_err().reason, tag);
    assert_eq!(one(field.clone()).named("x", Uuid::nil()).unwrap_err().reason, tag);
    assert_eq!(one(field).decimal("x").unwrap_err().reason, tag);
}

#[rstest]
#[case::json(json("42"), 42, true)]
#[case::text(text(" 42 "), 42, true)]
#[case::negative(text("-7"), -7, true)]
#[case::with_a_point(json("12.0"), 12, true)]
#[case::with_an_exponent(json("1e3"), 1000, true)]
#[case::largest(json("9223372036854775807"), i64::MAX, true)]
#[case::a_fraction_is_cut_and_stays(json("1234.9"), 1234, false)]
fn whole_numbers(#[case] field: Field<'_>, #[case] expected: i64, #[case] leaves: bool) {
    let mut draft = one(field);
    assert_eq!(draft.whole("x").unwrap(), Some(expected));
    assert_eq!(draft.is_empty(), leaves);
}

#[rstest]
#[case(text("12px"))]
#[case(json("true"))]
#[case(json("9223372036854775808"))]
#[case(json("1e400"))]
#[case(text("NaN"))]
#[case(text("inf"))]
fn no_whole_numbers(#[case] field: Field<'_>) {
    assert_eq!(one(field).whole("x").unwrap_err().reason, "invalid_number");
}

#[rstest]
#[case(json("0.25"), Some(0.25))]
#[case(text("-1e-3"), Some(-0.001))]
#[case(text("NaN"), None)]
#[case(text("Infinity"), None)]
#[case(json("1e400"), None)]
#[case(text("a"), None)]
fn floats_are_finite(#[case] field: Field<'_>, #[case] expected: Option<f64>) {
    let read = one(field).float("x").map_err(|refusal| refusal.reason);
    assert_eq!(read, expected.map(Some).ok_or("invalid_number"));
}

#[rstest]
#[case::hyphenated("6ba7b810-9dad-11d1-80b4-00c04fd430c8")]
#[case::plain("6ba7b8109dad11d180b400c04fd430c8")]
#[case::upper("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")]
#[case::spaced(" 6ba7b810-9dad-11d1-80b4-00c04fd430c8 ")]
fn uuids(#[case] written: &str) {
    let id = one(text(written)).uuid("x").unwrap();
    assert_eq!(id, Some(Uuid::NAMESPACE_DNS));
}

#[rstest]
#[case(text("visitor"))]
#[case(json("12"))]
#[case(text("{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"))]
#[case(text("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"))]
#[case(text("6ba7b810-9dad-11d1-80b4-00c04fd430cx"))]
fn no_uuids(#[case] field: Field<'_>) {
    assert_eq!(one(field).uuid("x").unwrap_err().reason, "invalid_uuid");
}

#[test]
fn the_zero_uuid_is_none() {
    let zero = "00000000-0000-0000-0000-000000000000";
    assert_eq!(one(text(zero)).uuid("x").unwrap(), None);
    assert_eq!(one(text(zero)).named("x", Uuid::nil()).unwrap(), None);
}

#[test]
fn a_text_names_a_uuid_within_its_namespace_and_stays() {
    let mut draft = one(text("bob"));
    let id = draft.named("x", Uuid::NAMESPACE_DNS).unwrap().unwrap();
    assert_eq!(id, Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"bob"));
    assert_eq!(draft.get("x"), Some(&text("bob")));
    assert_ne!(one(text("bob")).named("x", Uuid::NAMESPACE_URL).unwrap(), Some(id));
}

#[rstest]
#[case::csv(text("a, b ,,c"), &["a", "b", "c"])]
#[case::array(json(r#"["a,b","c",1,true,null]"#), &["a,b", "c", "1", "true"])]
#[case::number(json("5"), &["5"])]
#[case::null(json("null"), &[])]
#[case::empty(text(""), &[])]
fn lists(#[case] field: Field<'_>, #[case] expected: &[&str]) {
    let mut draft = one(field);
    assert_eq!(draft.list("x").unwrap(), expected);
    assert!(draft.is_empty());
}

#[rstest]
#[case(json("{}"))]
#[case(json("[{}]"))]
#[case(json("[[]]"))]
fn no_lists(#[case] field: Field<'_>) {
    assert_eq!(one(field).list("x").unwrap_err().reason, "invalid_type");
}

const NOON: Timestamp = Timestamp(1_700_000_000_000);

#[rstest]
#[case::rfc3339(text("2023-11-14T22:13:19Z"), 1_699_999_999_000)]
#[case::offset(text("2023-11-14T23:13:19+01:00"), 1_699_999_999_000)]
#[case::epoch_ms(json("1699999999000"), 1_699_999_999_000)]
#[case::epoch_ms_as_text(text("1699999999000"), 1_699_999_999_000)]
#[case::thirty_days_before(json("1697408000000"), 1_697_408_000_000)]
#[case::an_hour_after(json("1700003600000"), 1_700_003_600_000)]
fn a_believable_client_time_counts(#[case] said: Field<'_>, #[case] expected: i64) {
    let mut draft = Draft::new();
    draft.set("created_at", said);
    assert_eq!(draft.created_at(NOON), Timestamp(expected));
    assert!(draft.is_empty());
}

#[rstest]
#[case::older(json("1697407999999"))]
#[case::newer(json("1700003600001"))]
#[case::seconds_are_not_multiplied(json("1700000000"))]
#[case::no_time(text("yesterday"))]
#[case::an_object(json("{}"))]
#[case::beyond_all_numbers(json("9223372036854775807"))]
fn an_unbelievable_client_time_stays_for_params(#[case] said: Field<'_>) {
    let mut draft = Draft::new();
    draft.set("created_at", said.clone());
    assert_eq!(draft.created_at(NOON), NOON);
    assert_eq!(draft.get("created_at"), Some(&said));
}

proptest! {
    #[test]
    fn a_prefix_orders_keys_as_their_bytes_do(a in "[^\0]{0,10}", b in "[^\0]{0,10}") {
        let (a, b) = (a.as_str(), b.as_str());
        prop_assert_eq!(prefix(a).cmp(&prefix(b)).then_with(|| a.cmp(b)), a.cmp(b));
    }

    #[test]
    fn merging_is_what_a_map_does(
        layers in prop::collection::vec(prop::collection::vec(("(utm_sour)?[a-cA-C]", "[xyz]{0,2}"), 0..6), 0..4)
    ) {
        let mut model = std::collections::BTreeMap::new();
        let mut draft = Draft::new();
        for layer in &layers {
            let mut later = Draft::new();
            for (key, value) in layer {
                later.set(key.as_str(), text(value));
                let blank = value.is_empty() && model.contains_key(&key.to_lowercase());
                if !blank {
                    model.insert(key.to_lowercase(), value.clone());
                }
            }
            draft.overlay(later);
        }
        for (key, value) in &model {
            prop_assert_eq!(draft.get(key), Some(&text(value)));
        }
        prop_assert_eq!(draft.get("utm_sour"), None);
        let merged: std::collections::BTreeMap<_, _> =
            draft.into_iter().map(|(key, field)| (key.into_owned(), field.into_text().into_owned())).collect();
        prop_assert_eq!(merged, model);
    }

    #[test]
    fn a_quoted_text_is_the_text(written in any::<String>()) {
        let mut quoted = String::new();
        take::quote(&written, &mut quoted);
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), written);
    }
}
