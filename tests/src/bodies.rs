//! Bodies as clients really send them: encoded, endless, slow, broken, hostile. None is ever answered with 500.

use crate::{
    endpoints::{Mark, strict},
    rig::{Answer, End, Site, post, refusal, run, shared},
};
use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use uuid::Uuid;

async fn all(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut encoded = Vec::new();
    encoder.read_to_end(&mut encoded).await.expect("it encodes");
    encoded
}

/// How clients encode, and what they call it.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Gzip,
    Zlib,
    BareDeflate,
    Brotli,
    Zstd,
    Lz4Frame,
    Lz4Block,
}

impl Encoding {
    const ALL: [Self; 7] =
        [Self::Gzip, Self::Zlib, Self::BareDeflate, Self::Brotli, Self::Zstd, Self::Lz4Frame, Self::Lz4Block];

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib | Self::BareDeflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Lz4Frame | Self::Lz4Block => "lz4",
        }
    }

    async fn encode(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Gzip => all(GzipEncoder::new(body)).await,
            Self::Zlib => all(ZlibEncoder::new(body)).await,
            Self::BareDeflate => all(DeflateEncoder::new(body)).await,
            Self::Brotli => all(BrotliEncoder::with_quality(body, async_compression::Level::Fastest)).await,
            Self::Zstd => all(ZstdEncoder::new(body)).await,
            Self::Lz4Frame => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                std::io::Write::write_all(&mut encoder, body).expect("it encodes");
                encoder.finish().expect("it encodes")
            }
            Self::Lz4Block => lz4_flex::compress_prepend_size(body),
        }
    }
}

async fn send_encoded(site: &Site, encoding: Encoding, body: Vec<u8>) -> Answer {
    post(site.request(Method::POST, "/tr/v1/tr/").header("content-encoding", encoding.name()).body(body))
        .await
}

#[test]
fn a_body_may_come_in_each_encoding() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let mut sent = Vec::new();
        for encoding in Encoding::ALL {
            let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
            let text = "the same again and again ".repeat(100);
            let body = json!({ "eid": one, "ename": mark.name, "note": text }).to_string();
            let answer = send_encoded(site, encoding, encoding.encode(body.as_bytes()).await).await;
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{encoding:?}");
            let several = json!([{ "eid": other, "ename": mark.name }, {}]).to_string();
            let answer = send_encoded(site, encoding, encoding.encode(several.as_bytes()).await).await;
            assert_eq!(answer.json()["accepted"], 1, "{encoding:?}");
            sent.extend([one, other]);
        }
        mark.recorded_only(&sent).await;
    });
}

#[test]
fn a_body_that_is_not_what_its_encoding_says_is_refused() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let body = json!({ "ename": mark.name }).to_string();
        for encoding in Encoding::ALL {
            let whole = encoding.encode(body.as_bytes()).await;
            let cut = whole[..whole.len() / 2].to_vec();
            for broken in [cut, body.clone().into_bytes()] {
                let answer = send_encoded(site, encoding, broken).await;
                assert_eq!(answer.refusal(), (400, "broken_encoding".to_owned()), "{encoding:?}");
            }
        }
        assert_eq!(site.post("/tr/v1/tr/", body).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

/// Each would be one good event of 64 MiB.
#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let bomb = format!("{{\"ename\":\"{}\",\"x\":\"{}\"}}", mark.name, "x".repeat(64 << 20));
        for encoding in Encoding::ALL {
            let encoded = encoding.encode(bomb.as_bytes()).await;
            assert!(encoded.len() < 1 << 20, "{encoding:?} makes {} bytes of it", encoded.len());
            let answer = send_encoded(site, encoding, encoded).await;
            let (status, reason) = answer.refusal();
            assert_eq!(status, 413, "{encoding:?}: {reason}");
            assert!(["body_too_large", "inflates_too_far"].contains(&&*reason), "{encoding:?}: {reason}");
        }
        assert_eq!(site.post("/tr/v1/tr/", json!({ "ename": mark.name }).to_string()).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

#[rstest]
#[case::one_event("{", "}", "/tr/v1/tr/")]
#[case::a_batch("[{", "}]", "/tr/v1/tr/")]
#[case::a_server_event("{", "}", "/tr/v1/str/")]
#[case::a_payment("{", "}", "/tr/v1/ltv/")]
fn a_body_of_ten_megabytes_is_refused(#[case] open: &str, #[case] close: &str, #[case] path: &str) {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let body =
            |x: &str| format!(r#"{open}"ename":"{name}","product":"{name}","revenue":1,"x":"{x}"{close}"#);
        let answer = site.post_secret(path, body(&"x".repeat(10 << 20))).await;
        assert_eq!(answer.refusal(), (413, "body_too_large".to_owned()));
        assert_eq!(site.post_secret(path, body("x")).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

const HEAD: &str = "POST /tr/v1/tr/ HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n";

#[test]
fn a_body_needs_no_declared_length() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let eid = Uuid::now_v7();
        let body = json!({ "eid": eid, "ename": mark.name }).to_string();
        let (one, other) = body.as_bytes().split_at(20);
        let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
        let answer =
            site.talk(&[head.as_bytes(), &chunk(one), &chunk(other), &chunk(b"")], End::Silent).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        mark.recorded_only(&[eid]).await;
    });
}

#[test]
fn an_endless_body_is_cut_off() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
        let start = format!("{{\"ename\":\"{}\",\"x\":\"", mark.name);
        let (start, more) = (chunk(start.as_bytes()), chunk(&[b'x'; 64 << 10]));
        let pieces: Vec<&[u8]> =
            [head.as_bytes(), &start].into_iter().chain(std::iter::repeat_n(&*more, 160)).collect();
        assert_eq!(refusal(&site.talk(&pieces, End::Silent).await), (413, "body_too_large".to_owned()));
        assert_eq!(site.post("/tr/v1/tr/", json!({ "ename": mark.name }).to_string()).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

#[test]
fn a_body_that_is_declared_too_long_is_refused_before_it_is_sent() {
    run(async {
        let site = shared().await;
        let head = format!("{HEAD}content-length: 10737418240\r\n\r\n");
        let answer = site.talk(&[head.as_bytes()], End::Silent).await;
        assert_eq!(refusal(&answer), (413, "body_too_large".to_owned()));
    });
}

#[test]
fn a_body_that_breaks_off_is_no_event() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let body = json!({ "ename": mark.name }).to_string();
        let head = format!("{HEAD}content-length: {}\r\n\r\n", body.len() + 1);
        let answer = site.talk(&[head.as_bytes(), body.as_bytes()], End::Closed).await;
        assert!(answer.is_empty() || refusal(&answer) == (400, "body_broken".to_owned()), "{answer}");
        let head = format!("{HEAD}content-length: {}\r\n\r\n", body.len());
        let answer = site.talk(&[head.as_bytes(), body.as_bytes()], End::Closed).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "a client that closed its half is answered: {answer}");
        assert_eq!(mark.recorded().await, 1);
    });
}

