//! Which scripts may read an answer.

use super::{Mark, PRIVATE, strict};
use crate::rig::{Answer, Site, post, run, shared};
use reqwest::Method;
use serde_json::json;

const SHOP: &str = "https://shop.example";

async fn preflight(site: &Site, path: &str, origin: &str) -> Answer {
    let asked = site.request(Method::OPTIONS, path).header("origin", origin);
    let asked = asked.header("access-control-request-method", "POST");
    post(asked.header("access-control-request-headers", "content-type,content-encoding")).await
}

fn opens(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control"))
}

#[test]
fn scripts_of_any_origin_may_send_unless_told_otherwise() {
    run(async {
        let site = shared().await;
        for (path, methods) in [
            ("/tr/v1/tr/", "POST, GET, HEAD, OPTIONS"),
            ("/tr/v1/tr/ename/a", "POST, GET, HEAD, OPTIONS"),
            ("/tr/v1/img/", "GET, OPTIONS"),
            ("/tr/v1/ppi/agree", "POST, GET, OPTIONS"),
        ] {
            let answer = preflight(site, path, SHOP).await;
            assert_eq!(answer.status, 204, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
            assert_eq!(answer.header("access-control-allow-methods"), methods);
            assert_eq!(
                answer.header("access-control-allow-headers"),
                "Content-Type, Content-Encoding, Authorization, User"
            );
            assert_eq!(answer.header("access-control-max-age"), "86400");
        }
        let refused = post(site.request(Method::POST, "/tr/v1/tr/").header("origin", SHOP).body("{}")).await;
        assert_eq!((refused.status.as_u16(), refused.header("access-control-allow-origin")), (400, "*"));
    });
}

#[test]
fn a_preflight_records_nothing() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        let answer = preflight(site, &format!("/tr/v1/tr/ename/{}", mark.name), SHOP).await;
        assert_eq!(answer.status, 204);
        let body = json!({ "ename": mark.name }).to_string();
        let sent =
            site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", "198.51.100.90").body(body);
        assert_eq!(post(sent).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

#[test]
fn listed_origins_may_send_with_credentials_and_no_others() {
    run(async {
        let site = strict().await;
        for origin in [SHOP, "http://localhost:3000"] {
            let answer = preflight(site, "/tr/v1/tr/", origin).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            assert!(answer.header("vary").contains("Origin"), "{:?}", answer.headers);
        }
        for origin in
            ["https://other.example", "http://shop.example", "https://shop.example.evil.example", "null"]
        {
            let answer = preflight(site, "/tr/v1/tr/", origin).await;
            assert_eq!((answer.status.as_u16(), opens(&answer)), (204, false), "{origin}");
            assert!(answer.header("vary").contains("Origin"), "{:?}", answer.headers);
        }
    });
}

#[test]
fn private_addresses_are_open_to_no_script() {
    run(async {
        let site = shared().await;
        for path in PRIVATE {
            let answer = preflight(site, path, SHOP).await;
            assert_eq!((answer.status.as_u16(), opens(&answer)), (204, false), "{path}");
            let asked = site.request(Method::GET, path).header("origin", SHOP).bearer_auth(&site.secret);
            assert!(!opens(&post(asked).await), "{path}");
        }
    });
}
