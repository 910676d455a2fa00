//! The browser script as an answer: under its plain name for a while, under its versioned one for good; packed as the
//! browser likes it. Records nothing.

use super::reply;
use crate::{
    reason,
    request::Request,
    script::{SCRIPT, Script, VERSIONS},
};
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::sync::LazyLock;
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

/// A version of the script, and its encodings once they were asked for.
struct Shelved {
    script: &'static Script,
    packed: OnceCell<[Packed; 2]>,
}

/// All versions, the present one first.
static SHELF: LazyLock<Vec<Shelved>> = LazyLock::new(|| {
    let former = VERSIONS.iter().filter(|script| script.version != SCRIPT.version);
    [&*SCRIPT].into_iter().chain(former).map(|script| Shelved { script, packed: OnceCell::new() }).collect()
});

/// The script in one encoding.
struct Packed {
    /// Its `Content-Encoding`.
    encoding: &'static str,
    bytes: Bytes,
}

/// Answers with the script; what stood in the path after `/track.` says which version.
pub(super) async fn script(request: &Request) -> Response {
    let version = request.pairs.as_str();
    let asked = SHELF.iter().find(|shelved| version.is_empty() || version == shelved.script.version);
    let Some(shelved) = asked else {
        return reply::refused(&reason::NOT_FOUND.refuse("this edge has no such version of the script"));
    };
    let script = shelved.script;
    let packed = choose(shelved.packed().await, &request.headers);
    let tag = format!("\"{}-{}\"", script.version, packed.map_or("plain", |packed| packed.encoding));
    let mut response = if knows(&request.headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = packed.map_or(script.text.as_bytes(), |packed| packed.bytes.as_ref());
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

impl Shelved {
    /// The best first; made at the first use.
    async fn packed(&self) -> &[Packed] {
        let plain = self.script.text.as_bytes();
        let pack = async || {
            [
                Packed { encoding: "br", bytes: all(BrotliEncoder::new(plain)).await },
                Packed { encoding: "gzip", bytes: all(GzipEncoder::new(plain)).await },
            ]
        };
        self.packed.get_or_init(pack).await
    }
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
