//! Google Analytics 4: the Measurement Protocol of its public documents, and gtag.js.

use super::*;

#[test]
fn each_field_of_the_measurement_protocol_goes_where_it_belongs() {
    let body = json!({
        "client_id": "1.2", "user_id": "u", "timestamp_micros": "1795521590000000", "non_personalized_ads": false,
        "ip_override": "8.8.8.8", "user_properties": { "tier": { "value": "gold" } },
        "user_data": { "sha256_email_address": ["e1", "e2"], "sha256_phone_number": "p1" },
        "user_location": { "city": "Bonn", "region_id": "DE-NW", "country_id": "DE", "continent_id": "150" },
        "device": { "language": "de-de", "operating_system": "iOS", "screen_resolution": "390x844", "category": "mobile" },
        "events": [
            { "name": "purchase", "params": { "page_location": "https://s.example/", "page_title": "T", "session_id": 17, "engagement_time_msec": "100",
                                             "currency": "EUR", "value": 9.99, "items": [{ "item_id": "b" }] } },
            { "name": "login", "timestamp_micros": 1_795_521_595_000_000_i64, "params": { "method": "x", "cflags": 5377 } },
            { "params": {} },
        ],
    });
    let asked = request("measurement_id=G-1&api_secret=hush", &[]);
    let heard = hear_from(Inlet::Ga4, &asked, body.to_string().as_bytes()).unwrap();
    assert_eq!(
        (heard.keys, heard.voice, heard.opts_out),
        (vec!["hush".to_owned(), "G-1".to_owned()], Voice::Others, false)
    );
    let common = json!({ "user_properties": { "tier": { "value": "gold" } }, "user_location": { "continent_id": "150" },
                         "device": { "category": "mobile" }, "non_personalized_ads": false });
    let mut purchase = json!({
        "ename": "purchase", "vid": "1.2", "uid": "u", "ip": "8.8.8.8", "created_at": NOON.0 - 10_000, "ehash": "e1", "chash": "p1",
        "city": "Bonn", "region": "DE-NW", "country": "DE", "culture": "de-de", "os": "iOS", "w": 390, "h": 844,
        "url": "https://s.example/", "sid": 17, "duration": "100",
        "params": { "page_title": "T", "currency": "EUR", "value": 9.99, "items": [{ "item_id": "b" }] },
    });
    let params = purchase["params"].as_object_mut().unwrap();
    params.extend(common.as_object().unwrap().clone());
    assert_eq!(heard.events[0], purchase);
    assert_eq!(heard.events[1]["created_at"], NOON.0 - 5_000);
    assert_eq!(
        (&heard.events[1]["cflags"], &heard.events[1]["params"]["method"]),
        (&json!(5377), &json!("x"))
    );
    assert_eq!(heard.events[2], "missing_name");
}

#[test]
fn advertising_that_is_denied_is_an_objection() {
    for said in [json!({ "consent": { "ad_user_data": "DENIED" } }), json!({ "non_personalized_ads": true })]
    {
        let mut body = json!({ "client_id": "1", "events": [{ "name": "a" }] });
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        assert!(hear(Inlet::Ga4, &body).opts_out, "{said}");
    }
    assert!(!hear(Inlet::Ga4, &json!({ "events": [], "consent": { "ad_user_data": "GRANTED" } })).opts_out);
}

#[test]
fn gtag_sends_an_event_a_line_under_its_query() {
    let asked = request(
        "v=2&tid=G-1&cid=1.2&sid=17&dl=https%3A%2F%2Fs.example%2F&dr=&ul=de-de&sr=390x844&npa=1",
        &[],
    );
    let heard = hear_from(
        Inlet::Gtag,
        &asked,
        b"en=page_view&_et=5\nen=buy&ep.currency=EUR&epn.value=9.99&up.tier=gold&ep.cflags=5377",
    )
    .unwrap();
    let common = json!({ "vid": "1.2", "sid": "17", "url": "https://s.example/", "culture": "de-de", "w": 390, "h": 844 });
    let with = |more: Value| {
        let mut event = common.clone();
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let view = json!({ "ename": "page_view", "duration": "5", "params": { "v": "2", "npa": "1", "dr": "" } });
    let buy = json!({ "ename": "buy", "cflags": "5377", "params": { "v": "2", "npa": "1", "dr": "", "currency": "EUR", "value": 9.99, "tier": "gold" } });
    assert_eq!(heard.events, [with(view), with(buy)]);
    assert_eq!((heard.keys, heard.opts_out), (vec!["G-1".to_owned()], true));
}

#[test]
fn gtag_without_a_body_has_its_event_in_the_query() {
    let heard = hear_from(Inlet::Gtag, &request("en=scroll&cid=1", &[]), b"").unwrap();
    assert_eq!(heard.events, [json!({ "ename": "scroll", "vid": "1" })]);
}
