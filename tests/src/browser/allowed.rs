//! What the visitor and the site's own policy allow.

use super::{ALL, LISTEN, NO_MARKETING, Stage, column, inside};
use crate::rig::{Page, run, until};
use serde_json::{Value, json};
use uuid::Uuid;

/// The value of a cookie.
fn cookie(cookies: &str, name: &str) -> Option<String> {
    let mut named = cookies.split("; ").filter_map(|cookie| cookie.split_once('='));
    named.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}

/// Whatever a page could have left behind.
const STORED: &str = "return [document.cookie, localStorage.length, sessionStorage.length,
    (await indexedDB.databases()).length]";

#[test]
fn nothing_is_stored_before_consent_and_nothing_after_it_was_taken_back() {
    run(async {
        let stage = Stage::open().await;
        stage.put("/", "", "<button>Buy</button>");
        stage.put("/next", "", "");
        stage.goto("/?utm_source=news&gclid=g-1").await;
        stage.browser.click("button").await;
        stage.browser.comes("sent.some((one) => one.status === 200)").await;
        assert_eq!(stage.browser.run(STORED).await, json!(["", 0, 0, 0]));

        stage.browser.run(&format!("track.consent({ALL})")).await;
        stage.browser.run("track('allowed')").await;
        let cookies = stage.browser.cookies().await;
        let [vid, sid] = ["vid", "sid"].map(|name| cookie(&cookies, name).expect(&cookies));
        assert!(vid.parse::<Uuid>().is_ok() && sid.parse::<Uuid>().is_ok() && vid != sid, "{cookies}");
        assert_eq!(cookie(&cookies, "attribution").as_deref(), Some("source=news&gclid=g-1"));

        // The next page knows them, and so does another host of the site; what a banner stored is a signal.
        let banner = format!("document.cookie = 'CookieConsent={ALL}; domain=shop.test; path=/'");
        stage.browser.run(&banner).await;
        stage.goto("/next").await;
        let other = stage.at("/next").replace("www.", "help.");
        stage.browser.goto(&other).await;
        stage.browser.comes("window.sent && sent.some((one) => one.status === 200)").await;
        let there = stage.browser.cookies().await;
        assert_eq!(
            ["vid", "sid"].map(|name| cookie(&there, name).unwrap_or_default()),
            [vid.clone(), sid.clone()]
        );

        stage.browser.run("track.consent(1)").await;
        let banner = format!("CookieConsent={ALL}");
        assert_eq!(stage.browser.cookies().await, banner);
        stage.browser.run("track('denied')").await;
        assert_eq!(stage.browser.cookies().await, banner);
        let rows = stage.end().await;

        assert_eq!(column(&rows, "ename"), ["view", "click", "allowed", "view", "view", "denied", "end"]);
        let nil = Uuid::nil().to_string();
        let ids = |name: &str| column(&rows, name).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let known = |id: &String| [&nil, &nil, id, id, id, &nil, &nil].map(String::clone);
        assert_eq!((ids("vid"), ids("sid")), (known(&vid).to_vec(), known(&sid).to_vec()));
        let signals: Vec<_> = rows.iter().map(|row| row["cflags"].clone()).collect();
        let (none, all, denied) = (Value::Null, json!(ALL), json!(1));
        assert_eq!(signals, [&none, &none, &all, &all, &all, &denied, &denied].map(Value::clone));
        assert_eq!(column(&rows[2..5], "gclid"), ["g-1"; 3], "the next page has it from the cookie");
        let first: Vec<_> = rows[2..5].iter().map(|row| inside(row, "params")["first"].clone()).collect();
        assert_eq!(first, [json!(true), json!(false), json!(false)]);
        stage.close().await;
    });
}

#[test]
fn an_objection_of_the_browser_takes_marketing_away() {
    run(async {
        let stage = Stage::open().await;
        let objects =
            "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })";
        stage.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": objects })).await;
        stage.pages.put("/", stage.page("", &format!("{LISTEN};track.consent({ALL})"), ""));
        stage.goto("/?utm_source=news&gclid=g-1&aff=partner").await;
        let rows = stage.end().await;
        let signals: Vec<_> =
            rows.iter().map(|row| (row["cflags"].clone(), row["consent"].clone())).collect();
        assert_eq!(
            signals,
            [(json!(NO_MARKETING), json!(NO_MARKETING)), (json!(NO_MARKETING), json!(NO_MARKETING))]
        );
        assert_eq!(column(&rows, "source"), ["news"; 2]);
        assert_eq!((column(&rows, "gclid"), column(&rows, "aff")), (vec![""; 2], vec![""; 2]));
        let cookies = stage.browser.cookies().await;
        assert_eq!(cookie(&cookies, "attribution").as_deref(), Some("source=news"));
        stage.close().await;
    });
}

#[test]
fn a_strict_policy_of_the_site_has_nothing_to_object_to() {
    run(async {
        let stage = Stage::open().await;
        let told: Value =
            serde_json::from_str(&stage.site.tracker(&["script", "--json", "--edge", &stage.edge])).unwrap();
        let (integrity, edge) = (told["integrity"].as_str().unwrap(), &stage.edge);
        let policy = format!(
            "Content-Security-Policy: default-src 'none'; script-src 'nonce-n0nce' '{integrity}'; \
             connect-src {edge} {}; require-trusted-types-for 'script'; report-uri /reports\r\n",
            edge.replace("http:", "ws:")
        );
        let snippet = told["snippet"].as_str().unwrap();
        let snippet = snippet.replacen("<script>", "<script nonce=n0nce>", 1);
        let marked = format!("<script async data-field-app={} ", stage.mark);
        let snippet = snippet.replacen("<script async ", &marked, 1);
        assert!(snippet.contains("integrity=\"sha384-"), "{snippet}");
        let page = |more: &str| Page {
            headers: policy.clone(),
            html: format!("<!doctype html><title>Strict</title>{snippet}<button>Buy</button>{more}"),
        };
        stage.pages.put("/", page(""));
        stage.pages.put("/wrong", page("<script>document.title = 'let in'</script>"));
        stage.goto("/").await;
        stage.browser.click("button").await;
        stage.browser.run(&format!("track.consent({ALL})")).await;
        let rows = stage.end().await;
        assert_eq!(column(&rows, "ename"), ["view", "click", "end"]);
        assert_eq!(stage.pages.received("/reports"), [] as [String; 0]);

        // The same policy does report what it forbids.
        stage.goto("/wrong").await;
        until("a report", async || stage.pages.received("/reports").pop()).await;
        assert_eq!(stage.browser.run("return document.title").await, "Strict");
        stage.close().await;
    });
}
