//! What is known to be nasty, by name, and what becomes of it.

use crate::http::testing::{Tested, edge, request};
use http::HeaderValue;
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tracker_schemas::Event;

/// A body of this many copies of something.
fn times(count: usize, text: &str) -> String {
    text.repeat(count)
}

fn kept(tested: &Tested) -> usize {
    tested.events.messages().len()
}

#[rstest]
#[case::deep_arrays(format!("{{\"ename\":\"a\",\"x\":{}{}}}", times(100_000, "["), times(100_000, "]")), 400, "too_deep")]
#[case::deep_objects(format!("{{\"ename\":\"a\",\"x\":{}1{}}}", times(20_000, "{\"a\":"), times(20_000, "}")), 400, "too_deep")]
#[case::only_opened(times(1_000_000, "["), 400, "malformed")]
#[case::half_a_surrogate_pair(r#"{"ename":"a","x":"\ud800"}"#.to_owned(), 400, "invalid_text")]
#[case::the_other_half(r#"{"ename":"\udc00x"}"#.to_owned(), 400, "invalid_text")]
#[case::half_a_pair_in_a_key(r#"{"ename":"a","\ud800":1}"#.to_owned(), 400, "malformed")]
#[case::half_a_pair_far_below(r#"{"ename":"a","x":[{"y":"\uDBFF"}]}"#.to_owned(), 400, "invalid_text")]
#[case::nul(r#"{"ename":"a\u0000"}"#.to_owned(), 400, "invalid_text")]
#[case::nul_in_a_key(r#"{"ename":"a","b\u0000":1}"#.to_owned(), 400, "invalid_text")]
#[case::nul_far_below(r#"{"ename":"a","x":{"y":["\u0000"]}}"#.to_owned(), 400, "invalid_text")]
#[case::a_bare_nul("{\"ename\":\"a\0\"}".to_owned(), 400, "malformed")]
#[case::a_number_beyond_all(format!("{{\"ename\":\"a\",\"w\":{}}}", times(100_000, "9")), 400, "invalid_number")]
#[case::an_exponent_beyond_all(r#"{"ename":"a","score":1e999999999}"#.to_owned(), 400, "invalid_number")]
#[case::no_number(r#"{"ename":"a","score":"NaN"}"#.to_owned(), 400, "invalid_number")]
#[case::infinite(r#"{"ename":"a","lat":"Infinity"}"#.to_owned(), 400, "invalid_number")]
#[case::bare_nan(r#"{"ename":"a","score":NaN}"#.to_owned(), 400, "malformed")]
#[case::a_long_key(format!("{{\"ename\":\"a\",\"{}\":1}}", times(129, "k")), 400, "key_too_long")]
#[case::a_comma_too_many(r#"{"ename":"a",}"#.to_owned(), 400, "malformed")]
#[case::two_objects(r#"{"ename":"a"}{"ename":"b"}"#.to_owned(), 400, "malformed")]
#[case::a_byte_order_mark("\u{feff}{\"ename\":\"a\"}".to_owned(), 400, "malformed")]
#[case::a_comment(r#"{"ename":"a"/**/}"#.to_owned(), 400, "malformed")]
#[case::one_quote(r#"{"ename":'a'}"#.to_owned(), 400, "malformed")]
#[tokio::test]
async fn a_nasty_event_is_refused(#[case] body: String, #[case] status: u16, #[case] reason: &str) {
    let tested = edge("");
    assert_eq!(tested.post("/tr/v1/tr/", &body).await.error(), (status, reason.to_owned()));
    assert_eq!(tested.edge.collector.books.counted(), [("refused", reason_tag(reason), 1)]);
    assert_eq!(kept(&tested), 0);
}

fn reason_tag(tag: &str) -> &'static str {
    crate::reason::of(tag).unwrap().tag
}

#[rstest]
#[case::not_utf8(b"{\"ename\":\"\xff\"}", "invalid_utf8")]
#[case::utf16(b"\xff\xfe{\0\"\0", "invalid_utf8")]
#[case::overlong(b"{\"ename\":\"\xc0\x80\"}", "invalid_utf8")]
#[case::a_surrogate_in_utf8(b"{\"ename\":\"\xed\xa0\x80\"}", "invalid_utf8")]
#[tokio::test]
async fn bytes_that_are_no_text_are_refused(#[case] body: &[u8], #[case] reason: &str) {
    let tested = edge("");
    assert_eq!(tested.post("/tr/v1/tr/", body).await.error(), (400, reason.to_owned()));
}

