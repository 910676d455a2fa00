//! Redirects and short links: nobody is sent where the rules do not lead, whatever the address, the host and the links say.

use super::{whole::UNLIMITED, *};
use crate::{
    http::testing::{SECRET, Said, Tested, edge, request},
    links::goal,
};
use http::HeaderValue;
use tracker_schemas::Redirect;
use url::form_urlencoded::byte_serialize;

/// What browsers read more kindly than checks do.
const TRICKS: &[&str] = &[
    "https://",
    "http://",
    "//",
    "\\\\",
    "/\\",
    "https:/",
    "https:",
    "HTTPS://",
    "javascript://",
    "data:",
    "@",
    "%40",
    "good.example",
    "www.good.example",
    "evil.test",
    ".evil.test",
    "evilgood.example",
    "good.example.",
    "good.example@",
    "[::1]",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "169.254.169.254",
    "localhost",
    ":80",
    ":8443",
    ":99999",
    "/",
    "?",
    "#",
    "?url=",
    "&sig=00",
    "\t",
    "\n",
    "\r\n",
    "\r\nLocation: https://evil.test/",
    "%0d%0a",
    "%00",
    "\0",
    " ",
    "\u{202e}",
    "\u{3002}",
    "\u{ff0f}",
    "\u{ff47}ood.example",
    "xn--",
    "/tr/v1/rdr/?url=https%3A%2F%2Fevil.test%2F",
    "/tr/v1/xrdr?URL=",
    "%",
    "..",
    "/../",
    ";",
];

fn tricky(most: usize) -> impl Strategy<Value = String> {
    vec(select(TRICKS), 0..most).prop_map(|tokens| tokens.concat())
}

/// A URL that begins as one that is let through.
fn goals() -> impl Strategy<Value = String> {
    prop_oneof![
        tricky(6),
        tricky(5).prop_map(|rest| format!("https://www.good.example{rest}")),
        tricky(5).prop_map(|rest| format!("https://{rest}.good.example/")),
        spoilt(vec![b"https://www.good.example/a?b=c#d".to_vec()])
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

/// The answer to a GET; nothing where that is no request at all.
fn get(runtime: &tokio::runtime::Runtime, tested: &Tested, host: &str, target: &str) -> Option<Said> {
    target.parse::<http::Uri>().ok()?;
    let host = HeaderValue::from_str(host).ok()?;
    let said = runtime.block_on(tested.ask(request("GET", target).header("host", host)));
    tested.forget();
    Some(said)
}

/// Where it leads, as a browser reads that; nothing where it leads nowhere.
fn leads_to(said: &Said) -> Result<Option<url::Url>, TestCaseError> {
    prop_assert!(
        [302, 400, 401, 403, 404, 405, 413, 431].contains(&said.status),
        "{} {}",
        said.status,
        said.body
    );
    let Some(location) = said.headers.get("location") else { return Ok(None) };
    prop_assert_eq!(said.status, 302);
    let location =
        location.to_str().map_err(|_| TestCaseError::fail("a Location of other letters than ASCII"))?;
    prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
    let base = url::Url::parse("https://tr.good.example/").unwrap();
    Ok(Some(base.join(location).map_err(|error| TestCaseError::fail(format!("{location}: {error}")))?))
}

#[test]
fn a_redirect_never_leaves_the_site_that_was_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(UNLIMITED);
    let forms = &["/tr/v1/rdr/", "/tr/v1/rdr", "/tr/v1/xrdr/", "/tr/v1/xrdr/ename/a/"][..];
    let rest = prop_oneof![
        Just(String::new()),
        "[a-z0-9&=%_.;+-]{0,30}",
        goals().prop_map(|url| format!("url={}", escaped(&url)))
    ];
    every((select(forms), goals(), any::<bool>(), rest), |(form, goal, is_escaped, rest)| {
        let url = if is_escaped { escaped(&goal) } else { goal };
        let Some(said) = get(&runtime, &tested, "tr.good.example", &format!("{form}?url={url}&{rest}"))
        else {
            return Ok(());
        };
        if let Some(led) = leads_to(&said)? {
            let host = led.host_str().unwrap_or_default();
            prop_assert!(host == "good.example" || host.ends_with(".good.example"), "{led}");
            prop_assert!(led.username().is_empty() && led.password().is_none(), "{led}");
        }
        Ok(())
    });
}

#[test]
fn a_host_that_lies_leads_to_nobody_elses_site() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(&format!("redirect_hosts = [\"good.example\", \"*.good.example\"]\n{UNLIMITED}"));
    every((tricky(4), goals()), |(host, goal)| {
        let target = format!("/tr/v1/rdr/?url={}", escaped(&goal));
        let Some(said) = get(&runtime, &tested, &host, &target) else { return Ok(()) };
        if let Some(led) = leads_to(&said)? {
            let host = led.host_str().unwrap_or_default();
            prop_assert!(host == "good.example" || host.ends_with(".good.example"), "{led}");
        }
        Ok(())
    });
}

