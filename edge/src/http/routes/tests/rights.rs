//! Consents and erasures.

use super::*;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tracker_schemas::{Agreement, Erasure};
use uuid::Uuid;

const AGREE: &str = "/tr/v1/ppi/agree";
const ANN: &str = "0000000a-0000-4000-8000-000000000001";

#[rstest]
#[case::body(request("POST", AGREE).body(json!({ "vid": ANN, "cflags": 1281 }).to_string()))]
#[case::path(request("POST", "/tr/v1/ppi/agree/vid/0000000a-0000-4000-8000-000000000001/cflags/1281"))]
#[case::query(request("POST", "/tr/v1/ppi/agree?vid=0000000a00004000800000000000000 1&cflags=1281".replace(' ', "").as_str()))]
#[case::cookies(request("POST", AGREE).header("cookie", format!("vid={ANN}; CookieConsent=1281")).body("{}"))]
#[tokio::test]
async fn a_consent_is_kept_under_its_visitor_and_answered_with_nothing(#[case] request: RequestBuilder) {
    let tested = edge("");
    let said = tested.ask(request).await;
    assert_eq!((said.status, said.body.as_str()), (200, ""));
    let [consent] = tested.agreements.records::<Agreement>().try_into().unwrap();
    assert_eq!((consent.vid.to_string().as_str(), consent.cflags), (ANN, 1281));
    assert_eq!(consent.ip.as_deref(), Some("192.0.2.0"));
    assert_eq!(tested.agreements.messages()[0].key, ANN.as_bytes());
    assert!(tested.events.messages().is_empty());
}

#[rstest]
#[case::nobody(r#"{"cflags":1}"#, (400, "missing_vid"))]
#[case::nothing(r#"{"vid":"0000000a-0000-4000-8000-000000000001"}"#, (400, "missing_cflags"))]
#[case::several(r#"[{"vid":"0000000a-0000-4000-8000-000000000001","cflags":1}]"#, (400, "not_an_object"))]
#[case::no_json("vid", (400, "malformed"))]
#[tokio::test]
async fn what_is_no_consent_is_refused(#[case] body: &str, #[case] wanted: (u16, &str)) {
    let tested = edge("");
    let (status, reason) = tested.post(AGREE, body).await.error();
    assert_eq!((status, reason.as_str()), wanted);
    assert!(tested.agreements.messages().is_empty());
}

#[tokio::test]
async fn a_consent_that_is_not_safe_is_not_answered_200() {
    let tested = edge_with("", Broker::Down);
    let said = tested.post(AGREE, json!({ "vid": ANN, "cflags": 1 }).to_string()).await;
    assert_eq!(said.error(), (503, "unacknowledged".to_owned()));
    assert_ne!(said.header("retry-after"), "");
}

/// A loader that answers so, and what it was asked.
async fn loader(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(String::new())));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        *heard.lock().unwrap() = String::from_utf8_lossy(&head[..read]).into_owned();
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    (format!("load_url = \"http://{at}\""), asked)
}

#[tokio::test]
async fn the_consents_of_a_visitor_are_those_that_the_loader_tells() {
    let (setting, asked) = loader("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n[{\"cflags\":1}]\n").await;
    let tested = edge(&setting);
    let said =
        tested.ask(request("GET", &format!("{AGREE}?vid={ANN}")).header("origin", "https://a.example")).await;
    assert_eq!((said.status, said.json()), (200, json!([{ "cflags": 1 }])));
    assert_eq!(said.header("content-type"), "application/json");
    assert_eq!((said.header("cache-control"), said.header("access-control-allow-origin")), ("no-store", "*"));
    let asked = asked.lock().unwrap().clone();
    assert!(asked.starts_with(&format!("GET /agreements/{ANN} HTTP/1.1\r\n")), "{asked}");
}

#[tokio::test]
async fn without_the_loader_there_is_no_answer_and_its_words_are_not_told() {
    for answer in ["HTTP/1.1 503 Sorry\r\ncontent-length: 6\r\n\r\nhush-h", ""] {
        let tested = edge(&loader(answer).await.0);
        let said = tested.get(&format!("{AGREE}?vid={ANN}")).await;
        assert_eq!(said.error(), (503, "loader_away".to_owned()));
        assert!(!said.body.contains("hush") && said.header("retry-after") == "5", "{}", said.body);
    }
}

#[rstest]
#[case("", (400, "missing_vid"))]
#[case("?vid=", (400, "missing_vid"))]
#[case("?vid=ann", (400, "invalid_uuid"))]
#[tokio::test]
async fn whose_consents_must_be_said(#[case] query: &str, #[case] wanted: (u16, &str)) {
    let tested = edge("");
    let asked = request("GET", &format!("{AGREE}{query}")).header("cookie", format!("vid={ANN}"));
    let (status, reason) = tested.ask(asked).await.error();
    assert_eq!((status, reason.as_str()), wanted);
}

#[tokio::test]
async fn who_asks_too_often_is_limited() {
    let tested = edge("rate_limit_burst = 1");
    assert_eq!(tested.get(AGREE).await.status, 400);
    assert_eq!(tested.get(AGREE).await.error(), (429, "rate_limited".to_owned()));
}

const FORGET: &str = "/tr/v1/ppi/forget";

#[tokio::test]
async fn an_erasure_is_kept_for_the_key_s_tenant_and_answered_with_its_request() {
    let tested = edge("");
    let asked = request("POST", FORGET).header("authorization", format!("Bearer {TENANT_SECRET}"));
    let said = tested.ask(asked.body(json!({ "vid": ANN, "uid": ANN }).to_string())).await;
    assert_eq!(said.status, 202, "{}", said.body);
    let [vid, uid] = tested.erasures.records::<Erasure>().try_into().unwrap();
    assert_eq!(said.json(), json!({ "request": vid.request }));
    assert_eq!((uid.request, uid.oid, vid.oid), (vid.request, Some(TENANT), Some(TENANT)));
    let keys: Vec<_> = tested.erasures.messages().into_iter().map(|message| message.key).collect();
    assert_eq!(keys, ["vid", "uid"].map(|kind| format!("{kind}:{ANN}:{TENANT}").into_bytes()));
}

#[rstest]
#[case::nobody("{}", (400, "missing_person"))]
#[case::no_uuid(r#"{"vid":"ann"}"#, (400, "invalid_uuid"))]
#[case::several("[]", (400, "not_an_object"))]
#[tokio::test]
async fn what_names_nobody_erases_nobody(#[case] body: &str, #[case] wanted: (u16, &str)) {
    let tested = edge("");
    let cookie = format!("vid={ANN}");
    let (status, reason) =
        tested.ask(server("POST", FORGET).header("cookie", cookie).body(body)).await.error();
    assert_eq!((status, reason.as_str()), wanted);
    assert!(tested.erasures.messages().is_empty());
}

#[tokio::test]
async fn an_erasure_needs_a_secret_and_a_broker() {
    let body = json!({ "vid": ANN }).to_string();
    assert_eq!(edge("").post(FORGET, &body).await.error(), (401, "missing_key".to_owned()));
    let tested = edge_with("", Broker::Failing);
    let both = json!({ "vid": ANN, "uid": Uuid::from_u128(1) }).to_string();
    assert_eq!(
        tested.ask(server("POST", FORGET).body(both)).await.status,
        503,
        "half of it is not all of it"
    );
}
