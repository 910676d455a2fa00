//! The cookies of an answer, and the events that it is about.

use super::*;
use crate::http::testing::Said;
use http::header::SET_COOKIE;
use uuid::Uuid;

const PROXIED: &str = "trusted_proxies = [\"192.0.2.0/24\"]\n";
const ALLOWED: &str = r#"{"ename":"view","cflags":1025}"#;

/// With the small files of the tests: 8.8.8.8 is in California, 81.2.69.7 in London.
pub(super) fn located(settings: &str) -> Tested {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../geo/fixtures/city-ipv4.mmdb");
    edge(&format!("{PROXIED}geoip_city = [{file:?}]\n{settings}"))
}

fn cookies(said: &Said) -> Vec<&str> {
    said.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

/// The id that a cookie of the answer sets.
fn set(said: &Said, name: &str) -> Option<Uuid> {
    let mut pairs = cookies(said).into_iter().filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse().ok())
}

fn facts(tested: &Tested) -> Vec<(Option<Uuid>, Option<Uuid>)> {
    tested.events.records::<Event>().into_iter().map(|event| (event.fact.vid, event.fact.sid)).collect()
}

#[rstest]
#[case::posted(request("POST", "/tr/v1/tr/").body(ALLOWED))]
#[case::in_the_address(request("GET", "/tr/v1/tr/ename/view?cflags=1025"))]
#[case::head(request("HEAD", "/tr/v1/tr/ename/view?cflags=1025"))]
#[case::image(request("GET", "/tr/v1/img/ename/view?cflags=1025"))]
#[case::several(request("POST", "/tr/v1/tr/").body(format!("[{ALLOWED},{ALLOWED}]")))]
#[tokio::test]
async fn an_event_is_kept_under_the_very_ids_that_the_answer_sets(#[case] asked: RequestBuilder) {
    let tested = edge("");
    let said = tested.ask(asked).await;
    let ids = (set(&said, "vid"), set(&said, "sid"));
    assert!(ids.0.is_some() && ids.1.is_some(), "{:?}", said.headers);
    assert!(facts(&tested).iter().all(|kept| *kept == ids), "{:?}", facts(&tested));
    assert_eq!(said.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_next_event_comes_with_the_cookies_and_is_the_same_visitors() {
    let tested = edge("");
    let first = tested.post("/tr/v1/tr/", ALLOWED).await;
    let brought = format!("vid={}; sid={}", set(&first, "vid").unwrap(), set(&first, "sid").unwrap());
    let next = tested.ask(request("POST", "/tr/v1/tr/").header("cookie", brought).body(ALLOWED)).await;
    assert_eq!(cookies(&next), cookies(&first));
    let [one, other] = facts(&tested).try_into().unwrap();
    assert_eq!(one, other);
}

#[rstest]
#[case::refused("POST", "/tr/v1/tr/", r#"{"cflags":1025}"#)]
#[case::without_consent("POST", "/tr/v1/tr/", r#"{"ename":"view"}"#)]
#[case::denied("POST", "/tr/v1/tr/", r#"{"ename":"view","cflags":1}"#)]
#[case::refused_image("GET", "/tr/v1/img/?cflags=1025", "")]
#[tokio::test]
async fn without_an_event_or_consent_nothing_is_set(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: &str,
) {
    let tested = edge("");
    let said = tested.ask(request(method, path).body(body)).await;
    assert!(cookies(&said).is_empty(), "{:?}", said.headers);
    assert!(facts(&tested).iter().all(|ids| *ids == (None, None)));
}

#[tokio::test]
async fn a_server_is_no_visitor() {
    let tested = edge("");
    let said = tested.ask(server("POST", "/tr/v1/str/").body(ALLOWED)).await;
    assert!(said.status == 200 && cookies(&said).is_empty());
    assert_eq!(facts(&tested), [(None, None)]);
}

#[rstest]
#[case::california("8.8.8.8", &[], 2)]
#[case::london("81.2.69.7", &[], 0)]
#[case::nowhere("127.0.0.1", &[], 0)]
#[case::the_banner_allowed("81.2.69.7", &[("cookie", "CookieConsent=1025")], 2)]
#[case::the_banner_refused("8.8.8.8", &[("cookie", "CookieConsent=0")], 0)]
#[case::global_privacy_control("8.8.8.8", &[("sec-gpc", "1")], 2)]
#[tokio::test]
async fn consent_is_a_signals_else_the_countrys(
    #[case] address: &str,
    #[case] headers: &[(&str, &str)],
    #[case] set: usize,
) {
    let tested = located("");
    let asked = request("POST", "/tr/v1/tr/").header("x-forwarded-for", address).body(r#"{"ename":"view"}"#);
    let said =
        tested.ask(headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value))).await;
    assert_eq!(cookies(&said).len(), set, "{:?}", said.headers);
    assert_eq!(facts(&tested)[0].0.is_some(), set > 0);
}

#[tokio::test]
async fn whoever_withdraws_consent_loses_the_cookies() {
    let tested = edge("");
    let id = Uuid::from_u128(1);
    let asked = request("POST", "/tr/v1/tr/").header("cookie", format!("a=b; vid={id}; CookieConsent=0"));
    let said = tested.ask(asked.body(r#"{"ename":"view"}"#)).await;
    assert_eq!(cookies(&said), ["vid=; Path=/; Max-Age=0; SameSite=Lax"]);
}

#[rstest]
#[case::plain("", &[("host", "www.shop.example.com:8080")], "SameSite=Lax; Domain=example.com")]
#[case::proxy(PROXIED, &[("x-forwarded-host", "shop.co.uk"), ("x-forwarded-proto", "https")], "SameSite=Lax; Secure; Domain=shop.co.uk")]
#[case::stranger("", &[("host", "a.example.com"), ("x-forwarded-host", "b.example.net"), ("x-forwarded-proto", "https")], "SameSite=Lax; Domain=example.com")]
#[case::standard("trusted_proxies = [\"192.0.2.1\"]\nclient_ip_header = \"forwarded\"", &[("forwarded", "for=8.8.8.8;proto=https;host=a.example.org")], "SameSite=Lax; Secure; Domain=example.org")]
#[case::address("", &[("host", "192.0.2.80:8080")], "SameSite=Lax")]
#[case::injected(PROXIED, &[("x-forwarded-host", "a.example.com; Domain=evil.example")], "SameSite=Lax")]
#[case::for_other_sites("cookie_same_site = \"none\"", &[("host", "t.example.com")], "SameSite=None; Secure; Domain=example.com")]
#[tokio::test]
async fn a_cookie_is_for_the_registered_domain_and_secure_where_the_visitor_is(
    #[case] settings: &str,
    #[case] headers: &[(&str, &str)],
    #[case] end: &str,
) {
    let asked = request("POST", "/tr/v1/tr/").body(ALLOWED);
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    let said = edge(settings).ask(asked).await;
    for cookie in cookies(&said) {
        let (_, attributes) = cookie.split_once("SameSite").unwrap();
        assert_eq!(format!("SameSite{attributes}"), end);
    }
    assert_eq!(cookies(&said).len(), 2);
}

#[tokio::test]
async fn a_script_of_another_origin_gets_cookies_only_where_it_may_send_them() {
    let asked = || {
        let asked = request("POST", "/tr/v1/tr/").header("host", "t.example.com").body(ALLOWED);
        asked.header("origin", "https://www.example.com").header("sec-fetch-site", "same-site")
    };
    let open = edge("");
    assert!(cookies(&open.ask(asked()).await).is_empty(), "`*` is without credentials");
    assert_eq!(facts(&open), [(None, None)], "an id that no cookie keeps is a visitor that never comes back");
    let listed = edge("allowed_origins = [\"https://www.example.com\"]").ask(asked()).await;
    assert_eq!(cookies(&listed).len(), 2);
    assert_eq!(listed.header("access-control-allow-credentials"), "true");
}
