//! Keys and rates, as those who send meet them.

use super::server;
use crate::http::testing::{Said, TENANT, TILL, Tested, WRITE_KEY, edge, request};
use rstest::rstest;
use serde_json::json;
use tracker_schemas::Event;
use uuid::Uuid;

/// The `RateLimit-*` of an answer: limit, remaining, reset.
fn left(said: &Said) -> [&str; 3] {
    ["limit", "remaining", "reset"].map(|name| said.header(&format!("ratelimit-{name}")))
}

fn tenants(tested: &Tested) -> Vec<Option<Uuid>> {
    tested.events.records::<Event>().into_iter().map(|event| event.fact.oid).collect()
}

#[rstest]
#[case::query("POST", &format!("/tr/v1/tr/?k={WRITE_KEY}"), None, json!({ "ename": "a" }))]
#[case::header("POST", "/tr/v1/tr/", Some(WRITE_KEY), json!({ "ename": "a" }))]
#[case::event("POST", "/tr/v1/tr/", None, json!({ "ename": "a", "K": WRITE_KEY }))]
#[case::path("GET", &format!("/tr/v1/tr/k/{WRITE_KEY}/ename/a"), None, json!(null))]
#[case::encoded("GET", "/tr/v1/tr/?ename=a&k=its%2Dsites", None, json!(null))]
#[case::one_of_several("POST", "/tr/v1/tr/", None, json!([{ "ename": "a" }, { "ename": "b", "k": WRITE_KEY }]))]
#[tokio::test]
async fn a_write_key_names_the_tenant_and_is_stored_nowhere(
    #[case] method: &str,
    #[case] path: &str,
    #[case] header: Option<&str>,
    #[case] body: serde_json::Value,
    #[values(true, false)] required: bool,
) {
    let tested = edge(&format!("require_write_key = {required}"));
    let asked = header.into_iter().fold(request(method, path), |asked, key| asked.header("x-write-key", key));
    let asked = if method == "POST" { asked.body(body.to_string()) } else { asked };
    let said = tested.ask(asked).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let events = tested.events.records::<Event>();
    assert!(!events.is_empty() && events.iter().all(|event| event.fact.params.is_none()), "{events:?}");
    assert!(events.iter().all(|event| event.fact.oid == Some(TENANT)), "{events:?}");
}

#[rstest]
#[case::missing(true, json!({ "ename": "a" }), (401, "missing_key"))]
#[case::unknown(true, json!({ "ename": "a", "k": "nobodys" }), (403, "unknown_key"))]
#[case::unknown_and_not_required(false, json!({ "ename": "a", "k": "nobodys" }), (403, "unknown_key"))]
#[case::secret(true, json!({ "ename": "a", "k": TILL }), (403, "wrong_scope"))]
#[case::other_tenant(false, json!({ "ename": "a", "k": WRITE_KEY, "oid": Uuid::from_u128(8) }), (403, "tenant_mismatch"))]
#[case::other_tenant_without_a_key_of_it(true, json!({ "ename": "a", "oid": TENANT }), (401, "missing_key"))]
#[tokio::test]
async fn a_client_without_a_good_write_key_is_refused_where_it_needs_one(
    #[case] required: bool,
    #[case] body: serde_json::Value,
    #[case] refused: (u16, &str),
) {
    let tested = edge(&format!("require_write_key = {required}"));
    let said = tested.post("/tr/v1/tr/", body.to_string()).await;
    assert_eq!(said.error(), (refused.0, refused.1.to_owned()));
    assert!(!said.body.contains("nobodys") && !said.body.contains(TILL), "{}", said.body);
    assert!(tested.events.messages().is_empty());
}

#[tokio::test]
async fn an_event_of_another_key_than_its_request_is_refused_alone() {
    let tested = edge("");
    let body = json!([{ "ename": "a", "k": "other" }, { "ename": "b" }]).to_string();
    let said = tested.post(&format!("/tr/v1/tr/?k={WRITE_KEY}"), body).await.json();
    assert_eq!((&said["accepted"], &said["rejected"][0]["reason"]), (&json!(1), &json!("key_mismatch")));
    assert_eq!(tenants(&tested), [Some(TENANT)]);
}

