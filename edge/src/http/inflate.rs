//! `Content-Encoding`: from encoded bytes to as many decoded ones as fit, and no more. Never allocates by what a
//! header of the encoding promises.

use super::body::Room;
use crate::{answer::Denied, reason};
use async_compression::{
    tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder},
    zstd::DParameter,
};
use http::{HeaderMap, header};
use std::io::Read;
use tokio::io::{AsyncRead, AsyncReadExt};
use tracker_stream::fault::Refusal;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    /// zlib's format, as HTTP means it, or bare DEFLATE, as some clients do.
    Deflate,
    Zstd,
    Brotli,
    /// The LZ4 frame format, or one block behind its length as in binary WebSocket frames. The frame's magic number
    /// tells them apart: as a length it would be over 400 MB.
    Lz4,
}

impl Encoding {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut lines = headers.get_all(header::CONTENT_ENCODING).iter();
        let named = match (lines.next(), lines.next()) {
            (None, _) => return Ok(Self::Identity),
            (Some(line), None) => line.to_str().unwrap_or("?").trim().to_ascii_lowercase(),
            (Some(_), Some(_)) => "?".to_owned(), // one after the other: nobody does, and bombs like it
        };
        match named.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            "br" => Ok(Self::Brotli),
            "lz4" => Ok(Self::Lz4),
            _ => {
                Err(reason::UNSUPPORTED_ENCODING.refuse("send one of gzip, deflate, zstd, br, lz4, or none"))
            }
        }
    }
}

impl Encoding {
    /// What a body is that no header tells of. Scripts that may set no header send gzip so; no text begins like it.
    pub(super) fn seen(body: &[u8]) -> Self {
        if body.starts_with(&[0x1f, 0x8b, 0x08]) { Self::Gzip } else { Self::Identity }
    }
}

/// Decoded bytes at a time; between them other requests have their turn.
const STEP: usize = 32 << 10;
/// The largest window of zstd that HTTP allows (RFC 9659): 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;
const LZ4_FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// Decodes into `room`.
pub(super) async fn inflate(encoded: &[u8], encoding: Encoding, room: &mut Room<'_>) -> Result<(), Denied> {
    match encoding {
        Encoding::Identity => room.push(encoded),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(encoded);
            decoder.multiple_members(true); // RFC 1952 allows them
            drain(decoder, room).await
        }
        Encoding::Deflate if is_zlib(encoded) => drain(ZlibDecoder::new(encoded), room).await,
        Encoding::Deflate => drain(DeflateDecoder::new(encoded), room).await,
        Encoding::Zstd => {
            let window = DParameter::window_log_max(ZSTD_WINDOW_LOG);
            let mut decoder = ZstdDecoder::with_params(encoded, &[window]);
            decoder.multiple_members(true);
            drain(decoder, room).await
        }
        Encoding::Brotli => drain(BrotliDecoder::new(encoded), room).await,
        Encoding::Lz4 if encoded.starts_with(&LZ4_FRAME) => {
            drain(Blocking(lz4_flex::frame::FrameDecoder::new(encoded)), room).await
        }
        Encoding::Lz4 => block(encoded, room),
    }
}

/// The two bytes before a zlib stream: a method and a check of 31.
fn is_zlib(encoded: &[u8]) -> bool {
    matches!(encoded, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

async fn drain(mut decoder: impl AsyncRead + Unpin, room: &mut Room<'_>) -> Result<(), Denied> {
    let mut step = vec![0; STEP];
    loop {
        let read = decoder.read(&mut step).await.map_err(|_| broken())?;
        let (decoded, _) = step.split_at_checked(read).ok_or_else(broken)?;
        if decoded.is_empty() {
            return Ok(());
        }
        room.push(decoded)?;
        tokio::task::yield_now().await;
    }
}

/// A reader over bytes that are all here: it never waits.
struct Blocking<R>(R);

impl<R: Read + Unpin> AsyncRead for Blocking<R> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let read = self.0.read(buffer.initialize_unfilled());
        std::task::Poll::Ready(read.map(|read| buffer.advance(read)))
    }
}

/// One block behind its length. The length is checked before a byte is allocated.
fn block(encoded: &[u8], room: &mut Room<'_>) -> Result<(), Denied> {
    let (length, block) = encoded.split_first_chunk::<4>().ok_or_else(broken)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    // What does not fit is decoded up to the first byte too many, and refused by it in the room's own words.
    let mut decoded = vec![0; length.min(room.left().saturating_add(1))];
    let written = match lz4_flex::block::decompress_into(block, &mut decoded) {
        Ok(written) if written == length => written,
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if decoded.len() < length => {
            decoded.len()
        }
        Ok(_) | Err(_) => return Err(broken().into()),
    };
    let (decoded, _) = decoded.split_at_checked(written).ok_or_else(broken)?;
    room.push(decoded)
}

fn broken() -> Refusal {
    reason::BROKEN_ENCODING.refuse("the body is not what its Content-Encoding says")
}
