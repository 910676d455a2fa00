use super::*;
use crate::decode::{self, Format};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tracker_schemas::{Decimal, Kind, Timestamp};
use uuid::Uuid;

const LIMITS: Limits =
    Limits { event_bytes: 1 << 20, events: 10_000, key_bytes: 128, depth: 16, path_bytes: 0 };
const TENANT: Uuid = Uuid::NAMESPACE_DNS;
const NEW: Uuid = Uuid::NAMESPACE_OID;

fn context() -> Context<'static> {
    Context {
        received_at: Timestamp(1_700_000_000_000),
        kind: Kind::Server,
        ip: None,
        host: Some("Shop.example:443"),
        user_agent: None,
        accept_language: None,
        referer: None,
        opt_out: false,
        node: "edge-1",
        hash_key: &[7; 32],
        anonymize: false,
        tenant: Some(TENANT),
        new_id: &|| NEW,
    }
}

fn read_with(body: &str, key: Option<&str>) -> Result<Vec<Result<Payment, Refusal>>, Refusal> {
    let draft = decode::body(body.as_bytes(), Format::Json, &LIMITS)?.drafts.remove(0)?;
    payments(draft, key, &LIMITS, &context())
}

fn one(body: &str) -> Payment {
    read_with(body, None).unwrap().remove(0).unwrap()
}

fn all(body: &str, key: Option<&str>) -> Vec<Payment> {
    read_with(body, key).unwrap().into_iter().map(Result::unwrap).collect()
}

