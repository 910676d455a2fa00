//! Who asks, and for which host: behind proxies or not. Pure; believes no header of a stranger.

#[cfg(test)]
mod tests;

use crate::request::Scheme;
use http::{HeaderMap, HeaderName, header::HOST};
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// The header in which a trusted proxy names the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientHeader {
    /// A list, the nearest hop last.
    XForwardedFor,
    /// RFC 7239: the same, with names.
    Forwarded,
    /// One address.
    XRealIp,
    /// One address.
    CfConnectingIp,
}

impl ClientHeader {
    const fn name(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
            Self::XRealIp => "x-real-ip",
            Self::CfConnectingIp => "cf-connecting-ip",
        })
    }

    /// How many entries count, from the right.
    const fn depth(self) -> usize {
        match self {
            Self::XForwardedFor | Self::Forwarded => usize::MAX,
            Self::XRealIp | Self::CfConnectingIp => 1,
        }
    }

    /// The address that one entry names. What is no address (`unknown`, `_hidden`) is none.
    fn address(self, entry: &str) -> Option<IpAddr> {
        match self {
            Self::Forwarded => parameter(entry, "for").and_then(address),
            _ => address(entry),
        }
    }
}

/// Whose word about others is taken.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The proxies.
    pub proxies: Vec<IpNet>,
    /// Where they name the client.
    pub header: ClientHeader,
}

impl Trust {
    /// Whether this is a trusted proxy.
    #[must_use]
    pub fn believes(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(&address))
    }

    /// The client: the peer, unless it is a trusted proxy; then the right-most entry that is none. An entry that
    /// is no address ends the search, for whatever stands left of it was not said by one whom we trust.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.hops(peer, headers).filter_map(|hop| hop.before).last().unwrap_or_else(|| peer.to_canonical())
    }

    /// The host that the client asked for: what a trusted proxy says, else the `Host` header.
    #[must_use]
    pub fn host<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> Option<&'a str> {
        let said = self.said(peer, headers, "host", HeaderName::from_static("x-forwarded-host"));
        said.or_else(|| headers.get(HOST)?.to_str().ok()).filter(|host| !host.is_empty())
    }

    /// Whether the client's own connection is encrypted: what a trusted proxy says, else how it arrived here.
    #[must_use]
    pub fn scheme(&self, peer: IpAddr, arrived: Scheme, headers: &HeaderMap) -> Scheme {
        match self.said(peer, headers, "proto", HeaderName::from_static("x-forwarded-proto")) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => arrived,
        }
    }

    /// What a trusted proxy says of the client's own request: in an element of `Forwarded`, else in a header for it alone.
    fn said<'a>(
        &self,
        peer: IpAddr,
        headers: &'a HeaderMap,
        name: &str,
        alone: HeaderName,
    ) -> Option<&'a str> {
        if !self.believes(peer.to_canonical()) {
            return None;
        }
        match self.header {
            // Not any element's: what stands left of the client was written by the client.
            ClientHeader::Forwarded => self.hops(peer, headers).find_map(|hop| parameter(hop.entry, name)),
            _ => entries_from_right(headers, &alone).next(),
        }
    }

    /// What trusted proxies wrote, the nearest one first: each entry was written by who is named right of it, the last one by
    /// the peer.
    fn hops<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> impl Iterator<Item = Hop<'a>> {
        let mut writer = Some(peer.to_canonical());
        let entries = entries_from_right(headers, &self.header.name()).take(self.header.depth());
        entries.map_while(move |entry| {
            writer.filter(|writer| self.believes(*writer))?;
            writer = self.header.address(entry);
            Some(Hop { entry, before: writer })
        })
    }
}

/// An entry by a trusted proxy.
struct Hop<'a> {
    entry: &'a str,
    /// Whom it names; `None`: nobody that could be trusted in turn.
    before: Option<IpAddr>,
}

/// The entries of a list header, over all its lines, last first. A line that is no text is one entry that means
/// nothing. Commas part them within quotes too: a client's quote that is never closed must not swallow what a proxy
/// wrote after it.
fn entries_from_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// One parameter of an element of `Forwarded`: `for=192.0.2.1;proto=https`.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without a port, with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}
