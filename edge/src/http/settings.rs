//! What the libraries of other products ask before they send, and do little without: how to send, and what else there is for
//! them here, which is nothing. Records nothing, and knows nobody: whatever key is asked for, the answer is the same.

use super::{endpoints::Settings, reply, routes::Edge};
use crate::{
    keep::Keep,
    request::{Request, Scheme},
};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use warp::reply::{Reply, Response};

/// PostHog's: compressed bodies are taken, clicks are captured where the page does not object, and there are no feature flags.
/// Older libraries ask for all of it at once, so it is one answer to every question.
const POSTHOG: &str = r#"{"supportedCompression":["gzip-js"],"autocapture_opt_out":false,"hasFeatureFlags":false,"featureFlags":{},"flags":{}}"#;

/// Asked for by every page, and hardly ever another answer.
const A_WHILE: HeaderValue = HeaderValue::from_static("private, max-age=300");

/// Tells them; what stood in the path as the product's key is given back where its library looks for it.
pub(super) fn told<K: Keep>(edge: &Edge<K>, settings: Settings, request: &Request) -> Response {
    let key = percent_decode_str(&request.pairs).decode_utf8_lossy();
    let mut response = match settings {
        Settings::PostHog => text(POSTHOG.to_owned(), "application/json"),
        Settings::PostHogScript => text(posthogs_script(&key), "text/javascript; charset=utf-8"),
        Settings::Segment => reply::json(StatusCode::OK, &segments(edge, request, &key)),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, A_WHILE);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn text(text: String, media: &'static str) -> Response {
    warp::reply::with_header(text, header::CONTENT_TYPE, media).into_response()
}

/// A key is any text: as JSON it is one in a script too.
fn posthogs_script(key: &str) -> String {
    let key = Value::from(key);
    format!(
        "(window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{{}})[{key}]={{config:{POSTHOG},siteApps:[]}};"
    )
}

/// Events go to where the settings were asked for, and measurements of the library itself to nobody.
fn segments<K: Keep>(edge: &Edge<K>, request: &Request, key: &str) -> Value {
    let (trust, peer) = (&edge.collector.config.trust, request.peer.ip());
    let host = trust.host(peer, &request.headers).unwrap_or_default();
    let protocol = match trust.scheme(peer, request.scheme, &request.headers) {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let events = json!({ "apiKey": key, "apiHost": format!("{host}/v1"), "protocol": protocol });
    json!({ "integrations": { "Segment.io": events }, "metrics": { "sampleRate": 0 } })
}
