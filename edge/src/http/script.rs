//! The browser script as an answer: under its plain name for a while, under its versioned one for good; packed as the
//! browser likes it. Records nothing.

use super::reply;
use crate::{reason, request::Request, script::SCRIPT};
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::OnceCell,
};
use warp::reply::{Reply, Response};

/// A site that names no version has a new one within minutes.
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What else stands in every answer. Sites that isolate themselves may load it too.
const ALWAYS: [(HeaderName, &str); 4] = [
    (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
    (header::VARY, "Accept-Encoding"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

/// The script in one encoding.
struct Packed {
    /// Its `Content-Encoding`.
    encoding: &'static str,
    bytes: Bytes,
}

/// Answers with the script; what stood in the path after `/track.` says which version.
pub(super) async fn script(request: &Request) -> Response {
    let version = request.pairs.as_str();
    if !version.is_empty() && version != SCRIPT.version {
        return reply::refused(&reason::NOT_FOUND.refuse("this edge has another version of the script"));
    }
    let packed = choose(packed().await, &request.headers);
    let tag = format!("\"{}-{}\"", SCRIPT.version, packed.map_or("plain", |packed| packed.encoding));
    let mut response = if knows(&request.headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = packed.map_or(SCRIPT.text.as_bytes(), |packed| packed.bytes.as_ref());
        bytes.into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(packed) = packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packed.encoding));
    }
    headers.insert(header::CACHE_CONTROL, if version.is_empty() { SHORT } else { FOR_GOOD });
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The best first; made at the first use.
async fn packed() -> &'static [Packed] {
    static PACKED: OnceCell<[Packed; 2]> = OnceCell::const_new();
    let plain = SCRIPT.text.as_bytes();
    let pack = async || {
        [
            Packed { encoding: "br", bytes: all(BrotliEncoder::new(plain)).await },
            Packed { encoding: "gzip", bytes: all(GzipEncoder::new(plain)).await },
        ]
    };
    PACKED.get_or_init(pack).await
}

/// What an encoder of bytes in memory gives: it cannot fail.
async fn all(mut encoder: impl AsyncRead + Unpin) -> Bytes {
    let mut bytes = Vec::new();
    let _whole = encoder.read_to_end(&mut bytes).await;
    bytes.into()
}

/// The best that the browser takes. A weight counts only when it is 0: then it does not want that one.
fn choose<'a>(packed: &'a [Packed], asked: &HeaderMap) -> Option<&'a Packed> {
    let takes = |encoding: &str| {
        let lines = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1").trim().parse();
            name.trim().eq_ignore_ascii_case(encoding) && weight.is_ok_and(|weight: f32| weight > 0.0)
        })
    };
    packed.iter().find(|packed| !packed.bytes.is_empty() && takes(packed.encoding))
}

/// Whether the browser has it already.
fn knows(asked: &HeaderMap, tag: &str) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
