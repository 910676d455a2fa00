//! Segment's HTTP API, from the calls of its public documents.

use super::*;
use rstest::rstest;

const TRACK: Inlet = Inlet::Segment(Call::Track);
const BATCH: Inlet = Inlet::Segment(Call::Batch);

#[test]
fn each_field_of_a_track_goes_where_it_belongs() {
    let body = json!({
        "userId": "u-1", "anonymousId": "a-1", "messageId": "ajs-next-7", "event": "Order Completed",
        "timestamp": "2026-11-24T11:00:00.000Z", "sentAt": "2026-11-24T11:59:50.000Z", "writeKey": "wk",
        "properties": { "revenue": 19.90, "currency": "EUR", "products": [{ "sku": "b", "qty": 2 }], "cflags": 5377 },
        "integrations": {}, "context": {
            "page": { "url": "https://s.example/a?utm_source=n&token=t", "referrer": "https://g.example/", "title": "A",
                      "path": "/a", "search": "?utm_source=n&token=t" },
            "campaign": { "name": "spring", "source": "news", "medium": "email", "term": "boots", "content": "top", "id": "7" },
            "userAgent": "UA/1", "ip": "8.8.8.8", "locale": "de-DE", "timezone": "Europe/Berlin",
            "screen": { "width": 1280, "height": 720.5, "density": 2 }, "app": { "name": "Shop", "version": "2.1", "build": "9" },
            "os": { "name": "iOS", "version": "18" }, "device": { "id": "d-1", "model": "iPhone17,1", "advertisingId": "AD", "type": "ios" },
            "location": { "city": "Bonn", "country": "Germany", "latitude": 50.7, "longitude": 700 },
            "library": { "name": "analytics.js", "version": "next-1" } },
    });
    let context = json!({
        "page": { "title": "A", "path": "/a", "search": "?utm_source=n" }, "campaign": { "id": "7" },
        "screen": { "density": 2 }, "app": { "build": "9" }, "os": { "version": "18" }, "device": { "type": "ios" },
        "location": { "country": "Germany", "longitude": 700 },
        "library": { "name": "analytics.js", "version": "next-1" },
    });
    let wanted = json!({
        "ename": "Order Completed", "etyp": "track", "uid": "u-1", "vid": "a-1", "eid": "ajs-next-7",
        "created_at": NOON.0 - 3_600_000 + 10_000, "cflags": 5377,
        "url": "https://s.example/a?utm_source=n&token=t", "last": "https://g.example/",
        "campaign": "spring", "source": "news", "medium": "email", "term": "boots", "content": "top",
        "user_agent": "UA/1", "ip": "8.8.8.8", "culture": "de-DE", "tz": "Europe/Berlin", "w": 1280, "h": 720.5,
        "app": "Shop", "rel": "2.1", "os": "iOS", "device": "iPhone17,1", "idfa": "AD", "city": "Bonn", "lat": 50.7,
        "params": {
            "revenue": 19.90, "currency": "EUR", "products": [{ "sku": "b", "qty": 2 }], "sentAt": "2026-11-24T11:59:50.000Z",
            "context": context,
        },
    });
    assert_eq!(event(TRACK, &body), wanted);
    assert_eq!(hear(TRACK, &body).keys, ["wk"]);
}

#[rstest]
#[case(Call::Page, json!({ "anonymousId": "a", "name": "Home", "category": "Docs", "properties": { "url": "https://s.example/" } }),
       json!({ "ename": "page_view", "etyp": "page", "vid": "a", "ptyp": "Docs", "url": "https://s.example/", "params": { "name": "Home" } }))]
#[case(Call::Screen, json!({ "anonymousId": "a", "name": "Main", "properties": {} }),
       json!({ "ename": "screen", "etyp": "screen", "vid": "a", "params": { "name": "Main" } }))]
#[case(Call::Identify, json!({ "userId": "u", "traits": { "email": "A@b.c", "phone": 491701, "plan": "pro", "address": { "city": "Bonn" } } }),
       json!({ "ename": "identify", "etyp": "identify", "uid": "u", "email": "A@b.c", "cell": "491701",
               "params": { "plan": "pro", "address": { "city": "Bonn" } } }))]
#[case(Call::Group, json!({ "userId": "u", "groupId": "g", "traits": { "name": "Acme", "employees": 7 } }),
       json!({ "ename": "group", "etyp": "group", "uid": "u", "params": { "groupId": "g", "name": "Acme", "employees": 7 } }))]
