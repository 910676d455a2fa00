//! What an edge without a broker shows of what it has refused, whatever way that came in.

use super::*;
use crate::http::testing::{Said, micro};

/// What is shown of refusals, by these members.
async fn bad(tested: &Tested, query: &str, members: &[&str]) -> Value {
    let shown = tested.get(&format!("/micro/bad{query}")).await.json();
    let of = |one: &Value| members.iter().map(|member| one[member].clone()).collect::<Value>();
    shown.as_array().unwrap().iter().map(of).collect()
}

async fn refuse(tested: &Tested, request: RequestBuilder, status: u16) {
    let said: Said = tested.ask(request).await;
    assert_eq!(said.status, status, "{}", said.body);
}

#[tokio::test]
async fn whatever_way_it_came_in_a_refusal_is_shown_with_what_came() {
    let tested = micro("");
    refuse(&tested, request("POST", "/tr/v1/tr/").body(r#"{"x":1}"#), 400).await;
    refuse(&tested, request("POST", "/tr/v1/tr/").body(r#"[{"ename":"a"},{"ename":"b","rid":"no"}]"#), 200)
        .await;
    refuse(&tested, request("GET", "/tr/v1/tr/ename/c/ver/x?y=z"), 400).await;
    refuse(&tested, request("GET", "/tr/v1/img/x/y"), 200).await;
    refuse(&tested, request("GET", "/tr/v1/rdr/?url=https://a.example&rid=no"), 302).await;
    refuse(
        &tested,
        server("POST", "/tr/v1/ltv/").body(r#"{"payments":[{"revenue":1},{"revenue":"x"}]}"#),
        400,
    )
    .await;
    refuse(&tested, request("POST", "/tr/v1/str/").body("{}"), 401).await;
    refuse(&tested, request("POST", "/tr/v1/ppi/agree").body(r#"{"cflags":1}"#), 400).await;
    refuse(&tested, request("POST", "/v1/batch").body(r#"{"batch":[{"type":"track","event":"e"},7]}"#), 200)
        .await;
    let shown = bad(&tested, "", &["route", "reason", "method", "path", "query", "input"]).await;
    let expected = json!([
        ["tr", "missing_name", "POST", "", "", { "x": 1 }],
        ["tr", "invalid_uuid", "POST", "", "", { "ename": "b", "rid": "no" }],
        ["tr", "invalid_number", "GET", "ename/c/ver/x", "y=z", null],
        ["img", "missing_name", "GET", "x/y", "", null],
        ["rdr", "invalid_uuid", "GET", "ename/rdr/etyp/redirect/", "url=https://a.example&rid=no", null],
        ["ltv", "invalid_decimal", "POST", "", "", { "revenue": "x" }],
        ["str", "missing_key", "POST", "", "", null],
        ["agree", "missing_vid", "POST", "", "", { "cflags": 1 }],
        ["segment", "not_an_object", "POST", "", "", 7],
    ]);
    assert_eq!(shown, expected);
    let counts = tested.get("/micro/all").await.json();
    assert_eq!(counts, json!({ "total": 9, "good": 0, "bad": 9, "fell_out": { "good": 0, "bad": 0 } }));
}

#[tokio::test]
async fn too_much_is_shown_too_and_a_test_sees_its_own() {
    let tested = micro("rate_limit_burst = 1");
    refuse(&tested, request("POST", "/tr/v1/tr/?test_id=a").body("{"), 400).await;
    refuse(&tested, request("POST", "/tr/v1/tr/?test_id=b").body(r#"{"ename":"a"}"#), 429).await;
    assert_eq!(bad(&tested, "?test_id=a", &["reason", "input"]).await, json!([["malformed", "{"]]));
    let unread = json!([["rate_limited", null]]);
    assert_eq!(bad(&tested, "?test_id=b", &["reason", "input"]).await, unread, "nothing of it was read");
    let left = tested.ask(request("POST", "/micro/reset?test_id=a")).await.json();
    assert_eq!(left["total"], 0);
    assert_eq!(bad(&tested, "", &["test_id"]).await, json!([["b"]]));
    assert_eq!(tested.get("/micro/reset").await.json()["total"], 0);
}

#[tokio::test]
async fn every_script_may_read_what_is_shown_whoever_may_send() {
    let tested = micro("allowed_origins = [\"https://a.example\"]");
    let said = tested.ask(request("GET", "/micro/all").header("origin", "https://b.example")).await;
    assert_eq!((said.status, said.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(said.header("cache-control"), "no-store");
    let asked = request("OPTIONS", "/micro/reset").header("origin", "https://b.example");
    let said = tested.ask(asked.header("access-control-request-method", "POST")).await;
    assert_eq!(said.header("access-control-allow-methods"), "GET, POST, OPTIONS");
    assert_eq!(tested.ask(request("POST", "/micro/all")).await.error().0, 405);
}

#[tokio::test]
async fn an_edge_before_a_broker_shows_nothing_and_says_nothing_of_it() {
    let (plain, tested) = (edge(""), micro(""));
    for path in ["/micro/all", "/micro/good", "/micro/bad", "/micro/reset"] {
        assert_eq!(plain.get(path).await.error(), (404, "not_found".to_owned()));
        let described = |document: &Value| document["paths"][path]["get"].is_object();
        assert!(!described(&plain.get("/openapi.json").await.json()));
        assert!(described(&tested.get("/openapi.json").await.json()));
    }
}
