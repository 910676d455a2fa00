//! The ways in of other products: what each answers, and for whom it speaks.

use super::*;
use crate::http::testing::{FORMER_KEY, OTHER_KEY, TILL, WRITE_KEY};
use async_compression::tokio::bufread::GzipEncoder;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

const SEGMENT: &str = r#"{"batch":[{"type":"track","event":"a"},{"type":"track"}]}"#;
const POSTHOG: &str = r#"{"api_key":"k","batch":[{"event":"a"},{"properties":{}}]}"#;

#[rstest]
#[case::segment("/v1/track", r#"{"event":"a"}"#, 200, r#"{"success":true}"#)]
#[case::segment_app("/v1/t", r#"{"event":"a"}"#, 200, r#"{"success":true}"#)]
#[case::segment_slash("/v1/page/", "{}", 200, r#"{"success":true}"#)]
#[case::posthog("/e/", r#"{"event":"a"}"#, 200, r#"{"status":1}"#)]
#[case::posthog_newer("/i/v0/e/", r#"[{"event":"a"}]"#, 200, r#"{"status":1}"#)]
#[case::posthog_batch("/batch", r#"{"batch":[{"event":"a"}]}"#, 200, r#"{"status":1}"#)]
#[case::plausible("/api/event", r#"{"name":"a"}"#, 202, "ok")]
#[case::umami("/api/send", r#"{"payload":{"name":"a"}}"#, 200,
    r#"{"sessionId":"00000000-0000-0000-0000-000000000000","visitId":"00000000-0000-0000-0000-000000000000"}"#)]
#[case::ga4("/mp/collect?measurement_id=G", r#"{"events":[{"name":"a"}]}"#, 204, "")]
#[case::gtag("/g/collect?en=a", "", 204, "")]
#[tokio::test]
async fn each_is_answered_in_its_own_words(
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] words: &str,
) {
    let tested = edge("");
    let said = tested.ask(request("POST", path).header("origin", "https://s.example").body(body)).await;
    assert_eq!((said.status, said.body.as_str()), (status, words));
    assert_eq!(said.header("access-control-allow-origin"), "*");
    assert_eq!(names(&tested).len(), 1);
}

#[rstest]
#[case::segment("/v1/batch", SEGMENT)]
#[case::posthog("/batch/", POSTHOG)]
#[tokio::test]
async fn a_wrong_event_of_a_batch_is_named_and_not_asked_for_again(#[case] path: &str, #[case] body: &str) {
    let tested = edge("");
    let said = tested.post(path, body).await;
    assert_eq!(said.status, 200);
    assert_eq!(said.json()["rejected"][0]["index"], 1);
    assert_eq!(said.json()["rejected"][0]["reason"], "missing_name");
    assert_eq!(names(&tested), ["a"]);
}

#[rstest]
#[case::one("/v1/track", "{}", "missing_name")]
#[case::all("/batch/", r#"{"batch":[{},{}]}"#, "missing_name")]
#[case::no_list("/v1/batch", r#"{"batch":{}}"#, "malformed")]
#[case::no_json("/api/event", "n=a", "not_an_object")]
#[case::no_events("/mp/collect", "{}", "malformed")]
#[tokio::test]
async fn what_holds_nothing_right_is_refused(#[case] path: &str, #[case] body: &str, #[case] reason: &str) {
    let tested = edge("");
    assert_eq!(tested.post(path, body).await.error(), (400, reason.to_owned()));
    assert!(tested.events.messages().is_empty());
}

#[tokio::test]
async fn a_batch_of_which_not_all_is_safe_is_to_be_sent_again() {
    let tested = edge_with("", Broker::Failing);
    let body = r#"{"batch":[{"type":"track","event":"a"},{"type":"track","event":"b"}]}"#;
    let said = tested.post("/v1/batch", body).await;
    assert_eq!((said.status, said.header("retry-after")), (503, "5"));
}

#[tokio::test]
async fn a_batch_may_be_as_long_as_a_list_and_compressed_without_a_header() {
    let tested = edge("body_limit = \"1KiB\"\nevent_limit = \"1KiB\"");
    let events: Vec<_> = (0..50).map(|n| json!({ "event": "a", "properties": { "n": n } })).collect();
    let body = json!({ "batch": events }).to_string();
    assert!(body.len() > 1024);
    let mut gzipped = Vec::new();
    GzipEncoder::new(body.as_bytes()).read_to_end(&mut gzipped).await.unwrap();
    assert_eq!(tested.post("/batch/", &body).await.status, 200);
    assert_eq!(tested.ask(request("POST", "/e/").body(gzipped)).await.status, 200);
    assert_eq!(names(&tested).len(), 100);
}

