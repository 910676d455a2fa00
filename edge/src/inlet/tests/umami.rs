//! Umami's `/api/send`.

use super::*;
use rstest::rstest;

const INLET: Inlet = Inlet::Umami;

#[rstest]
#[case::view(json!({ "type": "event", "payload": { "website": "w", "hostname": "s.example", "url": "/a?b=1", "title": "T", "language": "de-DE",
                     "referrer": "", "screen": "1920x1080", "timestamp": 1_795_521_000, "tag": "beta" } }),
    json!({ "ename": "page_view", "url": "https://s.example/a?b=1", "culture": "de-DE", "w": 1920, "h": 1080, "tags": "beta",
            "created_at": 1_795_521_000_000_i64, "params": { "hostname": "s.example", "title": "T" } }))]
#[case::event(json!({ "type": "event", "payload": { "website": "w", "name": "signup", "data": { "plan": "pro", "n": 1, "cflags": 5377 }, "id": "u",
                      "screen": "wide", "ip": "8.8.8.8", "userAgent": "UA/1" } }),
    json!({ "ename": "signup", "uid": "u", "ip": "8.8.8.8", "user_agent": "UA/1", "cflags": 5377,
            "params": { "plan": "pro", "n": 1, "screen": "wide" } }))]
#[case::identify(json!({ "type": "identify", "payload": { "website": "w", "data": { "email": "a@b.c", "plan": "pro" } } }),
    json!({ "ename": "identify", "email": "a@b.c", "params": { "plan": "pro" } }))]
#[case::elsewhere(json!({ "payload": { "website": "w", "url": "https://other.example/", "hostname": "s.example" } }),
    json!({ "ename": "page_view", "url": "https://other.example/", "params": { "hostname": "s.example" } }))]
fn each_field_goes_where_it_belongs(#[case] body: Value, #[case] wanted: Value) {
    assert_eq!(event(INLET, &body), wanted);
    assert_eq!(hear(INLET, &body).keys, ["w"]);
}

#[test]
fn several_may_be_sent_at_once() {
    let heard = hear(INLET, &json!([{ "payload": { "website": "w", "name": "a" } }, 7]));
    assert_eq!(heard.events, [json!({ "ename": "a" }), json!("not_an_object")]);
}
