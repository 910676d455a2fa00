//! Plausible's events API.

use super::*;

const INLET: Inlet = Inlet::Plausible;

#[test]
fn short_and_long_names_are_the_same() {
    let long = json!({
        "name": "pageview", "url": "https://s.example/a?utm_source=n", "referrer": "https://g.example", "domain": "s.example,all.example",
        "screen_width": 1440, "props": { "plan": "pro", "n": 2.50, "cflags": 5377 }, "revenue": { "currency": "EUR", "amount": "12.30" }, "interactive": false,
    });
    let short = json!({
        "n": "pageview", "u": "https://s.example/a?utm_source=n", "r": "https://g.example", "d": "s.example,all.example",
        "w": 1440, "p": r#"{"plan":"pro","n":2.50,"cflags":5377}"#, "$": { "currency": "EUR", "amount": "12.30" }, "i": false,
    });
    let wanted = json!({
        "ename": "page_view", "url": "https://s.example/a?utm_source=n", "last": "https://g.example", "app": "s.example,all.example", "w": 1440,
        "cflags": 5377,
        "params": { "plan": "pro", "n": 2.5, "revenue": { "currency": "EUR", "amount": "12.30" }, "interactive": false },
    });
    for body in [&long, &short] {
        assert_eq!(&event(INLET, body), &wanted);
        assert_eq!(hear(INLET, body).keys, ["s.example", "all.example"]);
    }
}

#[test]
fn time_on_a_page_is_its_duration() {
    let body = json!({ "n": "engagement", "u": "https://s.example/", "d": "s.example", "e": 4200, "sd": 70, "h": 1, "v": 36, "p": null, "r": null });
    let wanted = json!({ "ename": "engagement", "url": "https://s.example/", "app": "s.example", "duration": 4200,
                         "params": { "scroll_depth": 70, "hash_mode": 1, "version": 36 } });
    assert_eq!(event(INLET, &body), wanted);
}

#[test]
fn an_event_without_a_name_is_refused() {
    assert_eq!(event(INLET, &json!({ "domain": "s.example" })), "missing_name");
}
