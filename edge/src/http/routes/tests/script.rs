//! The browser script.

use super::*;
use crate::script::{SCRIPT, VERSIONS};
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder};
use tokio::io::{AsyncRead, AsyncReadExt};

async fn text(mut decoder: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    decoder.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn the_plain_name_is_kept_for_minutes_and_the_versioned_one_for_good() {
    let tested = edge("");
    let plain = tested.ask(request("GET", "/track.js")).await;
    let versioned = tested.ask(request("GET", &SCRIPT.path())).await;
    for said in [&plain, &versioned] {
        assert_eq!((said.status, said.body.as_str()), (200, SCRIPT.text));
        assert_eq!(said.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(said.header("cross-origin-resource-policy"), "cross-origin");
    }
    assert!(plain.header("cache-control").contains("max-age=300"));
    assert_eq!(versioned.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(tested.events.messages().len(), 0);
}

/// A page of last year names last year's version and its hash, and the browser runs no other bytes.
#[tokio::test]
async fn every_released_version_is_there_for_good_with_the_bytes_of_its_hash() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha384};
    let tested = edge("");
    for script in VERSIONS.iter() {
        for accepted in ["identity", "gzip"] {
            let asked = request("GET", &script.path()).header("accept-encoding", accepted);
            let (parts, body) = tested.raw(asked).await;
            let body = if accepted == "gzip" {
                text(GzipDecoder::new(&body[..])).await
            } else {
                String::from_utf8(body.to_vec()).unwrap()
            };
            let hash = Sha384::digest(&body);
            assert_eq!(parts.status, 200);
            assert_eq!(parts.headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(script.integrity, format!("sha384-{}", BASE64_STANDARD.encode(hash)));
            assert!(script.path().contains(&hex::encode(hash)[..16]), "{}", script.path());
        }
    }
}

#[rstest]
#[case::other_version("/track.0000000000000000.js")]
#[case::no_version("/track..js/")]
#[case::no_script("/track.css")]
#[case::bare("/track")]
#[tokio::test]
async fn another_version_is_not_there(#[case] path: &str) {
    assert_eq!(edge("").ask(request("GET", path)).await.error(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn it_is_packed_as_the_browser_likes_it() {
    let tested = edge("");
    let ask = async |accepted: &str| {
        let request = request("GET", "/track.js").header("accept-encoding", accepted);
        let (parts, body) = tested.raw(request).await;
        let encoding = parts.headers.get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding.unwrap_or_default(), parts.headers["etag"].clone(), body)
    };
    let (encoding, brotli_tag, body) = ask("gzip, deflate, br, zstd").await;
    assert_eq!((encoding.as_str(), text(BrotliDecoder::new(&body[..])).await.as_str()), ("br", SCRIPT.text));
    let (encoding, gzip_tag, body) = ask("br;q=0, gzip").await;
    assert_eq!((encoding.as_str(), text(GzipDecoder::new(&body[..])).await.as_str()), ("gzip", SCRIPT.text));
    assert!(body.len() < 6_000, "{} bytes", body.len());
    let (encoding, plain_tag, _) = ask("identity").await;
    assert_eq!(encoding, "");
    assert!(brotli_tag != gzip_tag && gzip_tag != plain_tag, "an ETag names one encoding");
}

#[tokio::test]
async fn who_has_it_is_not_sent_it_again() {
    let tested = edge("");
    let tag = tested.ask(request("GET", "/track.js")).await.header("etag").to_owned();
    for known in [tag.clone(), format!("\"x\", W/{tag}")] {
        let said = tested.ask(request("GET", "/track.js").header("if-none-match", known)).await;
        assert_eq!((said.status, said.body.as_str(), said.header("etag")), (304, "", tag.as_str()));
    }
    let said = tested.ask(request("GET", "/track.js").header("if-none-match", "\"x\"")).await;
    assert_eq!(said.status, 200);
}

#[tokio::test]
async fn pages_of_any_origin_may_check_its_integrity() {
    let said = edge("").ask(request("GET", "/track.js").header("origin", "https://a.example")).await;
    assert_eq!(said.header("access-control-allow-origin"), "*");
    let vary: Vec<_> = said.headers.get_all("vary").iter().collect();
    assert!(vary.contains(&&http::HeaderValue::from_static("Accept-Encoding")), "{vary:?}");
}