#[tokio::test]
async fn a_key_is_good_for_its_scopes_only() {
    let tested = edge("");
    let send = async |path: &str, key: &str, body: &str| {
        let asked = request("POST", path).header("authorization", format!("Bearer {key}"));
        tested.ask(asked.body(body)).await
    };
    assert_eq!(send("/tr/v1/ltv/", TILL, r#"{"revenue":1,"k":"x"}"#).await.status, 200);
    let refused = send("/tr/v1/str/", TILL, r#"{"ename":"a"}"#).await;
    assert_eq!(refused.error(), (403, "wrong_scope".to_owned()));
    let public = send("/tr/v1/ltv/", WRITE_KEY, r#"{"revenue":1}"#).await;
    assert_eq!(public.error(), (403, "wrong_scope".to_owned()));
    let payments = tested.payments.records::<tracker_schemas::Payment>();
    assert!(payments.len() == 1 && payments[0].params.is_none(), "{payments:?}");
}

#[tokio::test]
async fn every_answer_says_what_is_left_of_the_rate() {
    let tested = edge("rate_limit_per_day = 86400\nrate_limit_burst = 3");
    let first = tested.post("/tr/v1/tr/", r#"{"ename":"a"}"#).await;
    assert_eq!((first.status, left(&first)), (200, ["3", "2", "1"]));
    assert_eq!(first.header("ratelimit-policy"), "86400;w=86400;burst=3");
    let wrong = tested.post("/tr/v1/tr/", "{}").await;
    assert_eq!((wrong.status, left(&wrong)), (400, ["3", "1", "1"]));
    let pixel = tested.get("/tr/v1/img/ename/a").await;
    assert_eq!((pixel.status, left(&pixel)), (200, ["3", "0", "1"]));
    let over = tested.get("/tr/v1/img/ename/a").await;
    assert_eq!((over.status, left(&over)), (200, ["3", "0", "1"]));
    assert_eq!(left(&tested.get("/ping").await), [""; 3], "looking has no rate");
}

#[tokio::test]
async fn a_key_and_its_tenant_have_rates_of_their_own() {
    let tested = edge("rate_limit_key_per_day = 86400\nrate_limit_key_burst = 4");
    let two = json!([{ "ename": "a", "k": WRITE_KEY }, { "ename": "b" }]).to_string();
    assert_eq!(left(&tested.post("/tr/v1/tr/", &two).await)[..2], ["4", "2"]);
    let query = format!("/tr/v1/tr/?k={WRITE_KEY}");
    assert_eq!(left(&tested.post(&query, &two).await)[..2], ["4", "0"], "the same key, counted the same");
    let limited = tested.post(&query, &two).await;
    assert_eq!(limited.error(), (429, "rate_limited".to_owned()));
    assert_eq!(limited.header("retry-after"), "1");
    assert_eq!(tested.post("/tr/v1/tr/", r#"{"ename":"a"}"#).await.status, 200, "who shows no key");
    let server = tested.ask(server("POST", "/tr/v1/str/").body(r#"{"ename":"a"}"#)).await;
    assert_eq!((server.status, left(&server)[..2].to_vec()), (200, vec!["4", "3"]), "another key");
}

#[tokio::test]
async fn payments_have_no_rate_and_use_up_none() {
    let tested = edge(
        "rate_limit_tenant_per_day = 1\nrate_limit_tenant_burst = 1\nrate_limit_key_per_day = 1\nrate_limit_key_burst = 1",
    );
    for _ in 0..3 {
        let said = tested.ask(server("POST", "/tr/v1/ltv/").body(r#"{"revenue":1}"#)).await;
        assert_eq!((said.status, left(&said)), (200, [""; 3]));
    }
    assert_eq!(tested.ask(server("POST", "/tr/v1/str/").body(r#"{"ename":"a"}"#)).await.status, 200);
}