#[case(Call::Alias, json!({ "userId": "u", "previousId": "a" }),
       json!({ "ename": "alias", "etyp": "alias", "uid": "u", "vid": "a" }))]
fn every_call_has_its_name(#[case] call: Call, #[case] body: Value, #[case] wanted: Value) {
    assert_eq!(event(Inlet::Segment(call), &body), wanted);
}

#[test]
fn messages_of_a_batch_share_its_context_and_have_a_verdict_each() {
    let heard = hear(
        BATCH,
        &json!({
            "writeKey": "wk", "sentAt": "2026-11-24T12:00:00Z", "context": { "locale": "fr", "ip": "8.8.8.8" },
            "batch": [
                { "type": "track", "event": "a", "userId": "u", "context": { "locale": "de" } },
                { "type": "track", "userId": "u" },
                { "userId": "u" },
                7,
                { "type": "page", "anonymousId": null, "properties": { "url": "u", "referrer": { "x": 1 } } },
            ],
        }),
    );
    let sent = json!({ "sentAt": "2026-11-24T12:00:00Z" });
    assert!(!heard.single);
    assert_eq!(
        heard.events,
        [
            json!({ "ename": "a", "etyp": "track", "uid": "u", "culture": "de", "ip": "8.8.8.8", "params": sent }),
            json!("missing_name"),
            json!("missing_name"),
            json!("not_an_object"),
            json!({ "ename": "page_view", "etyp": "page", "url": "u", "culture": "fr", "ip": "8.8.8.8",
                    "params": { "referrer": { "x": 1 }, "sentAt": "2026-11-24T12:00:00Z" } }),
        ]
    );
}

#[test]
fn the_key_is_the_user_of_basic_then_the_one_in_the_body() {
    let headers = [("authorization", "Basic V0sxOg==")];
    let body = br#"{"event":"a","writeKey":"wk"}"#;
    assert_eq!(hear_from(TRACK, &request("", &headers), body).unwrap().keys, ["WK1", "wk"]);
    let without_colon = [("authorization", "Basic V0sx")];
    assert_eq!(hear_from(TRACK, &request("", &without_colon), body).unwrap().keys, ["WK1", "wk"]);
    for wrong in ["Basic ?", "Basic Og==", "Bearer V0sxOg==", "Basic"] {
        let heard = hear_from(TRACK, &request("", &[("authorization", wrong)]), br#"{"event":"a"}"#).unwrap();
        assert!(heard.keys.is_empty(), "{wrong}");
    }
}

#[test]
fn libraries_of_servers_speak_for_others_and_pages_for_themselves() {
    let body = br#"{"event":"a"}"#;
    let voice = |inlet, headers: &[_]| hear_from(inlet, &request("", headers), body).unwrap().voice;
    assert_eq!(voice(TRACK, &[]), Voice::Others);
    assert_eq!(voice(TRACK, &[("origin", "https://s.example")]), Voice::Own);
    assert_eq!(voice(Inlet::SegmentApp(Call::Track), &[]), Voice::Own);
}

#[test]
fn who_is_named_anywhere_is_concealed_and_click_ids_have_no_second_place() {
    let body = json!({
        "event": "a", "userId": "u",
        "properties": { "user_email": "first@b.c", "opted": true, "email_opt_in": true, "gclid": "g",
                        "form": [{ "Phone-Number": "+49 1", "ok": 1 }, { "email": { "work": "x@y.z" } }] },
        "context": { "traits": { "email": "second@b.c", "username": "joe", "phone": null, "age": 1.50 },
                     "referrer": { "type": "ad", "fbclid": "f" } },
    });
    let body = body.to_string().replace(r#""age":1.5"#, r#""email":"third@b.c","age":1.50"#);
    let heard = hear_from(TRACK, &request("", &[]), body.as_bytes()).unwrap();
    assert_eq!(
        heard.events[0],
        json!({
            "ename": "a", "etyp": "track", "uid": "u", "email": "third@b.c", "uname": "joe", "cell": "+49 1",
            "params": { "opted": true, "email_opt_in": true, "gclid": "g", "form": [{ "ok": 1 }, {}],
                        "context": { "traits": { "phone": null, "age": 1.5 }, "referrer": { "type": "ad" } } },
        })
    );
}