#[rstest]
#[case::segment("/v1/track", json!({ "event": "a", "writeKey": TENANT_SECRET }))]
#[case::posthog("/capture", json!({ "event": "a", "api_key": TENANT_SECRET }))]
#[case::in_the_properties("/e", json!([{ "event": "a", "properties": { "token": TENANT_SECRET } }]))]
#[case::google("/mp/collect?api_secret=one-tenant", json!({ "events": [{ "name": "a" }] }))]
#[tokio::test]
async fn a_secret_key_in_its_place_makes_a_server_of_its_tenant(#[case] path: &str, #[case] body: Value) {
    let tested = edge("rate_limit_burst = 1");
    for _ in 0..3 {
        assert!(tested.post(path, body.to_string()).await.status < 300);
    }
    for event in tested.events.records::<Event>() {
        assert_eq!((event.fact.kind, event.fact.oid), (Kind::Server, Some(TENANT)));
        assert_eq!(event.fact.params, None, "the key is not kept");
    }
}

/// Where a key stands in what a product's client sends: path, the user of Basic, body.
const PLACES: [(&str, Option<&str>, &str); 18] = [
    ("/v1/track", Some("KEY:"), r#"{"event":"a"}"#),
    ("/v1/track", Some("KEY"), r#"{"event":"a"}"#),
    ("/v1/batch", Some("KEY:"), r#"{"batch":[{"type":"track","event":"a"}]}"#),
    ("/v1/track", None, r#"{"event":"a","writeKey":"KEY"}"#),
    ("/v1/batch", None, r#"{"writeKey":"KEY","batch":[{"type":"track","event":"a"}]}"#),
    ("/v1/t", None, r#"{"event":"a","writeKey":"KEY"}"#),
    ("/capture", None, r#"{"event":"a","api_key":"KEY"}"#),
    ("/batch/", None, r#"{"api_key":"KEY","batch":[{"event":"a"}]}"#),
    ("/e/", None, r#"[{"event":"a","properties":{"token":"KEY"}}]"#),
    ("/i/v0/e/", None, r#"{"event":"a","token":"KEY"}"#),
    ("/e/?token=KEY&ver=1", None, r#"{"event":"a"}"#),
    ("/batch/?api_key=KEY", None, r#"{"batch":[{"event":"a"}]}"#),
    ("/api/event", None, r#"{"n":"a","d":"KEY"}"#),
    ("/api/event", None, r#"{"name":"a","domain":"KEY"}"#),
    ("/api/send", None, r#"{"payload":{"name":"a","website":"KEY"}}"#),
    ("/mp/collect?measurement_id=G-1&api_secret=KEY", None, r#"{"events":[{"name":"a"}]}"#),
    ("/mp/collect?measurement_id=KEY&api_secret=theirs", None, r#"{"events":[{"name":"a"}]}"#),
    ("/g/collect?tid=KEY&en=a", None, ""),
];

/// What came of a key in one of them.
struct Placed {
    path: &'static str,
    status: u16,
    reason: String,
    /// Of whom each event is, and of what kind.
    whose: Vec<(Option<Uuid>, Kind)>,
}

/// Sends something with this key from each place.
async fn at_each_place(key: &str, required: bool) -> Vec<Placed> {
    let tested = edge(&format!("require_write_key = {required}\nrate_limit_burst = 1000"));
    let mut all = Vec::new();
    for (path, user, body) in PLACES {
        let mut asked = request("POST", &path.replace("KEY", key));
        if let Some(user) = user {
            let user = BASE64_STANDARD.encode(user.replace("KEY", key));
            asked = asked.header("authorization", format!("Basic {user}"));
        }
        let said = tested.ask(asked.body(body.replace("KEY", key))).await;
        let reason = serde_json::from_str::<Value>(&said.body).unwrap_or_default();
        let reason = reason["error"].as_str().unwrap_or_default().to_owned();
        assert!(!said.body.contains(key), "{path}: {}", said.body);
        let events = tested.events.records::<Event>();
        assert!(events.iter().all(|event| event.fact.params.is_none()), "{path}: {events:?}");
        let whose = events.into_iter().map(|event| (event.fact.oid, event.fact.kind)).collect();
        tested.forget();
        all.push(Placed { path, status: said.status, reason, whose });
    }
    all
}

#[rstest]
#[case::its_sites(WRITE_KEY, (Some(TENANT), Kind::Client))]
#[case::its_servers(TENANT_SECRET, (Some(TENANT), Kind::Server))]
#[tokio::test]
async fn wherever_a_product_has_its_key_ours_names_the_tenant(
    #[case] key: &str,
    #[case] whose: (Option<Uuid>, Kind),
    #[values(true, false)] required: bool,
) {
    for Placed { path, status, whose: found, .. } in at_each_place(key, required).await {
        assert!(status < 300, "{path}: {status}");
        assert_eq!(found, [whose], "{path}");
    }
}

#[rstest]
#[case::unknown("theirs-not-ours", true, "unknown_key")]
#[case::expired(FORMER_KEY, true, "expired_key")]
#[case::expired_and_not_required(FORMER_KEY, false, "expired_key")]
#[case::for_payments(TILL, true, "wrong_scope")]
#[case::for_payments_and_not_required(TILL, false, "wrong_scope")]
#[tokio::test]
async fn wherever_it_stands_a_key_that_is_no_good_is_refused(
    #[case] key: &str,
    #[case] required: bool,
    #[case] wanted: &str,
) {
    for Placed { path, status, reason, whose: found } in at_each_place(key, required).await {
        assert_eq!((status, reason.as_str(), found.len()), (403, wanted, 0), "{path}");
    }
}

#[tokio::test]
async fn a_key_of_the_products_own_says_nothing_where_none_of_ours_is_needed() {
    for Placed { path, status, whose: found, .. } in at_each_place("theirs-not-ours", false).await {
        assert!(status < 300, "{path}: {status}");
        assert_eq!(found, [(None, Kind::Client)], "{path}");
    }
}

#[tokio::test]
async fn one_request_speaks_for_one_tenant_and_who_guesses_is_counted() {
    let tested = edge("rate_limit_burst = 2\nrequire_write_key = true");
    let two = json!([{ "event": "a", "token": WRITE_KEY }, { "event": "b", "token": OTHER_KEY }]).to_string();
    assert_eq!(tested.post("/e/", &two).await.error(), (403, "key_mismatch".to_owned()));
    let guessed = json!({ "event": "a", "token": "guessed" }).to_string();
    assert_eq!(tested.post("/e/", &guessed).await.error(), (403, "unknown_key".to_owned()));
    assert_eq!(tested.post("/e/", &guessed).await.error(), (429, "rate_limited".to_owned()));
    assert!(tested.events.messages().is_empty());
}

#[tokio::test]
async fn a_key_in_the_place_of_a_sites_name_is_no_name() {
    let tested = edge("");
    for domain in [WRITE_KEY.to_owned(), format!("a.example, {WRITE_KEY}"), "a.example,b.example".to_owned()]
    {
        tested.post("/api/event", json!({ "n": "a", "d": domain }).to_string()).await;
    }
    let apps: Vec<_> = tested.events.records::<Event>().into_iter().map(|event| event.fact.app).collect();
    assert_eq!(apps, [None, Some("a.example".to_owned()), Some("a.example,b.example".to_owned())]);
}

#[tokio::test]
async fn a_stranger_is_limited_by_address_and_by_every_event() {
    let tested = edge("rate_limit_burst = 3");
    let events = vec![json!({ "type": "track", "event": "a" }); 3];
    let body = json!({ "writeKey": "anything", "batch": events }).to_string();
    assert_eq!(tested.post("/v1/batch", &body).await.status, 200);
    assert_eq!(tested.post("/v1/batch", &body).await.error(), (429, "rate_limited".to_owned()));
}

#[tokio::test]
async fn the_request_tells_of_the_person_only_where_a_person_sends_it() {
    let tested = edge("");
    let vid = "0192f0c4-0000-7000-8000-00000000000c";
    let posts = [
        ("/v1/t", json!({ "event": "own" })),
        ("/v1/t", json!({ "event": "own with agent", "context": { "userAgent": "Said/1" } })),
        ("/v1/track", json!({ "event": "others" })),
        (
            "/v1/track",
            json!({ "event": "others with both", "context": { "ip": "8.8.8.8", "userAgent": "Said/1" } }),
        ),
    ];
    for (path, body) in posts {
        let post =
            request("POST", path).header("user-agent", "Real/1").header("cookie", format!("vid={vid}"));
        assert_eq!(tested.ask(post.body(body.to_string())).await.status, 200);
    }
    let told: Vec<_> = tested
        .events
        .records::<Event>()
        .into_iter()
        .map(|event| (event.ip, event.user_agent, event.fact.vid.map(|vid| vid.to_string())))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (text("192.0.2.1"), text("Real/1"), text(vid)),
            (text("192.0.2.1"), text("Said/1"), text(vid)),
            (None, None, None),
            (text("8.8.8.8"), text("Said/1"), None),
        ]
    );
}

#[tokio::test]
async fn what_is_sent_again_under_the_same_id_is_the_same_event() {
    let tested = edge("");
    let body = r#"{"event":"a","messageId":"node-next-1-x"}"#;
    tested.post("/v1/track", body).await;
    tested.post("/v1/track", body).await;
    let [one, other] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(one.fact.eid, other.fact.eid);
    assert_eq!(one.fact.params.unwrap().0, r#"{"message_id":"node-next-1-x"}"#);
}
