//! `Content-Encoding`: what says that it inflates, and does so too far, or not at all.

use super::*;
use crate::{
    answer::Denied,
    budget::{Budget, Room, Share},
    config::BodyLimits,
    decode::Format,
    http::body::{Caps, capped},
};
use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;
use tokio::{io::AsyncReadExt, runtime::Runtime};

const BODY: BodyLimits =
    BodyLimits { single: 10_000, batch: 40_000, ratio: 20, timeout: Duration::from_secs(10) };
pub(super) const CODECS: [&str; 7] = ["gzip", "deflate", "deflate", "br", "zstd", "lz4", "lz4"];

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Reads a body that says that it is encoded so, in pieces of this length.
pub(super) fn ends_well(
    runtime: &Runtime,
    codec: &str,
    bytes: &[u8],
    piece: usize,
) -> Result<(), TestCaseError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_str(codec).unwrap());
    let pieces: Vec<_> = bytes.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let caps = Caps { limits: &BODY, format: Format::Json };
    let budget = Budget::new(Room::undivided(200_000));
    let read = runtime.block_on(capped(
        Box::pin(futures::stream::iter(pieces)),
        &headers,
        &caps,
        budget.hold(Share::Client),
    ));
    match read {
        Ok(body) => {
            prop_assert!(body.bytes().len() <= BODY.batch);
            prop_assert!(budget.held() >= body.bytes().len());
        }
        Err(Denied::Refused(refusal)) => prop_assert!(is_known(&refusal), "{refusal:?}"),
        Err(Denied::Unkept(fault)) => prop_assert_eq!(fault.tag, Budget::FULL),
        Err(other) => prop_assert!(false, "{:?}", other),
    }
    prop_assert_eq!(budget.held(), 0);
    Ok(())
}

/// Bodies, encoded: small ones, long ones, bombs.
fn encoded(runtime: &Runtime) -> Vec<(&'static str, Vec<u8>)> {
    let plain = [
        right().swap_remove(2),
        vec![b'['; 5_000],
        b"{\"ename\":\"a\"}\n".repeat(2_000),
        vec![0; 400_000],
        Vec::new(),
    ];
    let mut all = Vec::new();
    for plain in &plain {
        for (place, codec) in CODECS.into_iter().enumerate() {
            all.push((codec, runtime.block_on(encode(place, plain))));
        }
    }
    all
}

async fn encode(place: usize, plain: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let read = match place {
        0 => GzipEncoder::new(plain).read_to_end(&mut encoded).await,
        1 => ZlibEncoder::new(plain).read_to_end(&mut encoded).await,
        2 => DeflateEncoder::new(plain).read_to_end(&mut encoded).await,
        3 => BrotliEncoder::new(plain).read_to_end(&mut encoded).await,
        4 => ZstdEncoder::new(plain).read_to_end(&mut encoded).await,
        5 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            std::io::Write::write_all(&mut encoder, plain).unwrap();
            return encoder.finish().unwrap();
        }
        _ => return lz4_flex::compress_prepend_size(plain),
    };
    read.unwrap();
    encoded
}

#[test]
fn bytes_that_say_that_they_are_encoded() {
    let runtime = runtime();
    every((select(&CODECS[..]), vec(any::<u8>(), 0..300), 1..64_usize), |(codec, bytes, piece)| {
        ends_well(&runtime, codec, &bytes, piece)
    });
}

#[test]
fn encoded_bodies_with_something_wrong() {
    let runtime = runtime();
    let all = encoded(&runtime);
    let codecs: Vec<&str> = all.iter().map(|(codec, _)| *codec).collect();
    let any_of_them = all.into_iter().map(|(_, bytes)| bytes).enumerate();
    // The number of the body goes before it, so that it is read as what it was.
    let numbered: Vec<Vec<u8>> =
        any_of_them.map(|(number, bytes)| [&[number as u8][..], &bytes].concat()).collect();
    every((spoilt(numbered), 1..2_000_usize), |(bytes, piece)| {
        let Some((number, bytes)) = bytes.split_first() else { return Ok(()) };
        let codec = codecs[usize::from(*number) % codecs.len()];
        ends_well(&runtime, codec, bytes, piece)
    });
}
