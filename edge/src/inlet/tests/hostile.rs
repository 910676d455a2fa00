//! What no library sends. Whatever it is: no panic, and nothing that a store could not keep.

use super::*;
use crate::stamp::{self, Context};
use proptest::prelude::*;
use rstest::rstest;
use tracker_schemas::Kind;

const ALL: [Inlet; 8] = [
    Inlet::Segment(Call::Batch),
    Inlet::Segment(Call::Track),
    Inlet::SegmentApp(Call::Identify),
    Inlet::PostHog,
    Inlet::Plausible,
    Inlet::Umami,
    Inlet::Ga4,
    Inlet::Gtag,
];

#[rstest]
#[case::nothing("")]
#[case::no_json("{")]
#[case::a_number("7")]
#[case::a_list_of_numbers("[7]")]
#[case::lists_that_are_none(r#"{"batch":7,"events":{},"event":[],"name":null}"#)]
#[case::a_text_with_a_nul(
    r#"{"event":"a","name":"a","events":[{"x":"\u0000"}],"batch":[{"x":"\u0000"}],"x":"\u0000"}"#
)]
#[case::half_a_pair(
    r#"{"event":"a","name":"a","events":[{"x":"\ud800"}],"batch":[{"x":"\ud800"}],"x":{"y":"\ud800"}}"#
)]
#[case::too_deep(r#"{"event":"a","name":"a","events":[{"x":[[[[[[[[1]]]]]]]]}],"batch":[{"x":[[[[[[[[1]]]]]]]]}],"x":[[[[[[[[1]]]]]]]]}"#)]
fn what_is_no_event_is_refused_and_not_half_understood(#[case] body: &str) {
    let views = |inlet: &Inlet| matches!(inlet, Inlet::Gtag | Inlet::Umami | Inlet::SegmentApp(_));
    for inlet in ALL.into_iter().filter(|inlet| !views(inlet)) {
        if let Ok(heard) = hear_from(inlet, &request("", &[]), body.as_bytes()) {
            assert!(heard.events.iter().all(Value::is_string), "{inlet:?}: {:?}", heard.events);
        }
    }
}

