//! The cookies `vid` and `sid`: who gets them, for which domain, and that the stored event bears the same ids.

use super::{CONSENT, Mark, strict};
use crate::rig::{Answer, Site, post, run, shared};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

const CALIFORNIA: &str = "8.8.8.31";
const LONDON: &str = "81.2.69.31";

pub fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
}

/// The id that an answer sets.
fn id(answer: &Answer, name: &str) -> String {
    let mut pairs =
        cookies(answer).into_iter().filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    let found = pairs.find_map(|(key, value)| (key == name).then_some(value));
    found.unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers)).to_owned()
}

/// What stands behind the id, of both the same.
fn attributes(answer: &Answer) -> [String; 2] {
    ["vid", "sid"].map(|name| {
        let cookie = cookies(answer).into_iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
        cookie.unwrap_or_default().split_once("; ").unwrap_or_default().1.to_owned()
    })
}

/// A browser on a page of `host`, as the proxy in front of the edge tells of it.
fn browser(site: &Site, method: Method, path: &str, host: &str) -> RequestBuilder {
    let request = site.request(method, path).header("x-forwarded-for", CALIFORNIA);
    request.header("x-forwarded-host", host).header("x-forwarded-proto", "https")
}

fn view(mark: &Mark<'_>, eid: Uuid, cflags: u64) -> String {
    json!({ "eid": eid, "ename": mark.name, "cflags": cflags }).to_string()
}

fn ids(row: &Value) -> (String, String) {
    let text = |column: &str| row[column].as_str().unwrap_or_default().to_owned();
    (text("vid"), text("sid"))
}

/// The predecessor stored a zero id here, while the cookie carried another.
#[test]
fn a_new_visitors_first_event_is_stored_under_the_ids_that_its_cookies_carry() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        for (host, domain) in
            [("www.shop.example.com", "example.com"), ("news.example.co.uk:8443", "example.co.uk")]
        {
            let [posted, image] = [Uuid::now_v7(), Uuid::now_v7()];
            let first = browser(site, Method::POST, "/tr/v1/tr/", host).body(view(&mark, posted, CONSENT));
            let first = post(first).await;
            assert_eq!((first.status.as_u16(), first.text().as_str()), (200, ""));
            assert_eq!(
                attributes(&first),
                [34_560_000, 1800]
                    .map(|age| format!("Path=/; Max-Age={age}; SameSite=Lax; Secure; Domain={domain}"))
            );
            assert_eq!(first.header("cache-control"), "no-store");
            let given = (id(&first, "vid"), id(&first, "sid"));
            assert_eq!(ids(&site.event(&posted.to_string()).await), given, "{host}");

            // The next one brings them, is the same visitor's, and renews them.
            let path = format!("/tr/v1/img/ename/{}/eid/{image}?cflags={CONSENT}", mark.name);
            let brought = format!("vid={}; sid={}", given.0, given.1);
            let next = post(browser(site, Method::GET, &path, host).header("cookie", brought)).await;
            assert_eq!(next.header("content-type"), "image/gif");
            assert_eq!(cookies(&next), cookies(&first));
            assert_eq!(ids(&site.event(&image.to_string()).await), given, "{host}");
        }
    });
}

#[test]
fn all_events_of_one_request_are_one_new_visitors() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let eids = [(); 3].map(|()| Uuid::now_v7());
        let events: Vec<String> = eids.iter().map(|eid| view(&mark, *eid, CONSENT)).collect();
        let request = browser(site, Method::POST, "/tr/v1/tr/", "example.com");
        let answer = post(request.body(format!("[{}]", events.join(",")))).await;
        for eid in eids {
            assert_eq!(ids(&site.event(&eid.to_string()).await), (id(&answer, "vid"), id(&answer, "sid")));
        }
    });
}

#[test]
fn an_id_that_the_page_gives_is_the_one_that_the_cookie_keeps() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let [eid, of_the_page, of_the_cookie] = [Uuid::now_v7(), Uuid::new_v4(), Uuid::new_v4()];
        let body = json!({ "eid": eid, "ename": mark.name, "cflags": CONSENT, "vid": of_the_page });
        let request = browser(site, Method::POST, "/tr/v1/tr/", "example.com");
        let answer =
            post(request.header("cookie", format!("vid={of_the_cookie}")).body(body.to_string())).await;
        assert_eq!(id(&answer, "vid"), of_the_page.to_string());
        assert_eq!(site.event(&eid.to_string()).await["vid"], of_the_page.to_string());

        // A text that is no UUID names one: the cookie has the one that is stored.
        let eid = Uuid::now_v7();
        let body =
            json!({ "eid": eid, "ename": mark.name, "cflags": CONSENT, "vid": "ann\r\nSet-Cookie: a=b" });
        let answer =
            post(browser(site, Method::POST, "/tr/v1/tr/", "example.com").body(body.to_string())).await;
        assert_eq!(cookies(&answer).len(), 2);
        assert_eq!(site.event(&eid.to_string()).await["vid"], id(&answer, "vid"));
    });
}

