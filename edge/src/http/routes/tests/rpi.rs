//! Short links by HTTP: who may make them, and what is answered.

use crate::http::testing::{
    ACCOUNT, Broker, PASSWORD, SECRET, Said, TENANT, TENANT_SECRET, Tested, edge, edge_with, request,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rstest::rstest;
use serde_json::json;
use tracker_schemas::Redirect;

fn basic(uid: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{uid}:{password}")))
}

fn link() -> String {
    json!({ "urlfrom": "https://sho.example/Spring", "urlto": "https://shop.example.com/" }).to_string()
}

/// What a test's broker keeps comes round at once.
async fn post(tested: &Tested, path: &str, authorization: &str, body: &str) -> Said {
    let said = tested.ask(request("POST", path).header("authorization", authorization).body(body)).await;
    for link in tested.redirects.records::<Redirect>() {
        tested.edge.redirects.links.table().put(&link);
    }
    said
}

#[rstest]
#[case::bearer("/tr/v1/rpi/redirect", format!("Bearer {SECRET}"), SECRET)]
#[case::basic("/tr/v1/rpi/redirect/", basic(ACCOUNT, PASSWORD), ACCOUNT)]
#[case::path("/tr/v1/rpi/redirect/marketing/correct%20horse", String::new(), ACCOUNT)]
#[tokio::test]
async fn a_link_is_made_by_who_may(#[case] path: &str, #[case] authorization: String, #[case] updater: &str) {
    let tested = edge("");
    let said = post(&tested, path, &authorization, &link()).await;
    assert_eq!((said.status, said.body.as_str()), (200, ""));
    let [message] = &tested.redirects.messages()[..] else { panic!("one message") };
    assert_eq!(message.key, b"sho.example/spring");
    let [made] = &tested.redirects.records::<Redirect>()[..] else { panic!("one link") };
    assert_eq!((made.urlfrom.as_str(), made.updater.as_str()), ("https://sho.example/Spring", updater));
    assert!(!format!("{message:?}").contains("horse"));
}

#[rstest]
#[case::nothing("/tr/v1/rpi/redirect", String::new(), 401, "missing_key")]
#[case::unknown_key("/tr/v1/rpi/redirect", "Bearer nobody".to_owned(), 403, "unknown_key")]
#[case::wrong_password("/tr/v1/rpi/redirect", basic(ACCOUNT, "wrong"), 403, "unknown_account")]
#[case::unknown_name("/tr/v1/rpi/redirect", basic("nobody", PASSWORD), 403, "unknown_account")]
#[case::no_base64("/tr/v1/rpi/redirect", "Basic %%%".to_owned(), 401, "missing_key")]
#[case::expired("/tr/v1/rpi/redirect", basic("former", PASSWORD), 403, "expired_key")]
#[case::wrong_in_path("/tr/v1/rpi/redirect/marketing/wrong", String::new(), 403, "unknown_account")]
#[case::one_segment("/tr/v1/rpi/redirect/marketing", String::new(), 404, "not_found")]
#[case::three_segments("/tr/v1/rpi/redirect/a/b/c", String::new(), 404, "not_found")]
#[tokio::test]
async fn whoever_may_not_is_refused(
    #[case] path: &str,
    #[case] authorization: String,
    #[case] status: u16,
    #[case] reason: &str,
) {
    let tested = edge("");
    let said = post(&tested, path, &authorization, &link()).await;
    assert_eq!(said.error(), (status, reason.to_owned()));
    assert!(tested.redirects.messages().is_empty());
}

#[tokio::test]
async fn names_and_passwords_in_a_path_can_be_switched_off() {
    let tested = edge("path_credentials = false");
    let said = post(&tested, "/tr/v1/rpi/redirect/marketing/correct%20horse", "", &link()).await;
    assert_eq!(said.error(), (403, "path_credentials_off".to_owned()));
}

#[tokio::test]
async fn whoever_guesses_passwords_is_stopped() {
    let tested = edge("");
    let guess = async |password: &str| {
        post(&tested, "/tr/v1/rpi/redirect", &basic("nobody", password), &link()).await.status
    };
    assert_eq!(guess(&"x".repeat(1100)).await, 403, "too long to be tried, and no attempt");
    // Where each takes long, the time between them gives some back.
    let mut guesses = 0;
    while guess(&guesses.to_string()).await == 403 {
        guesses += 1;
        assert!(guesses < 600, "nobody stops it");
    }
    assert!(guesses >= 60, "{guesses}");
    assert_eq!(guess("y").await, 429);
    assert_eq!(post(&tested, "/tr/v1/rpi/redirect", &format!("Bearer {SECRET}"), &link()).await.status, 200);
}

#[rstest]
#[case::missing(json!({ "urlfrom": "https://sho.example/x" }), "missing_url: ")]
#[case::equal(json!({ "urlfrom": "https://sho.example/x", "urlto": "https://sho.example/x" }), "equal_urls: ")]
#[case::itself(json!({ "urlfrom": "https://sho.example/x", "urlto": "http://sho.example/X" }), "link_loop: ")]
#[case::short(json!({ "urlfrom": "https://sho.example/", "urlto": "https://a.example/" }), "short_path: ")]
#[case::script(json!({ "urlfrom": "https://sho.example/x", "urlto": "javascript:1" }), "invalid_scheme: ")]
#[case::list(json!([]), "not_an_object: ")]
#[tokio::test]
async fn what_is_no_link_is_answered_in_text(#[case] body: serde_json::Value, #[case] begins: &str) {
    let tested = edge("");
    let said = post(&tested, "/tr/v1/rpi/redirect", &format!("Bearer {SECRET}"), &body.to_string()).await;
    assert_eq!(said.status, 400);
    assert!(
        said.body.starts_with(begins) && said.header("content-type").starts_with("text/plain"),
        "{}",
        said.body
    );
}

#[tokio::test]
async fn a_link_that_the_broker_does_not_take_is_not_made() {
    let tested = edge_with("", Broker::Down);
    let said = post(&tested, "/tr/v1/rpi/redirect", &format!("Bearer {SECRET}"), &link()).await;
    assert_eq!((said.status, said.header("retry-after")), (503, "5"));
}

#[tokio::test]
async fn the_links_of_a_host_are_listed_each_tenant_its_own() {
    let tested = edge("");
    let (any, own) = (format!("Bearer {SECRET}"), format!("Bearer {TENANT_SECRET}"));
    assert_eq!(post(&tested, "/tr/v1/rpi/redirect", &any, &link()).await.status, 200);
    let mine = json!({ "urlfrom": "http://sho.example/b", "urlto": "https://b.example/", "searchto": "x=1", "org": "o" });
    assert_eq!(post(&tested, "/tr/v1/rpi/redirect", &own, &mine.to_string()).await.status, 200);
    let other = json!({ "urlfrom": "https://sho.example/spring", "urlto": "https://mine.example/" });
    let said = post(&tested, "/tr/v1/rpi/redirect", &own, &other.to_string()).await;
    assert_eq!(said.error(), (403, "tenant_mismatch".to_owned()));

    let listed = async |authorization: &str, path: &str| {
        let said = tested.ask(request("GET", path).header("authorization", authorization)).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let results = said.json()["results"].as_array().unwrap().clone();
        results.iter().map(|link| link["urlfrom"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let both = ["http://sho.example/b", "https://sho.example/Spring"];
    assert_eq!(listed(&any, "/tr/v1/rpi/redirects/SHO.example").await, both);
    assert_eq!(listed("", "/tr/v1/rpi/redirects/marketing/correct%20horse/sho.example").await, both);
    assert_eq!(listed(&own, "/tr/v1/rpi/redirects/sho.example/").await, ["http://sho.example/b"]);
    assert!(listed(&any, "/tr/v1/rpi/redirects/other.example").await.is_empty());
    let said =
        tested.ask(request("GET", "/tr/v1/rpi/redirects/sho.example").header("authorization", own)).await;
    let link = &said.json()["results"][0];
    assert_eq!(
        (&link["urlto"], &link["searchto"], &link["org"]),
        (&json!("https://b.example/"), &json!("x=1"), &json!("o"))
    );
    assert_eq!((&link["oid"], &link["updater"]), (&json!(TENANT), &json!(TENANT_SECRET)));
}
