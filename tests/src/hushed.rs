//! No key and no password is ever in a log line, however much is logged.

use crate::rig::{Program, Site, post, run, until};
use reqwest::Method;
use serde_json::json;

#[test]
fn no_key_is_in_any_log_after_every_kind_of_request() {
    run(async {
        let mut site = Site::start("hushed", &[("LOG__LEVEL", "debug")]).await;
        let make = |more: &[&str]| {
            let made = site.tracker(&[&["keys", "new"], more].concat());
            made.lines().last().unwrap_or_default().trim().to_owned()
        };
        let (write, till) = (make(&["--write"]), make(&["--scope", "payments"]));
        let (wrong, wrong_public) = ("tk_wrong-and-still-nobodys-business", "tw_wrong-likewise");
        let event = |key: &str| json!({ "ename": "hush", "k": key }).to_string();
        until("the new keys are known", async || {
            (site.post("/tr/v1/tr/", event(&write)).await.status == 200).then_some(())
        })
        .await;
        for key in [&write, wrong_public, &site.secret, wrong] {
            site.post("/tr/v1/tr/", event(key)).await;
            site.post("/tr/v1/tr/", format!("[{},{{", event(key))).await;
            site.get(&format!("/tr/v1/tr/?ename=hush&k={key}")).await;
            site.get(&format!("/tr/v1/tr/k/{key}/ename/hush")).await;
            site.get(&format!("/tr/v1/img/k/{key}/ename/hush")).await;
            site.get(&format!("/no/such/{key}?k={key}")).await;
            let capture = json!({ "event": "hush", "distinct_id": "d", "api_key": key }).to_string();
            site.post("/capture", capture).await;
            for path in ["/tr/v1/tr/", "/tr/v1/str/", "/tr/v1/ltv/", "/tr/v1/ppi/forget", "/tr/v1/ppi/agree"]
            {
                let shown = site.request(Method::POST, path).bearer_auth(key).header("x-write-key", key);
                post(shown.body(r#"{"ename":"hush","revenue":1}"#)).await;
            }
        }
        post(site.request(Method::POST, "/tr/v1/ltv/").bearer_auth(&till).body(r#"{"revenue":1}"#)).await;
        site.row("SELECT eid FROM events WHERE ename = 'hush'").await;
        site.row("SELECT id FROM payments").await;
        let stored = "SELECT count() AS n FROM events WHERE params LIKE '%tw\\_%' OR params LIKE '%tk\\_%'";
        assert_eq!(site.count(stored).await, 0, "nor is one stored");

        let secrets = [write.as_str(), &till, &site.secret, wrong, wrong_public].map(str::to_owned);
        let programs = [Program::Edge, Program::Enrich, Program::Load, Program::Payments];
        for program in programs {
            site.stop(program).await;
            let log = std::fs::read_to_string(site.log(program)).unwrap();
            assert!(log.contains("DEBUG") || log.contains("INFO"), "{program:?} logs");
            for secret in &secrets {
                let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret.as_str())).collect();
                assert!(lines.is_empty(), "{program:?}: {lines:?}");
            }
        }
    });
}
