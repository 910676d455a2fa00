//! PostHog's capture, from its public documents and what its libraries send.

use super::*;
use rstest::rstest;

const INLET: Inlet = Inlet::PostHog;
const DEVICE: &str = "0192f0c4-0000-7000-8000-00000000000d";

#[test]
fn each_field_of_a_browser_goes_where_it_belongs() {
    let body = json!({
        "api_key": "phc", "event": "bought", "uuid": "0192f0c4-0000-7000-8000-000000000001",
        "timestamp": "2026-11-24T11:59:00Z", "sent_at": "2026-11-24T11:59:30Z", "$set": { "email": "a@b.c", "plan": "pro" },
        "properties": {
            "token": "phc", "distinct_id": "u-1", "$device_id": DEVICE, "$user_id": "u-1", "$session_id": "s-1",
            "$current_url": "https://s.example/a?x=1", "$referrer": "https://g.example/", "$ip": "8.8.8.8", "$raw_user_agent": "UA/1",
            "$browser": "Chrome", "$os": "Linux", "$browser_language": "de-DE", "$timezone": "Europe/Berlin",
            "$viewport_width": 800, "$viewport_height": 600, "$screen_width": 1600, "utm_source": "n", "gclid": "g",
            "$initial_gclid": "first", "revenue": 3, "$lib": "web", "$set_once": { "$initial_fbclid": "f", "$initial_current_url": "https://s.example/?secret=1" },
        },
    });
    let wanted = json!({
        "ename": "bought", "eid": "0192f0c4-0000-7000-8000-000000000001", "created_at": NOON.0 - 30_000,
        "vid": DEVICE, "uid": "u-1", "sid": "s-1", "email": "a@b.c",
        "url": "https://s.example/a?x=1", "last": "https://g.example/", "ip": "8.8.8.8", "user_agent": "UA/1",
        "browser": "Chrome", "os": "Linux", "culture": "de-DE", "tz": "Europe/Berlin", "w": 800, "h": 600,
        "source": "n", "gclid": "g",
        "params": { "$screen_width": 1600, "revenue": 3, "$lib": "web", "$set": { "plan": "pro" },
                    "$set_once": { "$initial_current_url": "https://s.example/" }, "sent_at": "2026-11-24T11:59:30Z" },
    });
    assert_eq!(event(INLET, &body), wanted);
    let heard = hear(INLET, &body);
    assert_eq!((heard.keys, heard.voice), (vec!["phc".to_owned()], Voice::Own));
}

#[rstest]
#[case::anonymous(json!({ "distinct_id": DEVICE, "$device_id": DEVICE }), json!({ "vid": DEVICE }))]
#[case::identified(json!({ "distinct_id": "u", "$device_id": DEVICE }), json!({ "vid": DEVICE, "uid": "u" }))]
#[case::just_identified(json!({ "distinct_id": "u", "$anon_distinct_id": DEVICE }), json!({ "vid": DEVICE, "uid": "u" }))]
#[case::server(json!({ "distinct_id": "u" }), json!({ "uid": "u" }))]
#[case::made_by_a_browser(json!({ "distinct_id": DEVICE }), json!({ "vid": DEVICE }))]
#[case::without_a_profile(json!({ "distinct_id": "x", "$process_person_profile": false }),
    json!({ "vid": "x", "params": { "$process_person_profile": false } }))]
#[case::alias(json!({ "distinct_id": "u", "alias": "a" }), json!({ "uid": "u", "vid": "a" }))]
fn who_it_is(#[case] properties: Value, #[case] wanted: Value) {
    let mut event = event(INLET, &json!({ "event": "e", "properties": properties }));
    event.as_object_mut().unwrap().remove("ename");
    assert_eq!(event, wanted);
}

#[rstest]
#[case("$pageview", "page_view")]
#[case("$pageleave", "page_leave")]
#[case("$create_alias", "alias")]
#[case("$groupidentify", "group")]
#[case("$identify", "identify")]
#[case("movie played", "movie played")]
fn its_own_events_lose_their_mark(#[case] name: &str, #[case] wanted: &str) {
    assert_eq!(event(INLET, &json!({ "event": name }))["ename"], wanted);
}

#[test]
fn a_batch_a_list_and_a_form_are_the_same() {
    let events = json!([{ "event": "a", "properties": { "token": "k", "n": 1 } }, { "properties": {} }]);
    let batch = json!({ "api_key": "k", "batch": events, "historical_migration": false });
    let encoded =
        "data=W3siZXZlbnQiOiJhIiwicHJvcGVydGllcyI6eyJ0b2tlbiI6ImsiLCJuIjoxfX0seyJwcm9wZXJ0aWVzIjp7fX1d";
    for body in [
        events.to_string(),
        batch.to_string(),
        encoded.to_owned(),
        format!("data={}", events.to_string().replace('"', "%22")),
    ] {
        let heard = hear_from(INLET, &request("", &[]), body.as_bytes()).unwrap();
        assert_eq!(
            heard.events,
            [json!({ "ename": "a", "params": { "n": 1 } }), json!("missing_name")],
            "{body}"
        );
        assert_eq!(heard.keys, ["k"], "{body}");
    }
}

#[test]
fn a_form_that_holds_no_base64_is_malformed() {
    assert_eq!(INLET.unwrap(b"data=%00%ff").unwrap_err().reason, "malformed");
}

#[test]
fn when_it_was_sent_may_stand_in_the_query_and_when_it_happened_before_that() {
    let sent = format!("_={}&token=q", NOON.0 - 5_000);
    let body = br#"[{"event":"a","timestamp":"2026-11-24T11:59:00Z"},{"event":"b","offset":7000},{"event":"c","timestamp":"soon"}]"#;
    let heard = hear_from(INLET, &request(&sent, &[]), body).unwrap();
    let at: Vec<_> = heard.events.iter().map(|event| event["created_at"].clone()).collect();
    assert_eq!(at, [json!(NOON.0 - 55_000), json!(NOON.0 - 7_000), json!("soon")]);
    assert_eq!(heard.keys, ["q"]);
}

#[test]
fn a_library_of_a_server_speaks_for_others() {
    for mark in ["$is_server", "$geoip_disable"] {
        let body = json!({ "batch": [{ "event": "a", "properties": { mark: true, "$os": "Linux" } }] });
        let heard = hear(INLET, &body);
        assert_eq!(heard.voice, Voice::Others, "{mark}");
        assert_eq!(heard.events[0]["params"]["$os"], "Linux", "its own system is nobody's");
    }
}