#[tokio::test]
async fn of_a_key_that_is_there_twice_the_last_counts() {
    let tested = edge("");
    let body = r#"{"ename":"first","ename":"last","x":1,"X":2}"#;
    assert_eq!(tested.post("/tr/v1/tr/", body).await.status, 200);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(event.fact.ename.as_deref(), Some("last"));
    assert_eq!(event.fact.params.unwrap().0, r#"{"x":2}"#);
}

#[tokio::test]
async fn ten_thousand_keys_are_kept_and_take_no_time() {
    let tested = edge("");
    let keys: Vec<String> = (0..10_000).map(|number| format!("\"k{number}\":{number}")).collect();
    assert_eq!(
        tested.post("/tr/v1/tr/", format!("{{\"ename\":\"a\",{}}}", keys.join(","))).await.status,
        200
    );
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    let params: serde_json::Value = serde_json::from_str(&event.fact.params.unwrap().0).unwrap();
    assert_eq!(params.as_object().unwrap().len(), 10_000);
}

/// Under such a key, an object of a script answers for all others.
#[tokio::test]
async fn a_key_that_means_something_to_a_script_is_a_key() {
    let tested = edge("");
    let body = r#"{"ename":"a","__proto__":{"x":1},"constructor":2}"#;
    assert_eq!(tested.post("/tr/v1/tr/", body).await.status, 200);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(event.fact.params.unwrap().0, r#"{"__proto__":{"x":1},"constructor":2}"#);
}

#[rstest]
#[case::block(b"\xff\xff\xff\x7f\x10x".to_vec(), "lz4")]
#[case::frame(b"\x04\x22\x4d\x18\x6c\x70\xff\xff\xff\x7f\0\0\0\0\x00".to_vec(), "lz4")]
#[case::zstd(b"\x28\xb5\x2f\xfd\xa0\xff\xff\xff\x7f".to_vec(), "zstd")]
#[case::gzip(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\xff\xff".to_vec(), "gzip")]
#[tokio::test]
async fn a_body_that_announces_2_gb_is_refused_by_what_it_holds(
    #[case] body: Vec<u8>,
    #[case] encoding: &str,
) {
    let tested = edge("");
    let said =
        tested.ask(request("POST", "/tr/v1/tr/").header("content-encoding", encoding).body(body)).await;
    assert!([400, 413].contains(&said.status), "{} {}", said.status, said.body);
    assert_eq!(tested.edge.collector.budget.held(), 0);
}

#[tokio::test]
async fn a_length_of_2_gb_is_refused_at_its_announcement() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 2147483648\r\n\r\n{")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("body_too_large"), "{said}");
    assert_eq!(tested.edge.collector.budget.held(), 0);
}

#[rstest]
#[case::a_cookie_header_as_long_as_a_head(times(16_000, "a"), 200)]
#[case::ten_thousand_cookies(times(10_000, "a=b;"), 200)]
#[case::a_long_id(format!("vid={}", times(16_000, "f")), 200)]
#[case::a_consent_that_nests(format!("CookieConsent={{{}", times(8_000, "{necessary:true,")), 200)]
#[case::half_an_escape("CookieConsent=%7Bnecessary:true%".to_owned(), 200)]
#[tokio::test]
async fn oversized_cookies_spoil_no_event(#[case] cookie: String, #[case] status: u16) {
    let tested = edge("");
    let asked = request("POST", "/tr/v1/tr/").header("cookie", cookie).body(r#"{"ename":"a"}"#);
    assert_eq!(tested.ask(asked).await.status, status);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert_eq!(event.fact.params, None);
}

/// What is sent must not become a line of the answer.
#[rstest]
#[case::in_a_value("/tr/v1/tr/ename/a%0d%0aset-cookie:x=y/vid/a%0d%0ab")]
#[case::in_a_query("/tr/v1/tr/?ename=a&vid=x%0d%0aLocation:%20https://evil.example&source=%0a")]
#[case::in_an_image("/tr/v1/img/ename/a/vid/%0d%0a")]
#[tokio::test]
async fn a_line_break_that_was_sent_is_no_line_of_the_answer(#[case] path: &str) {
    let tested = edge("");
    let asked = request("GET", path).header("host", "a.example").header("origin", "https://a.example");
    let said = tested.ask(asked).await;
    assert_eq!(said.status, 200, "{}", said.body);
    let one_line = |value: &HeaderValue| !value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    assert!(said.headers.values().all(one_line), "{:?}", said.headers);
    assert!(!said.headers.contains_key("location"));
}

#[rstest]
#[case::a_list_that_never_ends(times(5_000, "10.0.0.1,"))]
#[case::no_address("' OR 1=1 --".to_owned())]
#[case::octal("0177.0.0.1".to_owned())]
#[case::a_zone("fe80::1%eth0".to_owned())]
#[case::a_port_beyond_all("203.0.113.9:99999".to_owned())]
#[tokio::test]
async fn a_forwarded_address_that_is_none_is_not_taken(#[case] forwarded: String) {
    let tested = edge("trusted_proxies = [\"192.0.2.0/24\", \"10.0.0.0/8\"]");
    let asked = request("GET", "/tr/v1/tr/ename/a").header("x-forwarded-for", forwarded);
    assert_eq!(tested.ask(asked).await.status, 200);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    assert!(["192.0.2.1", "10.0.0.1"].contains(&event.ip.as_deref().unwrap()), "{:?}", event.ip);
}
