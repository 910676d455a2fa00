mod broker;
mod cors;
mod inlets;
mod keys;
mod micro;
mod place;
mod redirects;
mod rights;
mod rpi;
mod script;
mod settings;
mod visitor;

use crate::http::testing::{Broker, SECRET, TENANT, TENANT_SECRET, Tested, edge, edge_with, request};
use crate::reason;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use std::time::Duration;
use tracker_schemas::{Decimal, Event, Kind, Payment};
use warp::test::RequestBuilder;

fn server(method: &str, path: &str) -> RequestBuilder {
    request(method, path).header("authorization", format!("Bearer {SECRET}"))
}

fn names(tested: &Tested) -> Vec<String> {
    tested.events.records::<Event>().into_iter().filter_map(|event| event.fact.ename).collect()
}

#[rstest]
#[case::slash("/tr/v1/tr/")]
#[case::no_slash("/tr/v1/tr")]
#[tokio::test]
async fn one_event_is_answered_with_nothing(#[case] path: &str) {
    let tested = edge("");
    let said = tested.post(path, r#"{"ename":"View","url":"https://a.example/x"}"#).await;
    assert_eq!((said.status, said.body.as_str()), (200, ""));
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(event.fact.ename.as_deref(), Some("view"));
    assert_eq!(event.fact.kind, Kind::Client);
    assert_eq!(event.ip.as_deref(), Some("192.0.2.1"));
}

#[tokio::test]
async fn a_message_is_keyed_by_its_event_and_carries_the_trace() {
    let tested = edge("");
    let eid = "018f0000-0000-7000-8000-000000000001";
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({ "ename": "view", "eid": eid }).to_string();
    tested.ask(request("POST", "/tr/v1/tr/").header("traceparent", trace).body(body)).await;
    let [message] = tested.events.messages().try_into().unwrap();
    assert_eq!(&*message.topic, "test.events");
    assert_eq!(message.key, eid.as_bytes());
    let carried = String::from_utf8(message.headers.get("traceparent").unwrap().to_vec()).unwrap();
    assert!(carried.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && carried != trace, "{carried}");
}

#[rstest]
#[case::array("application/json", r#"[{"ename":"a"},{"x":1},{"ename":"b"}]"#)]
#[case::ndjson("application/x-ndjson", "{\"ename\":\"a\"}\n{\"x\":1}\n\n{\"ename\":\"b\"}\n")]
#[tokio::test]
async fn each_event_of_several_has_its_own_verdict(#[case] content_type: &str, #[case] body: &str) {
    let tested = edge("");
    let said =
        tested.ask(request("POST", "/tr/v1/tr/").header("content-type", content_type).body(body)).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let json = said.json();
    assert_eq!(json["accepted"], 2);
    assert_eq!(json["rejected"][0]["index"], 1);
    assert_eq!(json["rejected"][0]["reason"], "missing_name");
    assert_eq!(json["rejected"].as_array().unwrap().len(), 1);
    assert!(json.get("ids").is_none());
    assert_eq!(names(&tested), ["a", "b"]);
}

#[rstest]
#[case("GET")]
#[case("HEAD")]
#[tokio::test]
async fn an_event_may_stand_in_the_address(#[case] method: &str) {
    let tested = edge("");
    let said = tested.ask(request(method, "/tr/v1/tr/ename/View/source/path?utm_source=Query&x=1")).await;
    assert_eq!((said.status, said.body.as_str()), (200, ""));
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(event.fact.ename.as_deref(), Some("view"));
    assert_eq!(event.fact.source.as_deref(), Some("Query"));
}

#[tokio::test]
async fn the_body_wins_over_the_address_and_the_address_over_cookies() {
    let tested = edge("");
    let [cookie, path, body] = [1, 2, 3].map(uuid::Uuid::from_u128);
    let asked = request("POST", &format!("/tr/v1/tr/vid/{path}/app/fromPath/rel/path?rel=query"))
        .header("cookie", format!("vid={cookie}; sid={cookie}"))
        .body(json!({ "ename": "view", "vid": body }).to_string());
    assert_eq!(tested.ask(asked).await.status, 200);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!((event.fact.vid, event.fact.sid), (Some(body), Some(cookie)));
    assert_eq!((event.fact.app.as_deref(), event.fact.rel.as_deref()), (Some("fromPath"), Some("query")));
}

#[tokio::test]
async fn an_empty_body_leaves_the_event_to_the_address() {
    let tested = edge("");
    assert_eq!(tested.post("/tr/v1/tr/ename/beacon", "").await.status, 200);
    assert_eq!(tested.post("/tr/v1/tr/", "").await.error().0, 400);
    assert_eq!(names(&tested), ["beacon"]);
}

#[rstest]
#[case::no_name(r#"{"x":1}"#, 400, "missing_name")]
#[case::no_json("hello", 400, "malformed")]
#[case::bad_uuid(r#"{"ename":"a","rid":"nonsense"}"#, 400, "invalid_uuid")]
#[tokio::test]
async fn a_refused_event_says_why(#[case] body: &str, #[case] status: u16, #[case] reason: &str) {
    let tested = edge("");
    let said = tested.post("/tr/v1/tr/", body).await;
    assert_eq!(said.error(), (status, reason.to_owned()));
    assert_eq!(said.header("content-type"), "application/json");
    assert!(!said.json()["detail"].as_str().unwrap().is_empty());
    assert!(tested.events.messages().is_empty());
}

#[rstest]
#[case::gpc("sec-gpc", "1", true)]
#[case::dnt("dnt", "1", true)]
#[case::dnt_off("dnt", "0", false)]
#[tokio::test]
async fn a_visitor_may_opt_out(#[case] header: &str, #[case] value: &str, #[case] opted_out: bool) {
    let tested = edge("");
    tested.ask(request("GET", "/tr/v1/tr/ename/view").header(header, value)).await;
    assert_eq!(tested.events.records::<Event>()[0].opt_out, opted_out);
}

#[tokio::test]
async fn a_server_event_is_answered_with_its_id() {
    let tested = edge("");
    let said = tested.ask(server("POST", "/tr/v1/str/").body(r#"{"ename":"order"}"#)).await;
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!((said.status, said.json()), (200, json!(event.fact.eid)));
    assert_eq!(event.fact.kind, Kind::Server);
    let several = tested.ask(server("POST", "/tr/v1/str").body(r#"[{"ename":"a"},{},{"ename":"b"}]"#)).await;
    let ids: Vec<Value> =
        tested.events.records::<Event>()[1..].iter().map(|event| json!(event.fact.eid)).collect();
    assert_eq!(several.json()["ids"], json!(ids));
    assert_eq!(several.json()["accepted"], 2);
    assert_eq!(tested.ask(server("GET", "/tr/v1/str/ename/late")).await.status, 200);
}

#[rstest]
#[case::none(None, 401, "missing_key")]
#[case::basic(Some("Basic abc"), 401, "missing_key")]
#[case::unknown(Some("Bearer abc"), 403, "unknown_key")]
#[tokio::test]
async fn private_routes_need_a_key(
    #[case] authorization: Option<&str>,
    #[case] status: u16,
    #[case] reason: &str,
    #[values("/tr/v1/str/", "/tr/v1/ltv/")] path: &str,
) {
    let tested = edge("");
    let asked = request("POST", path).body(r#"{"ename":"a","revenue":1}"#);
    let asked = authorization.into_iter().fold(asked, |asked, value| asked.header("authorization", value));
    let said = tested.ask(asked).await;
    assert_eq!(said.error(), (status, reason.to_owned()));
    assert!(tested.events.messages().is_empty() && tested.payments.messages().is_empty());
}

#[tokio::test]
async fn a_key_speaks_for_its_tenant_only() {
    let tested = edge("");
    let send = async |oid: Option<uuid::Uuid>| {
        let asked = request("POST", "/tr/v1/str/").header("authorization", format!("bearer {TENANT_SECRET}"));
        tested.ask(asked.body(json!({ "ename": "a", "oid": oid }).to_string())).await
    };
    assert_eq!(send(Some(TENANT)).await.status, 200);
    assert_eq!(send(Some(uuid::Uuid::from_u128(8))).await.error(), (403, "tenant_mismatch".to_owned()));
    assert_eq!(send(None).await.status, 200);
    assert!(tested.events.records::<Event>().iter().all(|event| event.fact.oid == Some(TENANT)));
}

#[tokio::test]
async fn a_payment_is_answered_with_nothing_or_a_receipt() {
    let tested = edge("");
    let said = tested.ask(server("POST", "/tr/v1/ltv/").body(r#"{"revenue":"12.3456"}"#)).await;
    assert_eq!((said.status, said.body.as_str()), (200, ""));
    let body = r#"{"uid":"018f0000-0000-7000-8000-000000000001","payments":[{"revenue":1},{"revenue":-1}]}"#;
    let receipt = tested.ask(server("POST", "/tr/v1/ltv/?receipt=1").body(body)).await;
    let payments = tested.payments.records::<Payment>();
    assert_eq!(payments[0].revenue, "12.3456".parse::<Decimal>().unwrap());
    assert_eq!(receipt.json(), json!({ "ids": [payments[1].id, payments[2].id] }));
    let keys: Vec<Vec<u8>> = tested.payments.messages().into_iter().map(|message| message.key).collect();
    assert_eq!(keys[0], payments[0].id.hyphenated().to_string().into_bytes());
    assert!(tested.events.messages().is_empty());
}

#[tokio::test]
async fn what_the_query_of_a_payment_says_lies_under_its_body() {
    let tested = edge("");
    let path = "/tr/v1/ltv/?receipt=1&currency=EUR&campaign_id=q&shelf=7";
    let request = server("POST", path).header("cookie", "vid=00000000-0000-4000-8000-000000000001");
    let said = tested.ask(request.body(r#"{"revenue":1,"campaign_id":"b"}"#)).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let payment = tested.payments.records::<Payment>().remove(0);
    assert_eq!((payment.currency.as_str(), payment.campaign_id.as_deref()), ("EUR", Some("b")));
    assert_eq!(payment.params.unwrap().0, r#"{"shelf":"7"}"#);
    assert_eq!(payment.vid, None, "a server's cookies are nobody's");
}

#[tokio::test]
async fn an_idempotency_key_gives_a_repeat_the_same_ids() {
    let tested = edge("");
    for _ in 0..2 {
        let asked =
            server("POST", "/tr/v1/ltv/").header("idempotency-key", "order-7").body(r#"{"revenue":1}"#);
        assert_eq!(tested.ask(asked).await.status, 200);
    }
    let payments = tested.payments.records::<Payment>();
    assert_eq!(payments[0].id, payments[1].id);
}

#[tokio::test]
async fn a_wrong_line_item_keeps_all_of_them_out() {
    let tested = edge("");
    let body = r#"{"payments":[{"revenue":1},{"revenue":"much"},{"revenue":2}]}"#;
    let said = tested.ask(server("POST", "/tr/v1/ltv/").body(body)).await;
    assert_eq!(said.error(), (400, "invalid_decimal".to_owned()));
    assert_eq!(said.json()["rejected"][0]["index"], 1);
    assert!(tested.payments.messages().is_empty());
    let single = tested.ask(server("POST", "/tr/v1/ltv/").body(r#"{"revenue":"much"}"#)).await;
    assert_eq!(single.error(), (400, "invalid_decimal".to_owned()));
    let list = tested.ask(server("POST", "/tr/v1/ltv/").body(r#"[{"revenue":1}]"#)).await;
    assert_eq!(list.error(), (400, "not_an_object".to_owned()));
}

#[rstest]
#[case::good("/tr/v1/img/ename/open/uid/018f0000-0000-7000-8000-000000000001?source=mail", 1)]
#[case::refused("/tr/v1/img/rid/nonsense", 0)]
#[tokio::test]
async fn a_pixel_is_always_a_pixel(#[case] path: &str, #[case] events: usize) {
    let tested = edge("");
    let response = request("GET", path).reply(&super::routes(&tested.edge)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/gif");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let pixel = "47494638396101000100800000ffffff0000002c00000000010001000002024401003b";
    assert_eq!(hex::encode(response.body()), pixel);
    assert_eq!(tested.events.messages().len(), events);
}

#[rstest]
#[case("PUT", "/tr/v1/tr/", "POST, GET, HEAD, OPTIONS")]
#[case("POST", "/tr/v1/img/", "GET, OPTIONS")]
#[case("DELETE", "/tr/v1/str", "POST, GET, OPTIONS")]
#[case("GET", "/tr/v1/ltv/", "POST, OPTIONS")]
#[case("POST", "/health", "GET, HEAD, OPTIONS")]
#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones(
    #[case] method: &str,
    #[case] path: &str,
    #[case] allow: &str,
) {
    let tested = edge("");
    let said = tested.ask(request(method, path)).await;
    assert_eq!(said.error(), (405, "method_not_allowed".to_owned()));
    assert_eq!(said.header("allow"), allow);
}

#[rstest]
#[case("/")]
#[case("/tr/v1")]
#[case("/tr/v1/trx/")]
#[case("/tr/v1/ltv/more")]
#[case("/health/more")]
#[tokio::test]
async fn an_unknown_address_is_not_found(#[case] path: &str) {
    let tested = edge("");
    assert_eq!(tested.get(path).await.error(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn what_the_address_says_is_not_copied_without_bound() {
    let tested = edge("");
    let path = format!("/tr/v1/tr/?ename=a&note={}", "x".repeat(9_000));
    let said = tested.post(&path, format!("[{}]", vec!["{}"; 1000].join(","))).await;
    assert_eq!(said.error(), (413, "event_too_large".to_owned()));
    let said = tested.post(&path, "[{},{}]").await;
    assert_eq!(said.json()["accepted"], 2);
}

#[tokio::test]
async fn looking_records_nothing_and_is_never_limited() {
    let tested = edge("rate_limit_per_day = 1\nrate_limit_burst = 1");
    for path in ["/health", "/ready", "/ping", "/status", "/metrics"].repeat(3) {
        assert_eq!(tested.get(path).await.status, 200, "{path}");
    }
    assert_eq!(tested.get("/ping").await.body, "pong");
    let status = tested.get("/status").await.json();
    assert_eq!(status["ip"], "192.0.2.1");
    assert_eq!(status["producers"]["events"]["broker"], "up");
    assert!(tested.events.messages().is_empty());
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_back() {
    let tested = edge("rate_limit_per_day = 86400\nrate_limit_burst = 3");
    assert_eq!(tested.post("/tr/v1/tr/", r#"[{"ename":"a"},{"ename":"b"},{"ename":"c"}]"#).await.status, 200);
    let said = tested.post("/tr/v1/tr/", r#"{"ename":"d"}"#).await;
    assert_eq!(said.error(), (429, "rate_limited".to_owned()));
    assert_eq!(said.header("retry-after"), "1");
    assert_eq!((said.header("ratelimit-limit"), said.header("ratelimit-remaining")), ("3", "0"));
    assert_eq!(said.header("ratelimit-reset"), "1");
    assert_eq!(tested.get("/tr/v1/img/ename/e").await.status, 200);
    assert_eq!(names(&tested), ["a", "b", "c"]);
    let key = tested.ask(server("POST", "/tr/v1/str/").body(r#"{"ename":"f"}"#)).await;
    assert_eq!(key.status, 200, "a server with a key speaks for many visitors");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_visitor_has_its_own_limit() {
    let tested = edge("rate_limit_burst = 1\nrate_limit_per_day = 1\ntrusted_proxies = [\"192.0.2.1\"]");
    let visit = async |visitor: &str| {
        let asked = request("GET", "/tr/v1/tr/ename/a").header("x-forwarded-for", visitor);
        tested.ask(asked.header("x-forwarded-host", "Shop.example:443")).await.status
    };
    assert_eq!(visit("198.51.100.1").await, 200);
    assert_eq!(visit("198.51.100.2").await, 200);
    assert_eq!(visit("6.6.6.6, 198.51.100.2").await, 429);
    let events = tested.events.records::<Event>();
    assert_eq!(events[1].ip.as_deref(), Some("198.51.100.2"));
    assert_eq!(events[1].fact.host.as_deref(), Some("shop.example"));
}

/// Bytes that once broke something, somewhere.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(vec![
        "[[[[[[[[[[[[[[[[[[[[[[[[",
        "{\"ename\":\"a\",\"params\":{\"params\":{\"params\":null}}}",
        "{\"ename\":\"\\ud800\"}",
        "{\"ename\":\"a\",\"created_at\":1e400,\"lat\":-0,\"duration\":9223372036854775808}",
        "\u{feff}{\"ename\":\"a\"}",
        "{\"payments\":[{\"revenue\":\"1e9999\"},null,[]]}",
        "null",
        "{\"ename\":\"a\"}{\"ename\":\"b\"}",
    ]);
    prop_oneof![odd.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_is_sent_is_answered_with_a_known_reason(
        method in prop::sample::select(vec!["POST", "GET", "HEAD", "PUT", "OPTIONS"]),
        route in prop::sample::select(vec!["/tr/v1/tr/", "/tr/v1/str/", "/tr/v1/ltv/", "/tr/v1/img/"]),
        path in "[a-z0-9/%_.~-]{0,40}",
        query in "[a-z0-9&=%_.;+-]{0,40}",
        content in prop::sample::select(vec!["application/json", "application/x-ndjson", "text/plain", ";=", ""]),
        encoding in prop::sample::select(vec!["", "", "", "gzip", "deflate", "br", "zstd", "lz4"]),
        body in hostile(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let asked = server(method, &format!("{route}{path}?{query}"));
            edge("").ask(asked.header("content-type", content).header("content-encoding", encoding).body(body)).await
        });
        prop_assert!(said.status < 500, "{} {}", said.status, said.body);
        if said.status >= 400 {
            let (status, tag) = said.error();
            prop_assert_eq!(reason::of(&tag).map(|reason| reason.status), Some(status));
        }
    }
}
