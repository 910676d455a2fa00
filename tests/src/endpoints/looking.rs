//! `/health`, `/ready`, `/ping`, `/status`, `/metrics`: they look, and record nothing.

use super::Mark;
use crate::rig::{post, run, shared};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

#[test]
fn whoever_looks_records_nothing() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        for path in ["/health", "/ready", "/ping", "/status", "/metrics", "/track.js"] {
            for method in [Method::GET, Method::HEAD] {
                let asked = format!("{path}?ename={}&eid={}", mark.name, Uuid::now_v7());
                let body = json!({ "ename": mark.name, "eid": Uuid::now_v7() }).to_string();
                let answer = post(site.request(method.clone(), &asked).body(body)).await;
                assert_eq!(answer.status, 200, "{method} {path}");
                assert_eq!(
                    answer.body.is_empty(),
                    method == Method::HEAD,
                    "{method} {path}: {}",
                    answer.text()
                );
                assert_eq!(answer.header("set-cookie"), "", "{path}");
            }
        }
        let event = Uuid::now_v7();
        let body = json!({ "ename": mark.name, "eid": event }).to_string();
        assert_eq!(site.post("/tr/v1/tr/", body).await.status, 200);
        mark.recorded_only(&[event]).await;
    });
}

#[test]
fn each_look_says_what_it_is_for() {
    run(async {
        let site = shared().await;
        assert_eq!(site.get("/ping").await.text(), "pong");
        let status =
            post(site.request(Method::GET, "/status").header("x-forwarded-for", "203.0.113.9, 127.0.0.1"))
                .await;
        let status = status.json();
        assert_eq!(status["ip"], "203.0.113.9", "the right-most that is no trusted proxy");
        assert!(status["connections"].as_u64().is_some_and(|open| open > 0), "{status}");
        for producer in ["events", "payments", "agreements"] {
            assert_eq!(status["producers"][producer]["broker"], "up", "{status}");
            assert!(status["producers"][producer]["queued"].is_u64(), "{status}");
        }
        let metrics = site.get("/metrics").await;
        assert!(metrics.header("content-type").starts_with("text/plain"), "{:?}", metrics.headers);
        assert!(metrics.text().contains("# TYPE tracker_edge_requests_total counter"), "{}", metrics.text());
    });
}
