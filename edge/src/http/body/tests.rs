use super::*;
use crate::{
    budget::{Budget, Room, Share},
    reason,
};
use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use bytes::Bytes;
use http::HeaderValue;
use rstest::rstest;
use std::time::Duration;
use tokio::io::AsyncReadExt;

const LIMITS: BodyLimits =
    BodyLimits { single: 100_000, batch: 1_000_000, ratio: 20, timeout: Duration::from_secs(10) };

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// A body that comes in pieces.
fn incoming(bytes: &[u8]) -> Incoming {
    let chunks: Vec<_> = bytes.chunks(1_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Box::pin(futures::stream::iter(chunks))
}

async fn read(bytes: &[u8], lines: &[(&'static str, &str)]) -> Result<Vec<u8>, Denied> {
    let caps = Caps { limits: &LIMITS, format: Format::Json };
    let body = capped(
        incoming(bytes),
        &headers(lines),
        &caps,
        Budget::new(Room::undivided(64 << 20)).hold(Share::Client),
    )
    .await?;
    Ok(body.bytes().to_vec())
}

fn reason_of(read: Result<Vec<u8>, Denied>) -> &'static str {
    match read {
        Err(Denied::Refused(refusal)) => refusal.reason,
        Err(Denied::Unkept(fault)) => fault.tag,
        other => panic!("{other:?}"),
    }
}

async fn encode(codec: &str, plain: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    match codec {
        "gzip" => GzipEncoder::new(plain).read_to_end(&mut encoded).await,
        "zlib" => ZlibEncoder::new(plain).read_to_end(&mut encoded).await,
        "deflate" => DeflateEncoder::new(plain).read_to_end(&mut encoded).await,
        "zstd" => ZstdEncoder::new(plain).read_to_end(&mut encoded).await,
        "br" => BrotliEncoder::new(plain).read_to_end(&mut encoded).await,
        "lz4" => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            std::io::Write::write_all(&mut encoder, plain).unwrap();
            encoded = encoder.finish().unwrap();
            Ok(encoded.len())
        }
        "lz4 block" => {
            encoded = lz4_flex::compress_prepend_size(plain);
            Ok(encoded.len())
        }
        other => panic!("{other}"),
    }
    .unwrap();
    encoded
}

/// Text that compresses a little: no codec finds it suspicious.
fn plain(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + (state >> 27) as u8 % 26
    };
    let mut text = vec![b'['];
    text.extend(std::iter::repeat_with(letter).take(length));
    text
}

#[rstest]
#[case::gzip("gzip", "gzip")]
#[case::gzip_by_its_old_name("x-gzip", "gzip")]
#[case::upper_case("GZIP", "gzip")]
#[case::deflate("deflate", "zlib")]
#[case::bare_deflate("deflate", "deflate")]
#[case::zstd("zstd", "zstd")]
#[case::brotli("br", "br")]
#[case::lz4_frame("lz4", "lz4")]
#[case::lz4_block("lz4", "lz4 block")]
#[tokio::test]
async fn each_encoding_is_decoded(
    #[case] named: &str,
    #[case] codec: &str,
    #[values(0, 10, 300_000)] length: usize,
) {
    let plain = plain(length);
    let encoded = encode(codec, &plain).await;
    assert_eq!(read(&encoded, &[("content-encoding", named)]).await.unwrap(), plain);
}

#[rstest]
#[case::gzip("gzip", "gzip")]
#[case::deflate("deflate", "zlib")]
#[case::zstd("zstd", "zstd")]
#[case::brotli("br", "br")]
#[case::lz4_frame("lz4", "lz4")]
#[case::lz4_block("lz4", "lz4 block")]
#[tokio::test]
async fn a_bomb_is_refused_before_it_is_whole(#[case] named: &str, #[case] codec: &str) {
    let zeros = [vec![b'['], vec![b' '; 900_000]].concat();
    let within_size = encode(codec, &zeros).await;
    let named = [("content-encoding", named)];
    assert_eq!(reason_of(read(&within_size, &named).await), reason::INFLATES_TOO_FAR.tag);
    let huge = encode(codec, &vec![b'['; 50_000_000]).await;
    let refused = reason_of(read(&huge, &named).await);
    assert!([reason::INFLATES_TOO_FAR.tag, reason::BODY_TOO_LARGE.tag].contains(&refused), "{refused}");
}

#[rstest]
#[case("gzip", "gzip")]
#[case("deflate", "zlib")]
#[case("zstd", "zstd")]
#[case("br", "br")]
#[case("lz4", "lz4")]
#[case("lz4", "lz4 block")]
#[tokio::test]
async fn a_body_that_is_cut_or_garbled_is_refused(#[case] named: &str, #[case] codec: &str) {
    let encoded = encode(codec, &plain(20_000)).await;
    let named = [("content-encoding", named)];
    let cut = &encoded[..encoded.len() / 2];
    assert_eq!(reason_of(read(cut, &named).await), reason::BROKEN_ENCODING.tag);
    assert_eq!(reason_of(read(b"no such thing at all", &named).await), reason::BROKEN_ENCODING.tag);
}

