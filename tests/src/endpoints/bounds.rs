//! What all callers together may take: beyond it they are told to come back.

use super::Mark;
use crate::rig::{End, Site, post, refusal, run, until};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;

/// Connections at once, as set below.
const MOST: usize = 8;
/// Bytes of clients' bodies at once, as set below: one batch as long as it may be.
const INFLIGHT: usize = 8 << 20;

#[test]
fn who_finds_no_room_is_told_to_come_back_and_then_finds_it() {
    run(async {
        let settings = [
            ("EDGE__CONNECTIONS", "8"),
            ("EDGE__INFLIGHT_LIMIT", "24MiB"),
            ("EDGE__INFLIGHT_SERVERS", "8MiB"),
            ("EDGE__INFLIGHT_PAYMENTS", "8MiB"),
        ];
        let site = Site::edge("narrow", &settings).await;
        let mark = Mark::on(&site);
        no_room_for_a_body(&site, &mark).await;
        no_room_for_a_connection(&site).await;
        assert_eq!(mark.recorded().await, 1 + 2, "of a client, when it had room; of a server, and a payment");
    });
}

async fn no_room_for_a_body(site: &Site, mark: &Mark<'_>) {
    let body = json!({ "ename": mark.name, "x": "x".repeat(100 << 10) }).to_string();
    let send = async || post(site.request(Method::POST, "/tr/v1/tr/").body(body.clone())).await;
    let mut holding = site.connect().await;
    let head = format!("POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: {INFLIGHT}\r\n\r\n[");
    holding.write_all(head.as_bytes()).await.unwrap();
    holding.write_all(&vec![b' '; INFLIGHT - (50 << 10)]).await.unwrap();
    until("the long body is held", async || {
        let held = site.get("/status").await.json()["inflight_bytes"].as_u64()?;
        (held as usize >= INFLIGHT - (60 << 10)).then_some(())
    })
    .await;
    let answer = send().await;
    assert_eq!((answer.refusal(), answer.header("retry-after")), ((503, "inflight_full".to_owned()), "1"));
    // Servers have room of their own, and payments.
    assert_eq!(site.post_secret("/tr/v1/str/", body.clone()).await.status, 200);
    let payment = json!({ "revenue": 1, "product": mark.name }).to_string();
    assert_eq!(site.post_secret("/tr/v1/ltv/", payment).await.status, 200);
    drop(holding);
    until("there is room again", async || (send().await.status == 200).then_some(())).await;
}

async fn no_room_for_a_connection(site: &Site) {
    let mut open = Vec::new();
    for _ in 0..MOST {
        open.push(site.connect().await);
    }
    let answer = site.talk(&[], End::Silent).await;
    assert_eq!(refusal(&answer), (503, "too_many_connections".to_owned()));
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    drop(open);
    until("there is room again", async || {
        let answer =
            site.talk(&[b"GET /ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"], End::Silent).await;
        answer.ends_with("pong").then_some(())
    })
    .await;
}
