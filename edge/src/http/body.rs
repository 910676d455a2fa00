//! Bodies with a bound: on their bytes, on what they inflate to, on their time, and on the memory of all of them.
//! Never believes a declared length, and needs none.

#[cfg(test)]
mod tests;

use super::inflate::{self, Encoding};
use crate::{answer::Denied, budget::Held, config::BodyLimits, decode::Format, reason, request::Incoming};
use futures::StreamExt;
use http::{HeaderMap, header};
use tracker_stream::fault::Refusal;

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Caps<'a> {
    /// The bounds.
    pub limits: &'a BodyLimits,
    /// Lines may be as many as a batch; so may an array, which its first byte tells.
    pub format: Format,
}

impl Caps<'_> {
    /// The bound of a decoded body that starts like this.
    fn of(&self, start: &[u8]) -> usize {
        let is_list = start.trim_ascii_start().first().is_none_or(|first| *first == b'[');
        if self.format == Format::Ndjson || is_list { self.limits.batch } else { self.limits.single }
    }
}

/// A body, decoded, and its share of the memory for bodies.
#[derive(Debug)]
pub struct Body {
    bytes: Vec<u8>,
    _held: Held,
}

impl Body {
    /// One that is here already.
    pub(crate) const fn of(bytes: Vec<u8>, held: Held) -> Self {
        Self { bytes, _held: held }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Reads a body.
///
/// # Errors
/// An encoding or charset that is not taken, too many bytes, too slow, broken off; no memory just now.
pub async fn capped(
    incoming: Incoming,
    headers: &HeaderMap,
    caps: &Caps<'_>,
    held: Held,
) -> Result<Body, Denied> {
    check_charset(headers)?;
    let encoding = Encoding::of(headers)?;
    let mut room = Room { bytes: Vec::new(), encoded: usize::MAX, caps: *caps, held };
    room.check_declared(headers)?;
    let arrived = tokio::time::timeout(caps.limits.timeout, gather(incoming, encoding, &mut room)).await;
    arrived.map_err(|_| {
        reason::BODY_TIMEOUT.refuse(format!("send the whole body within {:?}", caps.limits.timeout))
    })??;
    let encoding = if encoding == Encoding::Identity { Encoding::seen(&room.bytes) } else { encoding };
    if encoding != Encoding::Identity {
        let encoded = std::mem::take(&mut room.bytes);
        room.encoded = encoded.len();
        inflate::inflate(&encoded, encoding, &mut room).await?;
    }
    Ok(Body { bytes: room.bytes, _held: room.held })
}

/// Takes the stream in, counting. While it is encoded, nothing can be told of its kind: it may be a batch.
async fn gather(mut incoming: Incoming, encoding: Encoding, room: &mut Room<'_>) -> Result<(), Denied> {
    while let Some(chunk) = incoming.next().await {
        let chunk =
            chunk.map_err(|_| reason::BODY_BROKEN.refuse("the connection broke off; send it again"))?;
        match encoding {
            Encoding::Identity => room.push(&chunk)?,
            _ => room.push_encoded(&chunk)?,
        }
    }
    Ok(())
}

/// Where bytes go, as long as they fit.
pub(super) struct Room<'a> {
    bytes: Vec<u8>,
    /// How many bytes the encoded body has, once that is known.
    encoded: usize,
    caps: Caps<'a>,
    held: Held,
}

/// Any body may inflate to this: a small one that is all the same compresses better than most.
pub(crate) const ALWAYS_FITS: usize = 64 << 10;

impl Room<'_> {
    /// How many more bytes fit.
    pub(super) fn left(&self) -> usize {
        let by_ratio = self.encoded.saturating_mul(self.caps.limits.ratio).max(ALWAYS_FITS);
        self.caps.of(&self.bytes).min(by_ratio).saturating_sub(self.bytes.len())
    }

    /// Takes decoded bytes.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), Denied> {
        self.held.grow(chunk.len())?;
        self.bytes.extend_from_slice(chunk);
        let most = self.caps.of(&self.bytes);
        if self.bytes.len() > most {
            return Err(too_large(most).into());
        }
        if self.bytes.len() > self.encoded.saturating_mul(self.caps.limits.ratio).max(ALWAYS_FITS) {
            let detail = format!("a body may inflate to {} times its size", self.caps.limits.ratio);
            return Err(reason::INFLATES_TOO_FAR.refuse(detail).into());
        }
        Ok(())
    }

    fn push_encoded(&mut self, chunk: &[u8]) -> Result<(), Denied> {
        self.held.grow(chunk.len())?;
        self.bytes.extend_from_slice(chunk);
        let most = self.caps.limits.batch;
        if self.bytes.len() > most { Err(too_large(most).into()) } else { Ok(()) }
    }

    /// Refuses at once what says itself that it is too long, and what would not fit just now.
    fn check_declared(&self, headers: &HeaderMap) -> Result<(), Denied> {
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let declared: usize = length.unwrap_or(0);
        if declared > self.caps.limits.batch {
            return Err(too_large(self.caps.limits.batch).into());
        }
        Ok(self.held.check(declared)?)
    }
}

fn too_large(most: usize) -> Refusal {
    reason::BODY_TOO_LARGE.refuse(format!("send at most {most} bytes, counted after inflating"))
}

/// JSON is UTF-8; ASCII is a part of that.
fn check_charset(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    match charset.as_deref() {
        None | Some("" | "utf-8" | "utf8" | "us-ascii" | "ascii") => Ok(()),
        Some(_) => Err(reason::UNSUPPORTED_CHARSET.refuse("send UTF-8")),
    }
}
