//! What was asked, before anything of it is believed. Knows no framework: `http::routes` fills it in.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, HeaderName, Method, header};
use std::{io, net::SocketAddr, pin::Pin};

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// It is not.
    Http,
    /// It is.
    Https,
}

/// A request without its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// How the connection came in. The visitor's own, before a proxy: [`Trust::scheme`](crate::address::Trust::scheme).
    pub scheme: Scheme,
    /// The method.
    pub method: Method,
    /// What stands in the path after the route, as it was sent.
    pub pairs: String,
    /// The query, as it was sent.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
}

/// A body as it arrives.
pub type Incoming = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl Request {
    /// A header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The secret key that was shown: `Authorization: Bearer …`.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        let (scheme, secret) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    }

    /// The name and the password that were shown: `Authorization: Basic …`.
    #[must_use]
    pub fn basic(&self) -> Option<(String, String)> {
        let shown = self.shown_basic()?;
        let (uid, password) = shown.split_once(':')?;
        Some((uid.to_owned(), password.to_owned()))
    }

    /// The name alone; who has no password may leave out the colon before it.
    #[must_use]
    pub fn basic_name(&self) -> Option<String> {
        let shown = self.shown_basic()?;
        let name = shown.split(':').next().unwrap_or_default();
        Some(name.to_owned()).filter(|name| !name.is_empty())
    }

    fn shown_basic(&self) -> Option<String> {
        let (scheme, shown) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        let shown =
            BASE64_STANDARD.decode(shown.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        String::from_utf8(shown).ok()
    }

    /// The public key, where it can be seen before the body is read: `X-Write-Key`, or `k` in the query as every client writes
    /// it. Wherever else it may stand, it is found when the request is decoded.
    #[must_use]
    pub fn write_key(&self) -> Option<&str> {
        let plain = |key: &&str| !key.is_empty() && !key.contains(['%', '+']);
        let asked = || self.query.split('&').find_map(|pair| pair.strip_prefix("k=")).filter(plain);
        let header = self.header(HeaderName::from_static("x-write-key")).map(str::trim);
        header.filter(|key| !key.is_empty()).or_else(asked)
    }

    /// Whether the visitor objects to marketing: `Sec-GPC: 1` or `DNT: 1`.
    #[must_use]
    pub fn opts_out(&self) -> bool {
        let objects =
            |name| self.header(HeaderName::from_static(name)).is_some_and(|value| value.trim() == "1");
        objects("sec-gpc") || objects("dnt")
    }

    /// Every line of cookies.
    pub fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok())
    }

    /// Whether a cookie of this name came, whatever it says.
    #[must_use]
    pub fn has_cookie(&self, name: &str) -> bool {
        let mut pairs = self.cookies().flat_map(|line| line.split(';'));
        pairs.any(|pair| pair.split_once('=').is_some_and(|(key, _)| key.trim() == name))
    }

    /// Whether the query holds this pair, letter for letter.
    #[must_use]
    pub fn asks(&self, pair: &str) -> bool {
        self.query.split('&').any(|asked| asked == pair)
    }

    /// Whether the address alone says something.
    #[must_use]
    pub fn has_fields(&self) -> bool {
        !self.pairs.trim_matches('/').is_empty() || !self.query.is_empty()
    }
}