fn refused(body: &str) -> &'static str {
    read_with(body, None).and_then(|mut items| items.remove(0)).unwrap_err().reason
}

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_payment_is_stamped() {
    let payment = one(r#"{"revenue":1}"#);
    assert_eq!((payment.id, payment.oid), (NEW, Some(TENANT)));
    assert_eq!(payment.currency, "USD");
    assert_eq!((payment.received_at.0, payment.created_at.0), (1_700_000_000_000, 1_700_000_000_000));
    assert_eq!((payment.host.as_deref(), payment.edge.as_str()), (Some("shop.example"), "edge-1"));
    assert_eq!(payment.schema, tracker_schemas::history::version(tracker_schemas::Topic::Payments));
    assert_eq!(payment.params, None);
}

#[rstest]
#[case::number("12.34", "12.3400")]
#[case::text(r#"" 12.3456 ""#, "12.3456")]
#[case::a_float_would_round("0.1", "0.1000")]
#[case::large("123456789012345678.9999", "123456789012345678.9999")]
#[case::exponent("1e3", "1000.0000")]
#[case::zeros_beyond_four_places("1.10000000", "1.1000")]
#[case::refund("-19.99", "-19.9900")]
fn amounts_are_exact(#[case] written: &str, #[case] expected: &str) {
    assert_eq!(one(&format!(r#"{{"revenue":{written}}}"#)).revenue.to_string(), expected);
}

#[rstest]
#[case::five_places("0.00001")]
#[case::no_number(r#""12,50""#)]
#[case::nan(r#""NaN""#)]
#[case::a_boolean("true")]
#[case::too_large("1e18")]
#[case::far_too_large("1e999999999")]
fn what_is_no_amount(#[case] written: &str) {
    assert_eq!(refused(&format!(r#"{{"revenue":{written}}}"#)), "invalid_decimal");
    assert_eq!(refused(&format!(r#"{{"revenue":1,"tax":{written}}}"#)), "invalid_decimal");
}

#[rstest]
#[case(r#"{"revenue":1,"amt":2,"amount":3}"#, "1", Some(r#"{"amount":3,"amt":2}"#))]
#[case(r#"{"amt":2,"amount":3}"#, "2", Some(r#"{"amount":3}"#))]
#[case(r#"{"revenue":null,"amt":"","amount":3}"#, "3", None)]
fn revenue_falls_back(#[case] body: &str, #[case] revenue: &str, #[case] params: Option<&str>) {
    let payment = one(body);
    assert_eq!(payment.revenue, amount(revenue));
    assert_eq!(payment.params.map(|params| params.0).as_deref(), params);
}

#[rstest]
fn every_amount_has_its_column(
    #[values(
        "qty",
        "price",
        "discount",
        "margin",
        "cost",
        "tax",
        "tax_rate",
        "commission",
        "referral",
        "fees",
        "subtotal",
        "total",
        "payment"
    )]
    key: &str,
) {
    let payment = serde_json::to_value(one(&format!(r#"{{"revenue":1,"{key}":"2.5"}}"#))).unwrap();
    assert_eq!(payment[key], "2.5000");
    assert_eq!(payment["params"], Value::Null);
}

#[rstest]
fn texts_and_ids_have_their_columns(
    #[values(
        ("org", "A b"), ("product", "Tea"), ("pcat", "c"), ("man", "m"), ("model", "x"), ("duration", "1 y"),
        ("region", "r"), ("rcode", "R"), ("campaign_id", "k"), ("uid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("vid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("sid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("tid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("invid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("orid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("product_id", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("updater", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("owner", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    )]
    (key, text): (&str, &str),
) {
    let payment = serde_json::to_value(one(&format!(r#"{{"revenue":1,"{key}":"{text}"}}"#))).unwrap();
    assert_eq!(payment[key], text);
    assert_eq!(payment["params"], Value::Null);
}

#[test]
fn times_have_their_columns() {
    let said = r#""starts":"2026-01-31T12:00:00Z","ends":"2026-02-01T00:00:00+01:00","paid_at":"2026-01-31T12:00:00.5Z""#;
    let payment = one(&format!(r#"{{"revenue":1,{said},"invoiced_at":null}}"#));
    let times = [payment.starts, payment.ends, payment.paid_at].map(|time| time.unwrap().0);
    assert_eq!(times, [1_769_860_800_000, 1_769_900_400_000, 1_769_860_800_500]);
    assert_eq!(payment.invoiced_at, None);
}

#[test]
fn currency_and_country_are_upper_cased() {
    let payment = one(r#"{"revenue":1,"currency":"eur","country":"de"}"#);
    assert_eq!((payment.currency.as_str(), payment.country.as_deref()), ("EUR", Some("DE")));
}

#[rstest]
#[case(r#"{"uid":"a"}"#, "missing_revenue")]
#[case(r#"{"revenue":1,"currency":"Euro"}"#, "invalid_currency")]
#[case(r#"{"revenue":1,"currency":"€"}"#, "invalid_currency")]
#[case(r#"{"revenue":1,"orid":"A-17"}"#, "invalid_uuid")]
#[case(r#"{"revenue":1,"paid_at":1700000000000}"#, "invalid_time")]
#[case(r#"{"revenue":1,"product":{}}"#, "invalid_type")]
#[case(r#"{"revenue":1,"oid":"6ba7b811-9dad-11d1-80b4-00c04fd430c8"}"#, "tenant_mismatch")]
#[case(r#"{"payments":{"revenue":1}}"#, "invalid_type")]
#[case(r#"{"payments":"[]"}"#, "invalid_type")]
fn what_is_no_payment(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(refused(body), expected);
}

#[test]
fn money_without_an_owner_still_counts() {
    let payment = one(r#"{"amount":"5"}"#);
    assert_eq!((payment.uid, payment.vid, payment.orid, payment.invid), (None, None, None, None));
    assert_eq!(payment.revenue, amount("5"));
}

#[test]
fn what_stands_at_the_top_is_common_where_an_item_does_not_say_otherwise() {
    let items = all(
        r#"{"uid":"bob","currency":"EUR","shop":7,"payments":[{"amt":1},{"amt":2,"currency":"CHF","shop":8}]}"#,
        None,
    );
    let uid = Some(Uuid::new_v5(&TENANT, b"bob"));
    assert_eq!((items[0].uid, items[1].uid), (uid, uid));
    assert_eq!((items[0].currency.as_str(), items[1].currency.as_str()), ("EUR", "CHF"));
    let params: Vec<_> = items.into_iter().map(|item| item.params.unwrap().0).collect();
    assert_eq!(params, [r#"{"shop":7,"uid":"bob"}"#, r#"{"shop":8,"uid":"bob"}"#]);
}

#[test]
fn an_amount_of_the_order_is_not_counted_for_each_item() {
    let items = all(r#"{"total":3,"revenue":3,"payments":[{"amt":1,"total":1},{"amt":2}]}"#, None);
    assert_eq!(items.iter().map(|item| item.revenue).collect::<Vec<_>>(), [amount("1"), amount("2")]);
    assert_eq!((items[0].total, items[1].total), (Some(amount("1")), None));
    assert_eq!(items[1].params.as_ref().unwrap().0, r#"{"order_revenue":3,"order_total":3}"#);
    assert_eq!(refused(r#"{"revenue":3,"payments":[{}]}"#), "missing_revenue");
}

#[test]
fn a_bad_item_harms_only_itself() {
    let items = read_with(r#"{"payments":[{"amt":1},5,{"amt":"x"},{"amt":2}]}"#, None).unwrap();
    let verdicts: Vec<_> =
        items.iter().map(|item| item.as_ref().err().map(|refusal| refusal.reason)).collect();
    assert_eq!(verdicts, [None, Some("not_an_object"), Some("invalid_decimal"), None]);
}

#[test]
fn an_id_makes_a_retry_harmless() {
    let id = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";
    assert_eq!(one(&format!(r#"{{"amt":1,"id":"{id}"}}"#)).id, Uuid::NAMESPACE_URL);
    let named = one(r#"{"amt":1,"id":"pi_17"}"#);
    assert_eq!(named.id, Uuid::new_v5(&TENANT, b"pi_17"));
    assert_eq!(named.params.unwrap().0, r#"{"id":"pi_17"}"#);
}

#[test]
fn an_idempotency_key_makes_a_retry_harmless_item_by_item() {
    let body = r#"{"payments":[{"amt":1},{"amt":2},{"amt":3,"id":"pi_17"}]}"#;
    let ids = |key| all(body, Some(key)).into_iter().map(|item| item.id).collect::<Vec<_>>();
    let named = |name: &str| Uuid::new_v5(&TENANT, name.as_bytes());
    assert_eq!(ids("order-1"), [named("order-1/0"), named("order-1/1"), named("pi_17")]);
    assert_ne!(ids("order-1"), ids("order-2"));
    assert_eq!(all(r#"{"amt":1}"#, Some("order-1"))[0].id, named("order-1/0"));
}

#[test]
fn the_id_of_an_order_makes_no_two_items_one() {
    let items = all(r#"{"id":"order-1","payments":[{"amt":1},{"amt":2}]}"#, None);
    let named = |name: &str| Uuid::new_v5(&TENANT, name.as_bytes());
    assert_eq!((items[0].id, items[1].id), (named("order-1/0"), named("order-1/1")));
    assert_eq!(items[0].params.as_ref().unwrap().0, r#"{"order_id":"order-1"}"#);
}

#[test]
fn unknown_fields_go_to_params_with_their_type() {
    let payment = one(r#"{"amt":1,"gift":true,"params":{"note":"N"},"created_at":"2020-01-01T00:00:00Z"}"#);
    let params: Value = serde_json::from_str(&payment.params.unwrap().0).unwrap();
    assert_eq!(params, json!({"gift": true, "note": "N", "created_at": "2020-01-01T00:00:00Z"}));
}

#[test]
fn what_names_a_person_is_hashed_in_params_as_well() {
    let body = r#"{"email":"Ann@example.com","payments":[{"amt":1,"cell":"555"},{"amt":2,"ehash":"own"}]}"#;
    let params: Vec<_> = all(body, None).into_iter().map(|item| item.params.unwrap().0).collect();
    let hash = "61b55fab9c26d32d104ec34ed67a68f9042c022638ba102c71aeabc6b760fe1d";
    assert!(params.iter().all(|params| params.contains(hash) && !params.contains("555\"")), "{params:?}");
    assert!(params.iter().all(|params| !params.to_lowercase().contains("ann@")), "{params:?}");
}

#[test]
fn no_payments_are_none() {
    assert!(all(r#"{"uid":"bob","payments":[]}"#, None).is_empty());
}

#[test]
fn what_is_common_cannot_be_copied_without_bound() {
    let items = vec![r#"{"amt":1}"#; 1000].join(",");
    let body = format!(r#"{{"note":"{}","payments":[{items}]}}"#, "x".repeat(10_000));
    assert_eq!(refused(&body), "event_too_large");
}

#[test]
fn so_many_items_are_too_many() {
    let body = format!(r#"{{"payments":[{}]}}"#, vec!["{}"; 10_001].join(","));
    assert_eq!(refused(&body), "too_many_events");
}

#[test]
fn a_payment_is_as_long_as_an_event_at_most() {
    let note = "x".repeat(LIMITS.event_bytes / 2);
    let item = format!(r#"{{"amt":1,"note":"{note}"}}"#);
    assert_eq!(one(&item).revenue, amount("1"));
    assert_eq!(refused(&format!(r#"{{"more":"{note}","payments":[{item}]}}"#)), "event_too_large");
}

proptest! {
    #[test]
    fn any_draft_becomes_payments_or_refusals_with_a_tag(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "id", "uid", "oid", "revenue", "amt", "tax", "currency", "paid_at", "product", "params", "created_at",
                "email", "zz",
            ]),
            prop::sample::select(vec![
                "null", "1", "\"1.5\"", "1e999", "{}", "[1]", "\"é\"", "\"eur\"", "true", "\"2026-01-31T12:00:00Z\"",
            ]),
            0..6,
        ),
        listed in any::<bool>(),
    ) {
        let members: Vec<_> = fields.iter().map(|(key, json)| format!("\"{key}\":{json}")).collect();
        let item = format!("{{{}}}", members.join(","));
        let body = if listed { format!(r#"{{"payments":[{item}],{}"#, &item[1..]).replace(",}", "}") } else { item };
        for verdict in read_with(&body, Some("key")).unwrap() {
            match verdict {
                Ok(payment) => prop_assert!(payment.oid == Some(TENANT) && payment.currency.len() == 3),
                Err(refusal) => prop_assert!(reason::of(refusal.reason).is_some()),
            }
        }
    }

    #[test]
    fn an_amount_is_what_was_written(units in -10_i128.pow(20)..10_i128.pow(20), quoted in any::<bool>()) {
        let revenue = Decimal::from_units(units);
        let written = if quoted { format!("\"{revenue}\"") } else { revenue.to_string() };
        prop_assert_eq!(one(&format!(r#"{{"revenue":{written}}}"#)).revenue, revenue);
    }
}

#[test]
fn what_names_a_person_in_the_params_of_a_payment_is_kept_as_its_hash_only() {
    let own = one(r#"{"revenue":1,"params":{"Email":"Ann@Example.com","a":1}}"#);
    let plain = one(r#"{"revenue":1,"email":"ann@example.com","params":{"a":1}}"#);
    assert_eq!(own.params, plain.params);
    let text = own.params.unwrap().0;
    assert!(text.contains("ehash") && !text.to_lowercase().contains("example"), "{text}");
    let common = all(r#"{"params":{"uname":"ann"},"payments":[{"revenue":1},{"revenue":2}]}"#, None);
    assert!(common.iter().all(|payment| payment.params.as_ref().unwrap().0.starts_with(r#"{"uhash":"#)));
}