/// Each name of the rest is looked for once: were repeated ones told apart by longer names, this would not end.
#[test]
fn of_a_key_that_stands_there_thousands_of_times_the_last_counts() {
    let many = "\"a\":1,".repeat(LIMITS.event_bytes / 8);
    let bodies = [
        (Inlet::Segment(Call::Track), format!(r#"{{"event":"x","properties":{{{many}"a":2}}}}"#)),
        (Inlet::Segment(Call::Track), format!(r#"{{{many}"a":2,"event":"x"}}"#)),
        (Inlet::PostHog, format!(r#"{{"event":"x","distinct_id":"d","properties":{{{many}"a":2}}}}"#)),
        (Inlet::PostHog, format!(r#"{{{many}"a":2,"event":"x","distinct_id":"d"}}"#)),
    ];
    for (inlet, body) in bodies {
        let heard = hear_from(inlet, &request("", &[]), body.as_bytes()).unwrap();
        let [event] = &heard.events[..] else { panic!("{inlet:?}: one event") };
        let said = event.to_string();
        assert!(said.len() < 1_000 && said.contains('2') && !said.contains("a_"), "{inlet:?}: {said}");
    }
}

#[test]
fn bounds_hold_for_each_event_and_for_all() {
    let long = "x".repeat(LIMITS.event_bytes);
    let each = [
        (Inlet::Segment(Call::Batch), json!({ "batch": [{ "type": "track", "event": long }] })),
        (Inlet::Segment(Call::Track), json!({ "event": long })),
        (Inlet::PostHog, json!({ "batch": [{ "event": long }] })),
        (Inlet::PostHog, json!({ "event": long })),
        (Inlet::Plausible, json!({ "name": long })),
        (Inlet::Umami, json!({ "payload": { "name": long } })),
        (Inlet::Ga4, json!({ "events": [{ "name": long }] })),
    ];
    for (inlet, body) in each {
        assert_eq!(event(inlet, &body), "event_too_large", "{inlet:?}");
    }
    let many = vec![json!({ "type": "track", "event": "a", "name": "a" }); LIMITS.events + 1];
    let all = [
        (Inlet::Segment(Call::Batch), json!({ "batch": many })),
        (Inlet::PostHog, json!(many)),
        (Inlet::Umami, json!(many)),
        (Inlet::Ga4, json!({ "events": many })),
    ];
    for (inlet, body) in all {
        let heard = hear_from(inlet, &request("", &[]), body.to_string().as_bytes());
        assert_eq!(heard.err().map(|refusal| refusal.reason), Some("too_many_events"), "{inlet:?}");
    }
}

#[test]
fn what_is_common_is_not_copied_without_end() {
    let many = vec![json!({ "type": "track", "event": "a", "name": "a" }); 10];
    let common = "x".repeat(LIMITS.event_bytes * 4);
    for (inlet, body) in [
        (Inlet::Segment(Call::Batch), json!({ "batch": many, "context": { "x": common } })),
        (Inlet::Ga4, json!({ "events": many, "x": common })),
    ] {
        let heard = hear_from(inlet, &request("", &[]), body.to_string().as_bytes());
        assert_eq!(heard.err().map(|refusal| refusal.reason), Some("event_too_large"), "{inlet:?}");
    }
}

#[rstest]
#[case(json!({}))]
#[case(json!([1]))]
#[case(json!(true))]
#[case(json!(-1.5e300))]
#[case(json!("\u{202e}\r\nSet-Cookie: x"))]
#[case(json!({ "$current_url": {}, "url": [], "cflags": -7, "width": "wide", "latitude": 1e9 }))]
fn a_value_that_does_not_fit_its_column_refuses_nothing(#[case] odd: Value) {
    let keys =
        ["userId", "anonymousId", "messageId", "timestamp", "context", "properties", "traits", "category"];
    let mut said: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), odd.clone())).collect();
    said.insert("event".to_owned(), json!("a"));
    let page = json!({ "page": odd, "campaign": odd, "screen": { "width": odd, "height": odd }, "device": odd, "location": odd, "ip": odd, "userAgent": odd });
    said.insert("context".to_owned(), page);
    stamped(Inlet::Segment(Call::Track), &json!(said).to_string());
    let properties = json!({ "distinct_id": odd, "$device_id": odd, "$ip": odd, "$current_url": odd, "$viewport_width": odd, "cflags": odd, "$set": odd, "email": odd });
    stamped(
        Inlet::PostHog,
        &json!({ "event": "a", "uuid": odd, "timestamp": odd, "offset": odd, "properties": properties })
            .to_string(),
    );
    stamped(Inlet::Plausible, &json!({ "name": "a", "url": odd, "domain": odd, "props": odd, "screen_width": odd, "e": odd, "$": odd }).to_string());
    let payload = json!({ "website": odd, "name": "a", "url": odd, "hostname": odd, "screen": odd, "timestamp": odd, "data": odd, "id": odd, "tag": odd });
    stamped(Inlet::Umami, &json!({ "type": "event", "payload": payload }).to_string());
    let params = json!({ "session_id": odd, "engagement_time_msec": odd, "page_location": odd, "screen_resolution": odd });
    let body = json!({ "client_id": odd, "timestamp_micros": odd, "user_data": { "sha256_email_address": odd }, "device": odd, "user_location": odd,
                       "consent": odd, "events": [{ "name": "a", "params": params }] });
    stamped(Inlet::Ga4, &body.to_string());
}

/// Stamps all that a body holds; each event is taken.
fn stamped(inlet: Inlet, body: &str) {
    let posted = request("", &[]);
    let posted = Posted { request: &posted, body: body.as_bytes(), limits: &LIMITS, received_at: NOON };
    let Told { batch: Batch { mut drafts, .. }, voice, .. } = inlet.decode(&posted).unwrap();
    name_events(&mut drafts, Uuid::nil());
    assert!(!drafts.is_empty());
    for draft in drafts {
        let mut draft = draft.unwrap();
        let person = Person::take(&mut draft);
        stamp::event(draft, &person.over(&context(), voice))
            .unwrap_or_else(|refusal| panic!("{inlet:?}: {refusal:?}: {body}"));
    }
}

fn context() -> Context<'static> {
    Context {
        received_at: NOON,
        kind: Kind::Client,
        ip: None,
        host: None,
        user_agent: None,
        accept_language: None,
        referer: None,
        opt_out: false,
        node: "edge",
        hash_key: &[7; 32],
        anonymize: false,
        tenant: None,
        new_id: &Uuid::now_v7,
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..400), query in "[ -~]{0,80}") {
        for inlet in ALL {
            let heard = hear_from(inlet, &request(&query, &[]), &body);
            prop_assert!(heard.is_err() || heard.is_ok_and(|heard| heard.events.len() <= LIMITS.events));
        }
    }

    #[test]
    fn no_json_makes_a_decoder_panic(body in json_text()) {
        for inlet in ALL {
            let heard = hear_from(inlet, &request("", &[]), body.as_bytes());
            prop_assert!(heard.is_err() || heard.is_ok_and(|heard| heard.events.len() <= LIMITS.events));
        }
    }
}

/// JSON of the members that decoders look for, with anything in them.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|said| json!(said)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        "(https?://|/|\\?)[a-z]{0,5}\\?[a-z]{0,4}=[@#a-z]{0,4}".prop_map(|text| json!(text)),
    ];
    let key = prop_oneof![
        Just("batch"),
        Just("events"),
        Just("payload"),
        Just("properties"),
        Just("context"),
        Just("params"),
        Just("data"),
        Just("type"),
        Just("event"),
        Just("name"),
        Just("n"),
        Just("page"),
        Just("screen"),
        Just("device"),
        Just("email"),
        Just("$set"),
        Just("traits"),
        Just("url"),
        Just("timestamp"),
        Just("sentAt"),
        Just("gclid"),
        Just("x"),
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|list| json!(list)),
            proptest::collection::hash_map(key.clone(), inner, 0..6).prop_map(|members| json!(members)),
        ]
    });
    value.prop_map(|value| value.to_string())
}