#[test]
fn a_slow_body_is_told_that_it_is_too_slow() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        let body = json!({ "ename": mark.name }).to_string();
        let head =
            format!("{HEAD}x-forwarded-for: 198.51.100.20\r\ncontent-length: {}\r\n\r\n", body.len() + 1);
        let answer = site.talk(&[head.as_bytes(), body.as_bytes()], End::Silent).await;
        assert_eq!(refusal(&answer), (408, "body_timeout".to_owned()));
        let head = format!("{HEAD}x-forwarded-for: 198.51.100.20\r\ntransfer-encoding: chunked\r\n\r\n");
        let answer = site.talk(&[head.as_bytes(), &chunk(body.as_bytes())], End::Silent).await;
        assert_eq!(refusal(&answer), (408, "body_timeout".to_owned()));
        let whole =
            format!("{HEAD}x-forwarded-for: 198.51.100.20\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        assert!(site.talk(&[whole.as_bytes()], End::Silent).await.starts_with("HTTP/1.1 200 "));
        assert_eq!(mark.recorded().await, 1);
    });
}

#[test]
fn a_slow_head_is_told_that_it_is_too_slow() {
    run(async {
        let site = strict().await;
        for head in [
            "G",
            "POST /tr/v1/tr/ HTTP/1.1\r\n",
            "GET /tr/v1/tr/ename/a HTTP/1.1\r\nhost: shop.example\r\nx-slow: ",
        ] {
            let answer = site.talk(&[head.as_bytes()], End::Silent).await;
            assert_eq!(refusal(&answer), (408, "header_timeout".to_owned()), "{head:?}");
        }
        assert_eq!(site.talk(&[], End::Silent).await, "", "who says nothing is closed without a word");
    });
}

#[rstest]
#[case::no_http(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")]
#[case::no_version(b"GET /tr/v1/tr/\r\n\r\n")]
#[case::two_lengths(
    b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 30\r\n\r\n{}"
)]
#[case::a_negative_length(b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: -3\r\n\r\n{}")]
#[case::no_chunk(b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n")]
#[case::a_line_break_in_a_header(b"GET /tr/v1/tr/ename/a HTTP/1.1\r\nhost: a\r\nx-a: b\rc\r\n\r\n")]
fn what_is_no_http_is_no_trouble(#[case] bytes: &[u8]) {
    run(async {
        let site = shared().await;
        let answer = site.talk(&[bytes], End::Closed).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(site.get("/ping").await.status, 200);
    });
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let head = |header: &str| {
            format!(
                "GET /tr/v1/tr/ename/{} HTTP/1.1\r\nconnection: close\r\nx-long: {header}\r\n\r\n",
                mark.name
            )
        };
        let answer = site.talk(&[head(&"x".repeat(32 << 10)).as_bytes()], End::Closed).await;
        assert_eq!(refusal(&answer).0, 431);
        assert!(site.talk(&[head("x").as_bytes()], End::Closed).await.starts_with("HTTP/1.1 200 "));
        assert_eq!(mark.recorded().await, 1);
    });
}