#[test]
fn a_short_link_leads_where_it_was_made_to_or_nowhere() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(UNLIMITED);
    let links = [
        ("sho.example/a", "https://good.example/sale?x=y#z"),
        (
            "sho.example/mail",
            "https://tr.good.example/tr/v1/rdr/?url=https%3A%2F%2Fgood.example%2F&utm_source=m",
        ),
        ("sho.example/wrong", "javascript:alert(1)"),
        ("[::1]/ip", "https://good.example/ip"),
    ];
    for (address, urlto) in links {
        let (address, urlto) = (address.to_owned(), urlto.to_owned());
        let link = Redirect { urlfrom: format!("https://{address}"), address, urlto, ..Redirect::default() };
        tested.edge.redirects.links.table().put(&link);
    }
    let ends = ["https://good.example/sale?x=y#z", "https://good.example/", "https://good.example/ip"];
    let host =
        prop_oneof![3 => Just("Sho.Example:8443".to_owned()), 1 => Just("[::1]".to_owned()), 2 => tricky(3)];
    let path = (
        select(&["/a", "/A/", "/mail", "/wrong", "/ip", "/%61", "/x"][..]),
        prop_oneof![Just(String::new()), tricky(3)],
    );
    every((host, path, prop_oneof![tricky(3), "[a-z0-9&=%_]{0,20}"]), |(host, (path, more), query)| {
        let Some(said) = get(&runtime, &tested, &host, &format!("{path}{more}?{query}")) else {
            return Ok(());
        };
        if let Some(led) = leads_to(&said)? {
            prop_assert!(ends.contains(&led.as_str()), "{led}");
        }
        Ok(())
    });
}

#[test]
fn a_link_that_was_taken_leads_to_a_page_and_not_to_itself() {
    // Nobody follows the topic here: an answer waits for that in vain, in no time.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let tested = edge(UNLIMITED);
    let from = prop_oneof![tricky(4), tricky(3).prop_map(|rest| format!("https://sho.example/path{rest}"))];
    let right = br#"{"urlfrom":"https://sho.example/path","urlto":"https://good.example/","searchto":"a=b","org":"o"}"#;
    let written =
        (from, goals(), prop_oneof![Just(String::new()), tricky(3)]).prop_map(|(from, to, search)| {
            serde_json::json!({ "urlfrom": from, "urlto": to, "searchto": search }).to_string().into_bytes()
        });
    every(prop_oneof![written, spoilt(vec![right.to_vec()])], |body| {
        let asked =
            request("POST", "/tr/v1/rpi/redirect").header("authorization", format!("Bearer {SECRET}"));
        let said = runtime.block_on(tested.ask(asked.body(&body)));
        prop_assert!(said.status < 500, "{} {}", said.status, said.body);
        prop_assert_eq!(tested.edge.collector.budget.held(), 0);
        if said.status != 200 {
            let json = serde_json::from_str::<serde_json::Value>(&said.body).ok();
            let told = json.as_ref().and_then(|json| json["error"].as_str());
            let reason =
                told.or_else(|| said.body.split_once(": ").map(|(reason, _)| reason)).unwrap_or_default();
            prop_assert_eq!(
                reason::of(reason).map(|reason| reason.status),
                Some(said.status),
                "{}",
                said.body
            );
            return Ok(());
        }
        let made: Vec<Redirect> = tested.redirects.records();
        tested.forget();
        let made = made.last().unwrap();
        let target = crate::links::target::of_link(made);
        prop_assert!(target.is_some_and(|target| goal::parse(target.url.as_str()).is_some()), "{made:?}");
        prop_assert!(!made.address.contains(['\r', '\n', '\0']), "{made:?}");
        Ok(())
    });
}

fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
