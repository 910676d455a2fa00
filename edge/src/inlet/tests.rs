mod ga4;
mod hostile;
mod plausible;
mod posthog;
mod segment;
mod umami;

use super::*;
use crate::request::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use std::net::SocketAddr;

const LIMITS: Limits = Limits { event_bytes: 4096, events: 10, key_bytes: 64, depth: 8, path_bytes: 1024 };
/// 2026-11-24T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_521_600_000);

/// A request with this query and these headers.
fn request(query: &str, headers: &[(&'static str, &str)]) -> Request {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
    let (scheme, pairs) = (Scheme::Https, String::new());
    Request { peer, method: Method::POST, scheme, pairs, query: query.to_owned(), headers }
}

/// What is understood of a body: each draft as JSON, `params` opened; a refusal as its reason.
struct Heard {
    events: Vec<Value>,
    keys: Vec<String>,
    voice: Voice,
    opts_out: bool,
    single: bool,
}

fn hear_from(inlet: Inlet, request: &Request, body: &[u8]) -> Result<Heard, Refusal> {
    let body = inlet.unwrap(body)?;
    let posted = Posted { request, body: &body, limits: &LIMITS, received_at: NOON };
    let Told { batch, keys, voice, opts_out } = inlet.decode(&posted)?;
    let events = batch.drafts.into_iter().map(|draft| draft.map_or_else(|wrong| json!(wrong.reason), shown));
    Ok(Heard { events: events.collect(), keys, voice, opts_out, single: batch.single })
}

fn hear(inlet: Inlet, body: &Value) -> Heard {
    hear_from(inlet, &request("", &[]), body.to_string().as_bytes()).unwrap()
}

/// The one event of a body.
fn event(inlet: Inlet, body: &Value) -> Value {
    let [event] = <[Value; 1]>::try_from(hear(inlet, body).events).unwrap();
    event
}

fn shown(draft: Draft<'_>) -> Value {
    let fields = draft.into_iter().map(|(key, field)| {
        let mut json = String::new();
        field.write_json(&mut json);
        (key.into_owned(), serde_json::from_str(&json).unwrap())
    });
    Value::Object(fields.collect())
}

#[test]
fn an_event_id_that_is_none_becomes_one_within_its_tenant() {
    let named = |tenant, text: &str| {
        let draft: Draft<'_> = [("eid".into(), Field::Text(text.to_owned().into()))].into_iter().collect();
        let mut drafts = [Ok(draft)];
        name_events(&mut drafts, tenant);
        let [draft] = drafts;
        shown(draft.unwrap())
    };
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    assert_eq!(named(one, "node-1-x"), named(one, "node-1-x"));
    assert_ne!(named(one, "node-1-x")["eid"], named(other, "node-1-x")["eid"]);
    assert_eq!(named(one, "node-1-x")["message_id"], "node-1-x");
    let id = "0192f0c4-0000-7000-8000-000000000001";
    assert_eq!(named(one, id), json!({ "eid": id }));
}
