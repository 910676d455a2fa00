//! The PROXY protocol, versions 1 and 2: a proxy that passes bytes on tells first for whom. Believes nothing of a peer
//! that is no trusted proxy, and reads no byte behind the preface.

#[cfg(test)]
mod tests;

use crate::address::Trust;
use ppp::{HeaderResult, PartialResult, v1, v2};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// The shortest of version 1, `PROXY UNKNOWN\r\n`; no preface is shorter.
const SHORTEST: usize = 15;
/// The longest of version 1, by its specification.
const LONGEST_TEXT: usize = 107;
/// What version 2 says before its length is known.
const FIXED: usize = 16;
/// Version 2 may carry 64 KiB of notes that nobody here reads; those of real proxies are some hundred bytes.
const LONGEST: usize = 4 << 10;

/// Why a connection is closed without an answer. These are labels of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The peer is not in `edge.trusted_proxies`.
    Untrusted,
    /// What came is no preface.
    Malformed,
    /// The preface did not come in time.
    Slow,
}

impl Wrong {
    /// Its label.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted_proxy",
            Self::Malformed => "malformed_preface",
            Self::Slow => "slow_preface",
        }
    }
}

/// Whom the proxy speaks for: the client, or the proxy itself where it asks on its own behalf.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    peer: SocketAddr,
    trust: &Trust,
    patience: Duration,
) -> Result<SocketAddr, Wrong> {
    if !trust.believes(peer.ip().to_canonical()) {
        return Err(Wrong::Untrusted);
    }
    match timeout(patience, whole(stream)).await {
        Ok(Ok(preface)) => source(&preface).map(|source| source.unwrap_or(peer)),
        Ok(Err(_)) => Err(Wrong::Malformed),
        Err(_) => Err(Wrong::Slow),
    }
}

/// The preface to its last byte, or as much as shows that it is none.
async fn whole<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut said = Vec::with_capacity(LONGEST_TEXT);
    while let Some(missing) = missing(&said) {
        let before = said.len();
        said.resize(before + missing, 0);
        let (_, room) = said.split_at_mut(before);
        stream.read_exact(room).await?;
    }
    Ok(said)
}

/// How many bytes more belong to the preface for certain; `None`: it ends here, or is none.
fn missing(said: &[u8]) -> Option<usize> {
    if said.len() < SHORTEST {
        return Some(SHORTEST - said.len());
    }
    if said.starts_with(v2::PROTOCOL_PREFIX) {
        let Some(&[high, low]) = said.get(FIXED - 2..FIXED) else { return Some(FIXED - said.len()) };
        let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
        return (said.len() < length && length <= LONGEST).then(|| length - said.len());
    }
    // Where a line of text ends is seen when it does: byte by byte, some ninety of them.
    let goes_on = said.starts_with(v1::PROTOCOL_PREFIX.as_bytes())
        && !said.ends_with(b"\n")
        && said.len() < LONGEST_TEXT;
    goes_on.then_some(1)
}

/// The client that a preface names.
fn source(preface: &[u8]) -> Result<Option<SocketAddr>, Wrong> {
    let parsed = HeaderResult::parse(preface);
    if parsed.is_incomplete() {
        return Err(Wrong::Malformed);
    }
    match parsed {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => Ok(match (header.command, header.addresses) {
            (v2::Command::Proxy, v2::Addresses::IPv4(ip)) => Some((ip.source_address, ip.source_port).into()),
            (v2::Command::Proxy, v2::Addresses::IPv6(ip)) => Some((ip.source_address, ip.source_port).into()),
            _ => None,
        }),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(Wrong::Malformed),
    }
}