#[test]
fn without_consent_there_is_neither_a_cookie_nor_an_id() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let nobody = (Uuid::nil().to_string(), Uuid::nil().to_string());
        let known = Uuid::new_v4();
        type Case<'a> = (&'a str, Option<u64>, Option<&'a str>, &'a [&'a str]);
        let cases: [Case<'_>; 6] = [
            (CALIFORNIA, None, None, &["vid", "sid"]),
            (LONDON, None, None, &[]),
            (LONDON, None, Some("CookieConsent=1025"), &["vid", "sid"]),
            (CALIFORNIA, None, Some("CookieConsent=0"), &[]),
            (CALIFORNIA, Some(1), None, &[]),
            (CALIFORNIA, Some(4097), None, &[]),
        ];
        for (address, cflags, cookie, given) in cases {
            let eid = Uuid::now_v7();
            let body = json!({ "eid": eid, "ename": mark.name, "cflags": cflags });
            let request = site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", address);
            let request =
                cookie.into_iter().fold(request, |request, cookie| request.header("cookie", cookie));
            let answer = post(request.body(body.to_string())).await;
            let what = format!("from {address}, cflags {cflags:?}, cookie {cookie:?}");
            assert_eq!(cookies(&answer).len(), given.len(), "{what}: {:?}", answer.headers);
            assert_eq!(ids(&site.event(&eid.to_string()).await) == nobody, given.is_empty(), "{what}");
        }
        // A default renews nothing that is there; a refusal takes it back.
        let brought = |more: &str| {
            let request = site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", LONDON);
            request
                .header("cookie", format!("vid={known}{more}"))
                .body(json!({ "ename": mark.name }).to_string())
        };
        assert!(cookies(&post(brought("")).await).is_empty());
        let gone = post(brought("; CookieConsent=1")).await;
        assert_eq!(cookies(&gone), ["vid=; Path=/; Max-Age=0; SameSite=Lax"]);
    });
}

#[test]
fn a_host_that_is_no_domain_gets_cookies_of_its_own_and_nothing_of_it_gets_into_a_header() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        for host in
            ["localhost:3000", "192.0.2.7", "[2001:db8::7]:8443", "co.uk", "a.example.com; Domain=b.example"]
        {
            let request = browser(site, Method::POST, "/tr/v1/tr/", host);
            let answer = post(request.body(view(&mark, Uuid::now_v7(), CONSENT))).await;
            assert_eq!(attributes(&answer)[1], "Path=/; Max-Age=1800; SameSite=Lax; Secure", "{host}");
        }
        // Whoever is no trusted proxy says nothing of the host, nor that the visitor's connection is secure.
        let plain = site.request(Method::POST, "/tr/v1/tr/").header("host", "a.example.com");
        let answer = post(plain.body(view(&mark, Uuid::now_v7(), CONSENT))).await;
        assert_eq!(attributes(&answer)[1], "Path=/; Max-Age=1800; SameSite=Lax; Domain=example.com");
    });
}

#[test]
fn a_script_of_another_origin_gets_cookies_only_where_the_settings_name_it() {
    run(async {
        let (open, listed) = (shared().await, strict().await);
        for (site, origin, from, expected) in [
            (open, "https://shop.example", "same-site", 0),
            (open, "https://t.shop.example", "same-origin", 2),
            (listed, "https://shop.example", "same-site", 2),
            (listed, "https://shop.example", "cross-site", 0),
            (listed, "https://other.example", "same-site", 0),
        ] {
            let mark = Mark::on(site);
            let request = browser(site, Method::POST, "/tr/v1/tr/", "t.shop.example");
            let request = request.header("origin", origin).header("sec-fetch-site", from);
            let request = request.header("x-forwarded-for", format!("198.51.100.{}", expected + 60));
            let answer = post(request.body(view(&mark, Uuid::now_v7(), CONSENT))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(cookies(&answer).len(), expected, "{origin} {from}: {:?}", answer.headers);
        }
    });
}
