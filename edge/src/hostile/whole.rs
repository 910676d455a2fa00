//! Whole requests, through everything: what is answered, and whether it was counted.

use super::*;
use crate::http::testing::{SECRET, Said, Tested, edge, request};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use serde_json::Value;
use tracker_schemas::Event;

pub(super) const UNLIMITED: &str = "rate_limit_per_day = 4000000000\nrate_limit_burst = 4000000000";
const ROUTES: [&str; 14] = [
    "/tr/v1/tr/",
    "/tr/v1/img/",
    "/tr/v1/str/",
    "/tr/v1/ltv/",
    "/tr/v1/ws",
    "/tr/v1/ppi/forget",
    "/tr/v1/rdr/",
    "/tr/v1/xrdr/",
    "/tr/v1/rpi/redirect/",
    "/tr/v1/rpi/redirects/",
    "/tr/v1/ppi/jds",
    "/track",
    "/status",
    "/",
];
const NAMES: [&str; 14] = [
    "content-type",
    "content-encoding",
    "cookie",
    "user-agent",
    "accept-language",
    "referer",
    "origin",
    "host",
    "x-forwarded-for",
    "forwarded",
    "idempotency-key",
    "authorization",
    "traceparent",
    "content-length",
];

#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// What came of it.
pub(super) struct Answered {
    pub(super) said: Said,
    pub(super) kept: Vec<Event>,
    /// Fate, reason, how often.
    counted: Vec<(&'static str, &'static str, u64)>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let method = select(&["POST", "POST", "POST", "GET", "HEAD", "PUT", "OPTIONS"][..]);
    let target = (select(&ROUTES[..]), "[a-z0-9/%_.~-]{0,30}", "[a-z0-9&=%_.;+-]{0,30}", any::<bool>());
    let target = target.prop_map(
        |(route, path, query, bare)| {
            if bare { route.to_owned() } else { format!("{route}{path}?{query}") }
        },
    );
    let value = prop_oneof![
        soup(6).prop_map(String::into_bytes),
        select(
            &[
                "application/json",
                "application/x-ndjson",
                "gzip",
                "br",
                "lz4",
                "text/plain; charset=latin1",
                "7"
            ][..]
        )
        .prop_map(|value| value.as_bytes().to_vec()),
    ];
    let headers = vec((select(&NAMES[..]), value), 0..5);
    (method, target, headers, prop_oneof![spoilt(right()), soup(40).prop_map(String::into_bytes)])
        .prop_map(|(method, target, headers, body)| Asked { method, target, headers, body })
}

/// Asks. What is no request at all never comes so far.
pub(super) async fn ask(tested: &Tested, asked: &Asked) -> Option<Answered> {
    asked.target.parse::<Uri>().ok()?;
    let mut asking = request(asked.method, &asked.target);
    if asked.target.starts_with("/tr/v1/") {
        asking = asking.header("authorization", format!("Bearer {SECRET}"));
    }
    for (name, value) in &asked.headers {
        let value = HeaderValue::from_bytes(value).ok()?;
        asking = asking.header(HeaderName::from_static(name), value);
    }
    let said = tested.ask(asking.body(&asked.body)).await;
    let kept = tested.events.records();
    tested.forget();
    Some(Answered { said, kept, counted: tested.edge.collector.books.counted() })
}

/// No fault of ours, nothing held any more, and each refusal with a reason of the list, under its status, and counted.
pub(super) fn is_told(tested: &Tested, asked: &Asked, answered: &Answered) -> Result<(), TestCaseError> {
    let Answered { said, counted, .. } = answered;
    prop_assert!(said.status < 500, "{} {}", said.status, said.body);
    prop_assert_eq!(tested.edge.collector.budget.held(), 0);
    let refused = |reason: &str| {
        let these = counted.iter().filter(|(fate, tag, _)| *fate == "refused" && *tag == reason);
        these.map(|(.., count)| *count).sum::<u64>()
    };
    prop_assert!(counted.iter().all(|(_, tag, _)| reason::of(tag).is_some()), "{counted:?}");
    if asked.target.starts_with("/tr/v1/img") {
        return Ok(()); // an image, whatever happened
    }
    let is_link = asked.target.starts_with("/tr/v1/rpi");
    if is_link && said.status == 400 {
        let tag = said.body.split_once(": ").map_or("", |(reason, _)| reason);
        prop_assert!(reason::of(tag).is_some() || said.body.starts_with('{'), "{}", said.body);
    }
    let json: Value = serde_json::from_str(&said.body).unwrap_or_default();
    if said.status >= 400 && asked.method != "HEAD" && !(is_link && json.is_null()) {
        let tag = json["error"].as_str().unwrap_or_default();
        prop_assert_eq!(reason::of(tag).map(|reason| reason.status), Some(said.status), "{}", said.body);
        let is_recorded = !is_link && !["not_found", "method_not_allowed", "upgrade_required"].contains(&tag);
        prop_assert!(!is_recorded || refused(tag) > 0, "{tag} is not counted: {counted:?}");
    }
    for rejected in json["rejected"].as_array().into_iter().flatten() {
        let tag = rejected["reason"].as_str().unwrap_or_default();
        prop_assert!(refused(tag) > 0, "{tag} is not counted: {counted:?}");
    }
    Ok(())
}

#[test]
fn whatever_is_asked_is_answered_with_a_known_reason_and_counted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(UNLIMITED);
    every(asked(), |asked| {
        let Some(answered) = runtime.block_on(ask(&tested, &asked)) else { return Ok(()) };
        is_told(&tested, &asked, &answered)
    });
}

#[test]
fn no_header_of_an_answer_holds_what_was_sent_beyond_a_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(UNLIMITED);
    every(asked(), |asked| {
        let Some(Answered { said, .. }) = runtime.block_on(ask(&tested, &asked)) else { return Ok(()) };
        prop_assert!(StatusCode::from_u16(said.status).is_ok());
        for value in said.headers.values() {
            let is_one_line = value.as_bytes().iter().all(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            prop_assert!(is_one_line, "{value:?}");
        }
        prop_assert!(!said.headers.contains_key("set-cookie") || said.headers["cache-control"] == "no-store");
        Ok(())
    });
}