#[tokio::test]
async fn a_block_that_promises_gigabytes_allocates_none() {
    let promise = [0xff, 0xff, 0xff, 0x7f, 0x10, b'a'];
    assert_eq!(reason_of(read(&promise, &[("content-encoding", "lz4")]).await), reason::BROKEN_ENCODING.tag);
}

#[rstest]
#[case::unknown(&[("content-encoding", "compress")])]
#[case::twice(&[("content-encoding", "gzip, gzip")])]
#[case::two_lines(&[("content-encoding", "gzip"), ("content-encoding", "gzip")])]
#[tokio::test]
async fn other_encodings_are_not_taken(#[case] lines: &[(&'static str, &str)]) {
    assert_eq!(reason_of(read(b"{}", lines).await), reason::UNSUPPORTED_ENCODING.tag);
}

#[rstest]
#[case::none("application/json", true)]
#[case::utf8("application/json; charset=UTF-8", true)]
#[case::quoted("text/plain;charset=\"utf-8\"", true)]
#[case::ascii("text/plain; charset=us-ascii", true)]
#[case::latin("application/json; charset=iso-8859-1", false)]
#[tokio::test]
async fn text_is_utf_8(#[case] content_type: &str, #[case] taken: bool) {
    let read = read(b"{}", &[("content-type", content_type)]).await;
    assert_eq!(read.is_ok(), taken);
    if !taken {
        assert_eq!(reason_of(read), reason::UNSUPPORTED_CHARSET.tag);
    }
}

#[rstest]
#[case::object(b'{', 100_000, true)]
#[case::long_object(b'{', 100_001, false)]
#[case::array(b'[', 1_000_000, true)]
#[case::long_array(b'[', 1_000_001, false)]
#[tokio::test]
async fn a_list_may_be_longer_than_one_object(#[case] first: u8, #[case] length: usize, #[case] taken: bool) {
    let mut body = vec![b' '; length];
    body[0] = first;
    let read = read(&body, &[]).await;
    assert_eq!(read.is_ok(), taken);
    if !taken {
        assert_eq!(reason_of(read), reason::BODY_TOO_LARGE.tag);
    }
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_before_a_byte_is_read() {
    let never: Incoming = Box::pin(futures::stream::pending());
    let caps = Caps { limits: &LIMITS, format: Format::Json };
    let declared = headers(&[("content-length", "10000000")]);
    let refused =
        capped(never, &declared, &caps, Budget::new(Room::undivided(64 << 20)).hold(Share::Client)).await;
    assert_eq!(reason_of(refused.map(|_| Vec::new())), reason::BODY_TOO_LARGE.tag);
}

#[tokio::test]
async fn a_declared_length_that_lies_is_not_believed() {
    let body = vec![b'{'; 200_000];
    assert_eq!(reason_of(read(&body, &[("content-length", "5")]).await), reason::BODY_TOO_LARGE.tag);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let first = futures::stream::iter([Ok(Bytes::from_static(b"{"))]);
    let stuck: Incoming = Box::pin(first.chain(futures::stream::pending()));
    let caps = Caps { limits: &LIMITS, format: Format::Json };
    let refused =
        capped(stuck, &HeaderMap::new(), &caps, Budget::new(Room::undivided(64 << 20)).hold(Share::Client))
            .await;
    assert_eq!(reason_of(refused.map(|_| Vec::new())), reason::BODY_TIMEOUT.tag);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let pieces = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))];
    let caps = Caps { limits: &LIMITS, format: Format::Json };
    let broken: Incoming = Box::pin(futures::stream::iter(pieces));
    let refused =
        capped(broken, &HeaderMap::new(), &caps, Budget::new(Room::undivided(64 << 20)).hold(Share::Client))
            .await;
    assert_eq!(reason_of(refused.map(|_| Vec::new())), reason::BODY_BROKEN.tag);
}

#[tokio::test]
async fn bodies_share_a_bounded_memory() {
    let budget = Budget::new(Room::undivided(50 << 10));
    let caps = Caps { limits: &LIMITS, format: Format::Json };
    let body = vec![b'{'; 30 << 10];
    let first = capped(incoming(&body), &HeaderMap::new(), &caps, budget.hold(Share::Client)).await.unwrap();
    let second = capped(incoming(&body), &HeaderMap::new(), &caps, budget.hold(Share::Client)).await;
    assert_eq!(reason_of(second.map(|_| Vec::new())), Budget::FULL);
    drop(first);
    assert_eq!(budget.held(), 0);
    assert!(capped(incoming(&body), &HeaderMap::new(), &caps, budget.hold(Share::Client)).await.is_ok());
}
