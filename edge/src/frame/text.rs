//! From a message to the text of its events.

use super::{Kind, Message};
use crate::{
    answer::Denied,
    config::BodyLimits,
    http::body::{ALWAYS_FITS, Body},
    reason,
};
use tracker_stream::fault::Refusal;

/// The text: the message itself, or what it inflates to, which may have `most` bytes.
///
/// # Errors
/// No block behind its length; too long, or more times its size than a body may inflate to; no memory just now.
pub fn text(message: Message, most: usize, limits: &BodyLimits) -> Result<Body, Denied> {
    let Message { kind, bytes, mut held } = message;
    match kind {
        Kind::Text => Ok(Body::of(bytes, held)),
        Kind::Binary => {
            let (length, block) = bytes.split_first_chunk().ok_or_else(broken)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            if length > most {
                let detail = format!("a message has at most {most} bytes, inflated");
                return Err(reason::BODY_TOO_LARGE.refuse(detail).into());
            }
            if length > block.len().saturating_mul(limits.ratio).max(ALWAYS_FITS) {
                let detail = format!("a message may inflate to {} times its size", limits.ratio);
                return Err(reason::INFLATES_TOO_FAR.refuse(detail).into());
            }
            held.grow(length)?;
            let mut decoded = vec![0; length];
            match lz4_flex::block::decompress_into(block, &mut decoded) {
                Ok(written) if written == length => Ok(Body::of(decoded, held)),
                _ => Err(broken().into()),
            }
        }
    }
}

fn broken() -> Refusal {
    reason::BROKEN_ENCODING
        .refuse("a binary message is 4 bytes of length, little-endian, and one LZ4 block of so many bytes")
}
