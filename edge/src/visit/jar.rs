//! How our cookies are written: `Set-Cookie` lines. Nothing of a request gets into one but the registrable domain of its
//! host, letter by letter a domain's.

use crate::{request::Scheme, stamp};
use http::HeaderValue;
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// The visitor's cookie.
pub const VISITOR: &str = "vid";
/// The session's.
pub const SESSION: &str = "sid";

/// The longest that browsers keep a cookie.
const VISITOR_AGE: Duration = Duration::from_secs(400 * 86_400);
/// A session ends when so long nothing came.
const SESSION_AGE: Duration = Duration::from_secs(30 * 60);

/// Which requests of other sites bring the cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// Those by which a page is opened.
    Lax,
    /// All.
    None,
}

/// Where cookies are kept, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jar {
    /// The domain whose hosts share them; none: this host alone.
    domain: Option<String>,
    secure: bool,
    same_site: SameSite,
}

impl Jar {
    /// For a host as the client asked for it.
    #[must_use]
    pub fn of(host: Option<&str>, scheme: Scheme, same_site: SameSite) -> Self {
        let domain = stamp::host(host).as_deref().and_then(registrable).map(str::to_owned);
        // A browser takes no `SameSite=None` that is not secure.
        Self { domain, secure: scheme == Scheme::Https || same_site == SameSite::None, same_site }
    }

    /// Keeps the visitor.
    pub(super) fn visitor(&self, id: Uuid) -> Option<HeaderValue> {
        self.line(VISITOR, &id.hyphenated().to_string(), VISITOR_AGE)
    }

    /// Keeps the session, for as long from now.
    pub(super) fn session(&self, id: Uuid) -> Option<HeaderValue> {
        self.line(SESSION, &id.hyphenated().to_string(), SESSION_AGE)
    }

    /// Lets one be forgotten.
    pub(super) fn remove(&self, name: &str) -> Option<HeaderValue> {
        self.line(name, "", Duration::ZERO)
    }

    fn line(&self, name: &str, value: &str, age: Duration) -> Option<HeaderValue> {
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        let mut line = format!("{name}={value}; Path=/; Max-Age={}; SameSite={same_site}", age.as_secs());
        if self.secure {
            line.push_str("; Secure");
        }
        if let Some(domain) = &self.domain {
            line.push_str("; Domain=");
            line.push_str(domain);
        }
        HeaderValue::from_str(&line).ok()
    }
}

/// The domain that someone has registered, by the public suffix list; none of an address, of `localhost`, of a bare suffix,
/// and of what is no name.
pub fn registrable(host: &str) -> Option<&str> {
    let letters =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(letters);
    let last = host.rsplit('.').next()?;
    // Whatever ends in a number is an address to a browser, `127.1` too.
    let is_address = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if !host.split('.').all(is_label) || is_address || last == "localhost" {
        return None;
    }
    psl::domain_str(host)
}
