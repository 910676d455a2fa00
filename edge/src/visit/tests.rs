use super::*;
use crate::{config::Origins, reason, request::Scheme};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;
use rstest::rstest;
use std::cell::Cell;
use tracker_geo::consent_defaults;
use tracker_schemas::consent::{ALL, NECESSARY};
use tracker_stream::config::Settings;

const NEW: u128 = 0xf0;

fn fact(change: impl FnOnce(&mut Fact)) -> Result<Event, Refusal> {
    let mut event = Event::default();
    change(&mut event.fact);
    Ok(event)
}

fn consenting(change: impl FnOnce(&mut Fact)) -> Result<Event, Refusal> {
    fact(|fact| {
        fact.cflags = Some(ALL);
        change(fact);
    })
}

fn id(number: u128) -> Option<Uuid> {
    Some(Uuid::from_u128(number))
}

/// Settles the events of a request from `country`, of a browser that brought both cookies or none.
fn settled(events: &mut [Result<Event, Refusal>], country: Option<&str>, brought: bool) -> Vec<String> {
    let defaults = consent_defaults(&Settings::merge("", "", std::iter::empty()).unwrap()).unwrap();
    let next = Cell::new(NEW);
    let visit = Visit {
        jar: Jar::of(Some("shop.example.com"), Scheme::Https, SameSite::Lax),
        brought: Brought { vid: brought, sid: brought },
        defaults: &defaults,
        country: &|| country.map(str::to_owned),
        new_id: &|| Uuid::from_u128(next.replace(next.get() + 1)),
    };
    let cookies = settle(events, &visit);
    cookies.iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

fn ids(event: &Result<Event, Refusal>) -> (Option<Uuid>, Option<Uuid>) {
    let fact = &event.as_ref().unwrap().fact;
    (fact.vid, fact.sid)
}

fn line(name: &str, id: u128, age: u32) -> String {
    let id = Uuid::from_u128(id);
    format!("{name}={id}; Path=/; Max-Age={age}; SameSite=Lax; Secure; Domain=example.com")
}

#[test]
fn a_new_visitors_first_event_carries_the_very_ids_that_its_cookies_set() {
    let mut events = [consenting(|_| {})];
    let cookies = settled(&mut events, None, false);
    assert_eq!(ids(&events[0]), (id(NEW), id(NEW + 1)));
    assert_eq!(cookies, [line("vid", NEW, 34_560_000), line("sid", NEW + 1, 1800)]);
}

#[test]
fn a_known_visitor_keeps_its_ids_and_both_cookies_are_renewed() {
    let mut events = [consenting(|fact| (fact.vid, fact.sid) = (id(1), id(2)))];
    assert_eq!(settled(&mut events, None, true), [line("vid", 1, 34_560_000), line("sid", 2, 1800)]);
    assert_eq!(ids(&events[0]), (id(1), id(2)));
}

#[test]
fn a_session_that_is_over_is_followed_by_a_new_one_of_the_same_visitor() {
    let mut events = [consenting(|fact| fact.vid = id(1))];
    assert_eq!(settled(&mut events, None, true)[1], line("sid", NEW, 1800));
    assert_eq!(ids(&events[0]), (id(1), id(NEW)));
}

#[test]
fn all_events_of_a_request_have_one_visitor_and_the_last_session_goes_on() {
    let refused = || Err(reason::MISSING_NAME.refuse("x"));
    let mut events = [consenting(|_| {}), refused(), consenting(|fact| fact.sid = id(2)), consenting(|_| {})];
    assert_eq!(settled(&mut events, None, false), [line("vid", NEW, 34_560_000), line("sid", 2, 1800)]);
    for event in [&events[0], &events[2], &events[3]] {
        assert_eq!(ids(event), (id(NEW), id(2)));
    }
}

#[test]
fn whoever_sends_for_several_visitors_is_none_of_them() {
    let mut events =
        [consenting(|fact| fact.vid = id(1)), consenting(|fact| fact.vid = id(2)), consenting(|_| {})];
    assert!(settled(&mut events, None, true).is_empty());
    assert_eq!(ids(&events[2]), (None, None), "nobody is guessed");
}

#[rstest]
#[case::all(Some(ALL), None, true)]
#[case::statistics(Some(1025), Some("DE"), true)]
#[case::marketing_alone(Some(4097), Some("US"), false)]
#[case::the_necessary(Some(NECESSARY), Some("US"), false)]
#[case::nothing(Some(0), Some("US"), false)]
#[case::no_signal_where_one_opts_in(None, Some("DE"), false)]
#[case::no_signal_elsewhere(None, Some("US"), true)]
#[case::no_signal_and_no_country(None, None, false)]
fn ids_and_cookies_are_given_with_consent_to_statistics_only(
    #[case] cflags: Option<i64>,
    #[case] country: Option<&str>,
    #[case] given: bool,
) {
    let mut events = [fact(|fact| fact.cflags = cflags)];
    assert_eq!(settled(&mut events, country, false).len(), if given { 2 } else { 0 });
    assert_eq!(ids(&events[0]).0.is_some(), given);
}

#[test]
fn an_objection_to_marketing_does_not_take_the_visitor() {
    let mut events = [consenting(|_| {})];
    events[0].as_mut().unwrap().opt_out = true;
    assert_eq!(settled(&mut events, None, false).len(), 2);
}

#[rstest]
#[case::the_word_beats_the_address(Some("US"), None, Some("DE"), true)]
#[case::the_time_zone_too(None, Some("Europe/Berlin"), Some("US"), false)]
fn the_country_is_the_one_that_enrichment_will_find(
    #[case] said: Option<&str>,
    #[case] zone: Option<&str>,
    #[case] found: Option<&str>,
    #[case] given: bool,
) {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let mut events = [fact(|fact| (fact.country, fact.tz) = (text(said), text(zone)))];
    assert_eq!(!settled(&mut events, found, false).is_empty(), given);
}

#[test]
fn a_refusal_takes_back_the_cookies_that_came_and_a_mere_default_lets_them_run_out() {
    let gone = |name: &str| format!("{name}=; Path=/; Max-Age=0; SameSite=Lax; Secure; Domain=example.com");
    let mut events = [fact(|fact| (fact.cflags, fact.vid) = (Some(NECESSARY), id(1)))];
    assert_eq!(settled(&mut events, None, true), [gone("vid"), gone("sid")]);
    assert!(settled(&mut events, None, false).is_empty(), "there is nothing to take back");
    let mut events = [fact(|fact| fact.vid = id(1))];
    assert!(settled(&mut events, Some("DE"), true).is_empty());
}

#[test]
fn one_event_without_consent_is_enough_for_none() {
    let mut events = [fact(|fact| fact.cflags = Some(NECESSARY)), consenting(|_| {})];
    assert!(settled(&mut events, None, true).is_empty());
    assert_eq!(ids(&events[1]), (None, None));
}

#[test]
fn a_request_of_which_nothing_is_taken_sets_no_cookie() {
    assert!(settled(&mut [Err(reason::MISSING_NAME.refuse("x"))], Some("US"), true).is_empty());
    assert!(settled(&mut [], Some("US"), true).is_empty());
}

#[rstest]
#[case("www.shop.example.com", Some("example.com"))]
#[case("Shop.Example.CO.UK:8080", Some("example.co.uk"))]
#[case("example.com", Some("example.com"))]
#[case("a.b.github.io", Some("b.github.io"))]
#[case("github.io", None)]
#[case("co.uk", None)]
#[case("xn--bcher-kva.example.com", Some("example.com"))]
#[case("localhost:8080", None)]
#[case("app.localhost", None)]
#[case("127.0.0.1:8080", None)]
#[case("127.1", None)]
#[case("[::1]:8080", None)]
#[case("edge", None)]
#[case("example.com.", None)]
#[case(".example.com", None)]
#[case("a..example.com", None)]
#[case("a;Domain=b.example.com", None)]
#[case("a b.example.com", None)]
#[case("", None)]
fn the_domain_of_a_cookie_is_what_somebody_has_registered(#[case] host: &str, #[case] domain: Option<&str>) {
    let line = Jar::of(Some(host), Scheme::Http, SameSite::Lax).session(Uuid::from_u128(1)).unwrap();
    let line = line.to_str().unwrap();
    let plain = "sid=00000000-0000-0000-0000-000000000001; Path=/; Max-Age=1800; SameSite=Lax";
    assert_eq!(line, domain.map_or(plain.to_owned(), |domain| format!("{plain}; Domain={domain}")));
}

proptest! {
    /// Whatever host a request claims, no attribute of its own making gets into the line.
    #[test]
    fn a_host_adds_nothing_to_a_cookie_but_a_domain_of_which_it_is_a_part(host in "(\\PC|[a-z0-9.;=\r\n -]){0,40}") {
        let line = Jar::of(Some(&host), Scheme::Https, SameSite::Lax).visitor(Uuid::from_u128(1)).unwrap();
        let line = line.to_str().unwrap();
        let plain = "vid=00000000-0000-0000-0000-000000000001; Path=/; Max-Age=34560000; SameSite=Lax; Secure";
        let rest = line.strip_prefix(plain).unwrap();
        if !rest.is_empty() {
            let domain = rest.strip_prefix("; Domain=").unwrap();
            prop_assert!(domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{domain}");
            prop_assert!(domain.contains('.') && host.to_lowercase().contains(domain), "{domain} of {host}");
        }
    }
}

#[rstest]
#[case(Scheme::Http, SameSite::Lax, "SameSite=Lax")]
#[case(Scheme::Https, SameSite::Lax, "SameSite=Lax; Secure")]
#[case(Scheme::Http, SameSite::None, "SameSite=None; Secure")]
#[case(Scheme::Https, SameSite::None, "SameSite=None; Secure")]
fn a_cookie_is_secure_over_tls_and_wherever_other_sites_bring_it(
    #[case] scheme: Scheme,
    #[case] same_site: SameSite,
    #[case] end: &str,
) {
    let line = Jar::of(None, scheme, same_site).session(Uuid::from_u128(1)).unwrap();
    assert!(line.to_str().unwrap().ends_with(end), "{line:?}");
}

const SITE: &str = "sec-fetch-site";
const MODE: (&str, &str) = ("sec-fetch-mode", "navigate");
const OPENED: (&str, &str) = ("sec-fetch-dest", "document");

#[rstest]
#[case::says_nothing(&[], true, true)]
#[case::own_page(&[(SITE, "same-origin"), ("origin", "https://t.example.com")], true, true)]
#[case::own_origin_of_an_old_browser(&[("origin", "https://t.example.com")], true, true)]
#[case::image_of_the_same_site(&[(SITE, "same-site")], true, true)]
#[case::script_of_the_same_site(&[(SITE, "same-site"), ("origin", "https://www.example.com")], true, false)]
#[case::script_of_another_port(&[(SITE, "same-site"), ("origin", "https://t.example.com:8443")], false, false)]
#[case::script_of_an_old_browser(&[("origin", "https://www.example.com")], true, false)]
#[case::image_of_another_site(&[(SITE, "cross-site")], false, false)]
#[case::script_of_another_site(&[(SITE, "cross-site"), ("origin", "https://www.other.example")], false, false)]
#[case::the_same_of_an_old_browser(&[("origin", "https://www.other.example")], false, false)]
#[case::link_of_another_site(&[(SITE, "cross-site"), MODE, OPENED], true, true)]
#[case::frame_in_another_site(&[(SITE, "cross-site"), MODE, ("sec-fetch-dest", "iframe")], false, false)]
#[case::typed_address(&[(SITE, "none"), MODE, OPENED], true, true)]
#[case::sandbox(&[("origin", "null")], false, false)]
fn a_cookie_is_set_where_a_browser_would_keep_it(
    #[case] headers: &[(&'static str, &str)],
    #[case] to_listed: bool,
    #[case] to_any: bool,
) {
    let asked: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
    let listed =
        ["https://www.example.com", "https://www.other.example"].map(|origin| origin.parse().unwrap());
    for (origins, expected) in [(Origins::Listed(listed.into()), to_listed), (Origins::Any, to_any)] {
        let keeps = would_keep(&asked, Some("t.example.com"), &origins, SameSite::Lax);
        assert_eq!(keeps, expected, "{origins:?}");
    }
}

#[test]
fn another_site_gets_cookies_where_they_are_made_for_that() {
    let origin = "https://www.other.example";
    let asked: HeaderMap = [
        (HeaderName::from_static(SITE), "cross-site".parse().unwrap()),
        (http::header::ORIGIN, origin.parse().unwrap()),
    ]
    .into_iter()
    .collect();
    let listed = Origins::Listed(vec![origin.parse().unwrap()]);
    assert!(would_keep(&asked, Some("t.example.com"), &listed, SameSite::None));
    assert!(!would_keep(&asked, Some("t.example.com"), &Origins::Any, SameSite::None));
}
