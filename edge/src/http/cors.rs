//! Which scripts may read an answer. It never decides what is recorded: a browser asks, everyone else just sends.

use crate::config::Origins;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// How long a browser may remember a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");
/// What a script may send beside its body.
pub(super) const HEADERS: &str = "Content-Type, Content-Encoding, Authorization, User";
/// Segment's script counts its attempts: without leave to say so it would not make a second one.
pub(super) const HEADERS_OF_SEGMENT: &str =
    "Content-Type, Content-Encoding, Authorization, User, X-Retry-Count";

/// What a script may read besides, to know how long to wait.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset");

/// Who may read what a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Scripts of the allowed origins.
    Public,
    /// Every script.
    Everybody,
    /// No script of another origin.
    Private,
}

impl Reach {
    /// The origins that may read, where those are allowed; `None`: nobody else.
    pub(super) const fn origins(self, allowed: &Origins) -> Option<&Origins> {
        match self {
            Self::Public => Some(allowed),
            Self::Everybody => Some(&Origins::Any),
            Self::Private => None,
        }
    }
}

/// Opens an answer to the script that asked, if it may read it.
pub(super) fn open(answer: &mut HeaderMap, origins: &Origins, asked: &HeaderMap) {
    let Some(origin) = asked.get(header::ORIGIN) else { return };
    match origins {
        Origins::Any => {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Origins::Listed(listed) => {
            answer.append(header::VARY, HeaderValue::from_static("Origin"));
            if listed.contains(origin) {
                answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
    }
    if answer.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// What a preflight asks, where the answer is open at all.
pub(super) fn preflight(answer: &mut HeaderMap, methods: &[Method], headers: &'static str) {
    if answer.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, list(methods));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(headers));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        answer.append(
            header::VARY,
            HeaderValue::from(HeaderName::from_static("access-control-request-headers")),
        );
    }
}

/// Methods as a header lists them.
pub(super) fn list(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}