#[rstest]
#[case::nothing(b"", "malformed")]
#[case::spaces(b" \r\n ", "malformed")]
#[case::null(b"null", "malformed")]
#[case::a_byte_order_mark(b"\xef\xbb\xbf{\"ename\":\"hostile\"}", "malformed")]
#[case::utf_16(b"\xff\xfe{\x00}\x00", "invalid_utf8")]
#[case::an_overlong_slash(b"{\"ename\":\"\xc0\xaf\"}", "invalid_utf8")]
#[case::half_a_character(b"{\"ename\":\"\xe2\x82\"}", "invalid_utf8")]
#[case::a_raw_nul(b"{\"ename\":\"\x00\"}", "malformed")]
#[case::an_escaped_nul(br#"{"ename":"hostile","a":"\u0000"}"#, "invalid_text")]
#[case::a_nul_below(br#"{"ename":"hostile","a":{"b":["\u0000"]}}"#, "invalid_text")]
#[case::a_nul_in_a_key(br#"{"ename":"hostile","a\u0000":1}"#, "invalid_text")]
#[case::half_a_surrogate_pair(br#"{"ename":"\ud83d"}"#, "invalid_text")]
#[case::the_wrong_half(br#"{"ename":"hostile","a":["\ude00"]}"#, "invalid_text")]
#[case::two_high_halves(br#"{"ename":"\ud83d\ud83d"}"#, "invalid_text")]
#[case::a_number_beyond_floats(br#"{"ename":"hostile","score":1e999}"#, "invalid_number")]
#[case::a_number_beyond_integers(br#"{"ename":"hostile","duration":9223372036854775808}"#, "invalid_number")]
#[case::a_hexadecimal_number(br#"{"ename":"hostile","w":"0x10"}"#, "invalid_number")]
#[case::an_unclosed_text(br#"{"ename":"hostile"#, "malformed")]
#[case::a_comment(br#"{"ename":"hostile"/**/}"#, "malformed")]
#[case::two_events(br#"{"ename":"hostile"}{"ename":"hostile"}"#, "malformed")]
fn a_hostile_body_is_refused_with_its_reason(#[case] body: &'static [u8], #[case] reason: &str) {
    run(async {
        let site = shared().await;
        let answer = site.post("/tr/v1/tr/", body).await;
        assert_eq!(answer.refusal(), (400, reason.to_owned()));
        let paid = site.post_secret("/tr/v1/ltv/", body).await;
        assert_eq!(paid.status, 400, "{}", paid.text());
        let lines = site.request(Method::POST, "/tr/v1/tr/").header("content-type", "application/x-ndjson");
        let lines = post(lines.body(body)).await;
        assert_eq!((lines.status.as_u16(), &lines.json()["accepted"]), (200, &json!(0)));
    });
}

#[rstest]
#[case::arrays("[", "]", 100_000)]
#[case::objects("{\"a\":", "}", 30_000)]
#[case::seventeen("[", "]", 17)]
fn deep_nesting_is_refused_and_ends_no_stack(#[case] open: &str, #[case] close: &str, #[case] depth: usize) {
    run(async {
        let site = shared().await;
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let inside = site.post("/tr/v1/tr/", format!(r#"{{"ename":"hostile","a":{deep}}}"#)).await;
        assert_eq!(inside.refusal(), (400, "too_deep".to_owned()));
        for body in
            [deep.clone(), open.repeat(depth), format!(r#"{{"ename":"hostile","a":{}"#, open.repeat(depth))]
        {
            let answer = site.post("/tr/v1/tr/", body).await;
            assert!(answer.status.as_u16() < 500, "{}", answer.text());
        }
    });
}

#[test]
fn the_last_of_a_repeated_key_counts_and_ten_thousand_keys_are_kept() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let (repeated, many) = (Uuid::now_v7(), Uuid::now_v7());
        let name = &mark.name;
        let body = format!(
            r#"{{"eid":"{repeated}","ename":"first","app":"a","App":"b","ename":"{name}","app":"c","x":1,"x":2}}"#
        );
        assert_eq!(site.post("/tr/v1/tr/", body).await.status, 200);
        let keys: String = (0..10_000).map(|number| format!(",\"k{number}\":{number}")).collect();
        let body = format!(r#"{{"eid":"{many}","ename":"{name}"{keys}}}"#);
        assert_eq!(site.post("/tr/v1/tr/", body).await.status, 200);
        mark.recorded_only(&[repeated, many]).await;
        let row = site.event(&repeated.to_string()).await;
        assert_eq!((&row["app"], &row["params"]), (&json!("c"), &json!(r#"{"x":2}"#)));
        let row = site.event(&many.to_string()).await;
        let params: Value = serde_json::from_str(row["params"].as_str().unwrap()).unwrap();
        assert_eq!((params.as_object().unwrap().len(), &params["k9999"]), (10_000, &json!(9999)));
    });
}
