use super::*;
use crate::{
    decode::{self, Format, Limits},
    stamp::testing::context,
};
use rstest::rstest;
use serde_json::{Value, json};
use tracker_schemas::Timestamp;
use uuid::Uuid;

const LIMITS: Limits =
    Limits { event_bytes: 1 << 20, events: 10, key_bytes: 128, depth: 16, path_bytes: 8192 };
const ANN: &str = "0000000a-0000-4000-8000-000000000001";

fn read(fields: Value, context: &Context<'_>) -> Result<Agreement, Refusal> {
    let mut said = json!({ "vid": ANN, "cflags": 5377 });
    said.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let text = said.to_string();
    let draft = decode::body(text.as_bytes(), Format::Json, &LIMITS)?.drafts.remove(0)?;
    agreement(draft, context)
}

fn reason_of(fields: Value) -> &'static str {
    read(fields, &context()).unwrap_err().reason
}

#[test]
fn a_consent_says_who_what_where_and_under_which_law() {
    let fields = json!({
        "regulation": "GDPR", "compliances": { "gdpr": ["statistics"] }, "country": "de", "source": "banner",
        "url": "https://shop.example/privacy?token=x&step=2#top", "banner": "B", "id": "0000000d-0000-4000-8000-000000000001",
    });
    let ip = Some([192, 0, 2, 77].into());
    let consent = read(fields, &Context { ip, host: Some("TR.sfpl.io:443"), ..context() }).unwrap();
    let told = serde_json::to_value(&consent).unwrap();
    assert_eq!(told["vid"], ANN);
    assert_eq!(told["id"], "0000000d-0000-4000-8000-000000000001");
    assert_eq!((consent.cflags, consent.opt_out), (5377, false));
    assert_eq!((consent.country.as_deref(), consent.hhash.as_deref()), (Some("DE"), Some("f4owns")));
    assert_eq!(consent.url.as_deref(), Some("https://shop.example/privacy?step=2"));
    assert_eq!(consent.ip.as_deref(), Some("192.0.2.0"), "whatever the settings say of events");
    assert_eq!(told["compliances"], json!({ "gdpr": ["statistics"] }));
    assert_eq!(told["params"], json!({ "banner": "B" }));
}

#[test]
fn a_refusal_keeps_nothing_that_it_refuses() {
    let fields = json!({
        "cflags": 1, "email": "ann@example.com", "EHash": "ab", "lat": 1.5, "gclid": "g", "sid": "s", "ip": "192.0.2.1",
        "params": { "Email": "ann@example.com", "zip": 12345, "banner": "A", "fbid": null },
    });
    let consent = read(fields, &context()).unwrap();
    assert_eq!(serde_json::to_value(consent.params).unwrap(), json!({ "banner": "A" }));
    let consent = read(json!({ "params": { "email": "ann@example.com" } }), &context()).unwrap();
    assert_eq!(consent.params, None);
}

#[rstest]
#[case(json!({ "vid": null }), "missing_vid")]
#[case(json!({ "vid": "00000000-0000-0000-0000-000000000000" }), "missing_vid")]
#[case(json!({ "vid": "ann" }), "invalid_uuid")]
#[case(json!({ "uid": "ann" }), "invalid_uuid")]
#[case(json!({ "cflags": "" }), "missing_cflags")]
#[case(json!({ "cflags": "all" }), "invalid_number")]
#[case(json!({ "cflags": -1 }), "out_of_range")]
#[case(json!({ "params": "x".repeat(20_000) }), "event_too_large")]
fn what_is_no_consent_says_why(#[case] fields: Value, #[case] reason: &str) {
    assert_eq!(reason_of(fields), reason);
}

#[test]
fn nothing_at_all_is_a_consent_too() {
    assert_eq!(read(json!({ "cflags": 0 }), &context()).unwrap().cflags, 0);
}

#[test]
fn an_objection_of_the_browser_clears_marketing() {
    let consent = read(json!({}), &Context { opt_out: true, ..context() }).unwrap();
    assert_eq!((consent.cflags, consent.opt_out), (1281, true));
}

#[test]
fn no_clock_of_a_client_puts_a_consent_after_its_receipt() {
    let now = context().received_at;
    let at = |ms: i64| read(json!({ "created_at": ms }), &context()).unwrap().created_at;
    assert_eq!(at(now.0 - 5_000), Timestamp(now.0 - 5_000));
    assert_eq!(at(now.0 + 5_000), now, "it would outlive its withdrawal");
}

#[test]
fn another_tenant_than_the_key_s_is_refused() {
    let context = Context { tenant: Some(Uuid::from_u128(7)), ..context() };
    let oid = Uuid::from_u128(8).to_string();
    assert_eq!(read(json!({ "oid": oid }), &context).unwrap_err().reason, "tenant_mismatch");
    assert_eq!(read(json!({}), &context).unwrap().oid, Some(Uuid::from_u128(7)));
}
