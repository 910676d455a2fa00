//! The handshake of RFC 6455: whether a request may become a WebSocket, and the one as which it goes on. Pure.

use crate::{config::Origins, frame::Answers, reason, request::Request};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracker_stream::fault::Refusal;

/// A request that may become a WebSocket.
#[derive(Debug)]
pub(super) struct Handshake {
    /// What proves that its key was read.
    pub accept: HeaderValue,
    pub answers: Answers,
    /// Itself, as it lies under each event of the connection.
    pub request: Request,
}

/// The pair that asks for answers. It is no field of an event.
const ACK: &str = "ack=1";

/// Looks at a request.
///
/// # Errors
/// It asks for no WebSocket, or comes from a page that may not send.
pub(super) fn handshake(request: &Request, origins: &Origins) -> Result<Handshake, Refusal> {
    let wants = says(&request.headers, &header::CONNECTION, "upgrade")
        && says(&request.headers, &header::UPGRADE, "websocket")
        && says(&request.headers, &header::SEC_WEBSOCKET_VERSION, "13");
    let key = request.header(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let accept = key.filter(|_| wants).and_then(|key| derive_accept_key(key.as_bytes()).try_into().ok());
    let accept = accept.ok_or_else(none)?;
    if let (Origins::Listed(listed), Some(origin)) = (origins, request.headers.get(header::ORIGIN))
        && !listed.contains(origin)
    {
        return Err(reason::FOREIGN_ORIGIN.refuse("add the page's origin to `edge.allowed_origins`"));
    }
    let answers = if request.asks(ACK) { Answers::Each } else { Answers::None };
    let query = request.query.split('&').filter(|pair| *pair != ACK).collect::<Vec<_>>().join("&");
    let headers = compact(&request.headers);
    Ok(Handshake { accept, answers, request: Request { query, headers, ..request.clone() } })
}

/// The refusal of what is no handshake, or of one over a protocol that has none.
pub(super) fn none() -> Refusal {
    reason::UPGRADE_REQUIRED.refuse("open a WebSocket of version 13 over HTTP/1.1, or POST to /tr/v1/tr/")
}

/// Whether one of a header's words is this.
fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
}

/// 16 bytes.
fn is_key(key: &str) -> bool {
    BASE64_STANDARD.decode(key.trim()).is_ok_and(|bytes| bytes.len() == 16)
}

/// The same headers, each in memory of its own: as they came they are parts of the buffer into which the head was read, and
/// would keep all of it as long as the connection lasts. Those that speak of this request alone, or of a body, say nothing of
/// its messages.
fn compact(headers: &HeaderMap) -> HeaderMap {
    let own_affairs = [header::CONNECTION, header::UPGRADE, header::CONTENT_TYPE, header::CONTENT_ENCODING];
    let is_kept =
        |name: &HeaderName| !own_affairs.contains(name) && !name.as_str().starts_with("sec-websocket-");
    let kept = headers.iter().filter(|(name, _)| is_kept(name));
    let own = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).ok();
    kept.filter_map(|(name, value)| Some((name.clone(), own(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Scheme;
    use http::Method;
    use rstest::rstest;

    /// The handshake of the RFC, with one header more.
    fn asked(query: &str, name: &'static str, value: &str) -> Request {
        let mut headers = HeaderMap::new();
        let lines = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            (name, value),
        ];
        for (name, value) in lines {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let peer = ([192, 0, 2, 1], 1).into();
        Request {
            peer,
            scheme: Scheme::Http,
            method: Method::GET,
            pairs: String::new(),
            query: query.to_owned(),
            headers,
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let accepted = handshake(&asked("a=1&ack=1&b=2", "cookie", "vid=x"), &Origins::Any).unwrap();
        assert_eq!(accepted.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(accepted.answers, Answers::Each);
        assert_eq!(accepted.request.query, "a=1&b=2", "what asks is no field");
        assert_eq!(accepted.request.cookies().collect::<Vec<_>>(), ["vid=x"]);
        assert_eq!(accepted.request.header(header::SEC_WEBSOCKET_KEY), None);
    }

    #[rstest]
    #[case::another_version("sec-websocket-version", "8")]
    #[case::another_protocol("upgrade", "h2c")]
    #[case::no_upgrade("connection", "close")]
    #[case::a_short_key("sec-websocket-key", "YWJj")]
    #[case::no_key("sec-websocket-key", "not base64 at all!!!!!!!")]
    fn what_is_no_handshake_is_refused(#[case] name: &'static str, #[case] value: &str) {
        assert_eq!(handshake(&asked("", name, value), &Origins::Any).unwrap_err().reason, "upgrade_required");
    }

    #[rstest]
    #[case::any(Origins::Any, "https://b.example", true)]
    #[case::listed(listed(), "https://a.example", true)]
    #[case::another(listed(), "https://b.example", false)]
    #[case::a_longer_one(listed(), "https://a.example.b.example", false)]
    #[case::null(listed(), "null", false)]
    fn a_page_may_send_from_the_allowed_origins(
        #[case] origins: Origins,
        #[case] origin: &str,
        #[case] may: bool,
    ) {
        assert_eq!(handshake(&asked("", "origin", origin), &origins).is_ok(), may);
    }

    #[test]
    fn who_is_no_page_has_no_origin() {
        assert!(handshake(&asked("", "user-agent", "app"), &listed()).is_ok());
    }

    fn listed() -> Origins {
        Origins::Listed(vec![HeaderValue::from_static("https://a.example")])
    }
}
