use super::*;
use proptest::prelude::*;
use rstest::rstest;

const COMBINED: &str = r#"81.2.69.160 - - [02/Nov/2026:09:15:00 +0100] "GET /a?b=1 HTTP/1.1" 200 512 "https://www.bing.com/" "Mozilla/5.0""#;
const COMMON: &str = r#"2001:db8::1 - anna [02/Nov/2026:09:15:00 +0000] "POST /a HTTP/2.0" 302 -"#;

#[test]
fn a_combined_line_says_everything() {
    let visit = parse(COMBINED).unwrap();
    assert_eq!(visit.ip, Some("81.2.69.160".parse().unwrap()));
    assert_eq!(visit.at.to_string(), "2026-11-02T08:15:00.000Z");
    assert_eq!((visit.method.as_str(), visit.target.as_str(), visit.status), ("GET", "/a?b=1", 200));
    assert_eq!((visit.bytes, visit.user), (Some(512), None));
    assert_eq!(visit.referer.as_deref(), Some("https://www.bing.com/"));
    assert_eq!(visit.user_agent.as_deref(), Some("Mozilla/5.0"));
}

#[test]
fn a_common_line_has_neither_referer_nor_agent() {
    let visit = parse(COMMON).unwrap();
    assert_eq!(visit.ip, Some("2001:db8::1".parse().unwrap()));
    assert_eq!((visit.user, visit.bytes, visit.status), (Some("anna"), None, 302));
    assert_eq!((visit.referer, visit.user_agent), (None, None));
}

#[rstest]
#[case("shop.example.com:443", "https://shop.example.com/a?b=1")]
#[case("shop.example.com:80", "http://shop.example.com/a?b=1")]
#[case("shop.example.com:8443", "http://shop.example.com:8443/a?b=1")]
#[case("shop.example.com", "https://shop.example.com/a?b=1")]
fn the_virtual_host_is_the_site(#[case] vhost: &str, #[case] url: &str) {
    let line = format!("{vhost} {COMBINED}");
    let visit = parse(&line).unwrap();
    assert_eq!(visit.vhost, Some(vhost));
    assert_eq!(visit.url(Some("https://other.example")), Ok(url.to_owned()));
}

#[rstest]
#[case(Some("https://x.example/"), Ok("https://x.example/a?b=1".to_owned()))]
#[case(Some("x.example"), Ok("https://x.example/a?b=1".to_owned()))]
#[case(None, Err(("no_site", "the line names no virtual host: give --site")))]
fn a_line_without_a_virtual_host_needs_a_site(
    #[case] site: Option<&str>,
    #[case] url: Result<String, Broken>,
) {
    assert_eq!(parse(COMBINED).unwrap().url(site), url);
}

#[test]
fn a_whole_url_in_the_request_is_the_page() {
    let line = COMBINED.replace("GET /a?b=1", "GET http://y.example/z");
    assert_eq!(parse(&line).unwrap().url(None).unwrap(), "http://y.example/z");
}

#[test]
fn escapes_are_undone() {
    let line = COMBINED.replace("Mozilla/5.0", r#"a\"b\\c\x41\xc3\xbc\t"#);
    assert_eq!(parse(&line).unwrap().user_agent.as_deref(), Some("a\"b\\cAü\t"));
}

#[test]
fn a_user_with_spaces_and_a_client_with_a_name_are_read() {
    let line = COMMON.replace("2001:db8::1 - anna", "host.example.net - anna maria");
    let visit = parse(&line).unwrap();
    assert_eq!((visit.ip, visit.vhost), (None, None));
    let line = COMMON.replace("- anna", "- anna maria");
    assert_eq!(parse(&line).unwrap().user, Some("- anna maria".trim_start_matches("- ")));
}

#[rstest]
#[case::empty("", "no_time")]
#[case::words("hello", "no_time")]
#[case::open_time("1.2.3.4 - - [02/Nov/2026", "no_time")]
#[case::wrong_time(r#"1.2.3.4 - - [2026-11-02 09:15] "GET / HTTP/1.1" 200 1"#, "no_time")]
#[case::no_client(r#"x [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1" 200 1"#, "no_client")]
#[case::no_request(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] GET / 200 1"#, "no_request")]
#[case::open_quote(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1"#, "no_request")]
#[case::dash(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "-" 408 0"#, "no_request")]
#[case::tls(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "\x16\x03\x01\x02" 400 157"#, "no_request")]
#[case::cut_escape(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "\x1"#, "no_request")]
#[case::star(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "OPTIONS * HTTP/1.1" 200 1"#, "no_request")]
#[case::no_status(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1""#, "no_status")]
#[case::wrong_status(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1" 999 1"#, "no_status")]
#[case::wrong_size(r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1" 200 many"#, "no_size")]
fn a_broken_line_says_what_is_missing(#[case] line: &str, #[case] reason: &str) {
    assert_eq!(parse(line).unwrap_err().0, reason);
}

#[test]
fn the_same_line_is_the_same_event_and_its_place_matters() {
    let event = |number, site| parse(COMBINED).unwrap().event(COMBINED, number, Some(site)).unwrap();
    assert_eq!(event(1, "a.example"), event(1, "a.example"));
    assert_ne!(event(1, "a.example")["eid"], event(2, "a.example")["eid"]);
    assert_ne!(event(1, "a.example")["eid"], event(1, "b.example")["eid"]);
}

#[test]
fn the_event_says_what_the_line_says() {
    let event = parse(COMMON).unwrap().event(COMMON, 1, Some("x.example")).unwrap();
    let mut keys: Vec<_> = event.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["created_at", "eid", "ename", "etyp", "ip", "params", "uname", "url"]);
    let params = json!({ "method": "POST", "status": 302, "protocol": "HTTP/2.0" });
    assert_eq!((&event["params"], &event["uname"]), (&params, &json!("anna")));
}

proptest! {
    #[test]
    fn any_text_is_a_visit_or_broken(line in "\\PC{0,200}") {
        if let Ok(visit) = parse(&line) { prop_assert!(visit.status >= 100); }
    }

    #[test]
    fn a_damaged_line_is_a_visit_or_broken(place in 0..COMBINED.len(), with in "[\\\\\"x \\[\\]é]{0,3}") {
        let line = format!("{}{with}{}", &COMBINED[..place], &COMBINED[place..]);
        match parse(&line) {
            Ok(visit) => prop_assert!(!visit.target.is_empty()),
            Err((reason, words)) => prop_assert!(!reason.is_empty() && !words.is_empty()),
        }
    }
}
