//! What the libraries of other products are told before they send.

use super::*;

const POSTHOG: &str = r#"{"supportedCompression":["gzip-js"],"autocapture_opt_out":false,"hasFeatureFlags":false,"featureFlags":{},"flags":{}}"#;

#[rstest]
#[case::config("GET", "/array/phc_theirs/config?ver=1")]
#[case::flags("POST", "/flags/?v=2")]
#[case::formerly("POST", "/decide/?v=3")]
#[tokio::test]
async fn posthogs_library_is_told_that_there_are_no_flags(#[case] method: &str, #[case] path: &str) {
    let tested = edge("");
    let said =
        tested.ask(request(method, path).header("origin", "https://s.example").body([0x1f, 0x8b])).await;
    assert_eq!((said.status, said.body.as_str()), (200, POSTHOG));
    assert_eq!(said.header("content-type"), "application/json");
    assert_eq!(said.header("access-control-allow-origin"), "*");
    assert!(tested.events.messages().is_empty());
}

#[rstest]
#[case::plain("phc_theirs", "phc_theirs")]
#[case::a_way_out("%22%5D;alert(1)%2F%2F%3C%2Fscript%3E", r#"\"];alert(1)//</script>"#)]
#[tokio::test]
async fn a_script_leaves_them_in_the_page_whatever_the_key_is(#[case] asked: &str, #[case] key: &str) {
    let said = edge("").get(&format!("/array/{asked}/config.js")).await;
    assert_eq!(said.header("content-type"), "text/javascript; charset=utf-8");
    let script = format!(
        "(window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{{}})[\"{key}\"]={{config:{POSTHOG},siteApps:[]}};"
    );
    assert_eq!(said.body, script);
}

#[tokio::test]
async fn segments_library_is_told_to_send_where_it_asked() {
    let tested = edge("trusted_proxies = [\"192.0.2.0/24\"]");
    let asked = request("GET", "/v1/projects/wk%221/settings").header("host", "tr.example:8080");
    let said = tested.ask(asked.header("x-forwarded-proto", "https")).await.json();
    let events = json!({ "apiKey": "wk\"1", "apiHost": "tr.example:8080/v1", "protocol": "https" });
    assert_eq!(said, json!({ "integrations": { "Segment.io": events }, "metrics": { "sampleRate": 0 } }));
}
