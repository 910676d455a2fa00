//! No key and no password is ever in a log line, however much is logged and wherever a client shows them. What this test
//! sends, the rig looks for, as it does after every test: see `rig::hush`.

use crate::rig::{Program, Site, hush, post, run, until};
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::client_async;

const WRONG: [&str; 2] = ["tk_wrong-and-still-nobodys-business", "tw_wrong-likewise"];
const RIGHT_OR_NOT: &str =
    r#"{"ename":"hush","revenue":1,"urlfrom":"https://hush.example/here","urlto":"https://a.example/"}"#;

/// Shows a key in every place of a request that may have one, and in some that may not.
async fn show_key(site: &Site, key: &str) {
    let event = json!({ "ename": "hush", "k": key }).to_string();
    site.post("/tr/v1/tr/", event.clone()).await;
    site.post("/tr/v1/tr/", format!("[{event},{{")).await;
    for path in [
        "/tr/v1/tr/?ename=hush&k=KEY",
        "/tr/v1/tr/k/KEY/ename/hush",
        "/tr/v1/img/k/KEY/ename/hush",
        "/no/such/KEY?k=KEY",
        "/tr/v1/rdr/k/KEY?url=https://elsewhere.example/&k=KEY",
        "/tr/v1/xrdr/?url=https://elsewhere.example/?token=KEY&sig=KEY",
        "/here?k=KEY",
        "/tr/v1/rpi/redirects/KEY",
        "/tr/v1/ppi/agree?vid=KEY&k=KEY",
        "/tr/v1/ppi/geoip?ip=KEY",
    ] {
        let asked = site.request(Method::GET, &path.replace("KEY", key)).header("host", "hush.example");
        post(asked).await;
    }
    for (path, body) in [
        ("/capture", json!({ "event": "hush", "distinct_id": "d", "api_key": key })),
        ("/v1/track", json!({ "event": "hush", "writeKey": key })),
        ("/mp/collect?measurement_id=G-1&api_secret=KEY", json!({ "events": [{ "name": "hush" }] })),
        ("/api/event", json!({ "name": "hush", "domain": key })),
        ("/api/send", json!({ "payload": { "name": "hush", "website": key } })),
    ] {
        site.post(&path.replace("KEY", key), body.to_string()).await;
    }
    for path in [
        "/tr/v1/tr/",
        "/tr/v1/str/",
        "/tr/v1/ltv/",
        "/tr/v1/ppi/forget",
        "/tr/v1/ppi/agree",
        "/tr/v1/rpi/redirect",
    ] {
        let shown = site.request(Method::POST, path).bearer_auth(key).header("x-write-key", key);
        post(shown.body(RIGHT_OR_NOT)).await;
    }
    for path in ["/tr/v1/ws?k=KEY", "/tr/v1/ws/k/KEY"] {
        connect(site, &path.replace("KEY", key)).await;
    }
}

/// Shows a name and a password where accounts are shown, and where they are not.
async fn show_account(site: &Site, uid: &str, password: &str) {
    for form in
        ["/tr/v1/rpi/redirect/UID/PW", "/tr/v1/rpi/redirect", "/tr/v1/tr/uid/UID/password/PW/ename/hush"]
    {
        let path = form.replace("UID", uid).replace("PW", password);
        post(site.request(Method::POST, &path).basic_auth(uid, Some(password)).body(RIGHT_OR_NOT)).await;
    }
    for form in ["/tr/v1/rpi/redirects/UID/PW/hush.example", "/UID/PW", "/tr/v1/rpi/redirects/UID/PW/a/b"] {
        site.get(&form.replace("UID", uid).replace("PW", password)).await;
    }
    for form in ["/tr/v1/ws/account/UID/password/PW", "/tr/v1/ws?uid=UID&password=PW"] {
        connect(site, &form.replace("UID", uid).replace("PW", password)).await;
    }
}

/// A handshake, whatever is answered.
async fn connect(site: &Site, path: &str) {
    let _either = client_async(format!("ws://localhost{path}"), site.connect().await).await;
}

#[test]
fn no_key_and_no_password_is_in_any_log_after_every_kind_of_request() {
    run(async {
        let mut site = Site::start("hushed", &[("LOG__LEVEL", "debug")]).await;
        let make = |more: &[&str]| site.tracker(&[&["keys"], more].concat()).trim().to_owned();
        let (write, till) = (make(&["new", "--write"]), make(&["new", "--scope", "payments"]));
        let password = make(&["account", "--uid", "marketing"]);
        let mistyped = "correct-horse-mistyped";
        WRONG.iter().for_each(|key| hush::keep(key));
        hush::keep_account("marketing", mistyped);
        until("the new keys and the account are known", async || {
            let event = json!({ "ename": "hush", "k": write }).to_string();
            let links = site.request(Method::GET, "/tr/v1/rpi/redirects/hush.example");
            let known = post(links.basic_auth("marketing", Some(&password))).await.status == 200;
            (known && site.post("/tr/v1/tr/", event).await.status == 200).then_some(())
        })
        .await;
        for key in [&write, &till, &site.secret, WRONG[0], WRONG[1]] {
            show_key(&site, key).await;
        }
        for password in [&password, mistyped] {
            show_account(&site, "marketing", password).await;
        }
        post(site.request(Method::POST, "/tr/v1/ltv/").bearer_auth(&till).body(r#"{"revenue":1}"#)).await;
        site.row("SELECT eid FROM events WHERE ename = 'hush'").await;
        site.row("SELECT id FROM payments").await;
        site.row("SELECT address FROM redirects WHERE address = 'hush.example/here'").await;
        let stored = "SELECT count() AS n FROM events WHERE params LIKE '%tw\\_%' OR params LIKE '%tk\\_%'";
        assert_eq!(site.count(stored).await, 0, "nor is one stored");
        for program in [Program::Edge, Program::Enrich, Program::Load, Program::Payments] {
            site.stop(program).await;
            let log = std::fs::read_to_string(site.log(program)).unwrap();
            assert!(log.contains("DEBUG") || log.contains("INFO"), "{program:?} logs");
        }
    });
}
