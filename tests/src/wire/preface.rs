//! The PROXY protocol: a proxy that passes bytes on tells first for whom.

use super::metric;
use crate::rig::{End, Program, Site, run, until};
use tokio::sync::OnceCell;

const ASK: &[u8] =
    b"GET /status HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 6.6.6.6\r\nconnection: close\r\n\r\n";
const TEXT: &[u8] = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n";

/// An edge that wants a preface from 127.0.0.1, which it trusts.
async fn site() -> &'static Site {
    static SITE: OnceCell<Site> = OnceCell::const_new();
    let start = async || {
        let settings = [("EDGE__PROXY_PROTOCOL", "required"), ("EDGE__HEADER_TIMEOUT", "3s")];
        let mut site = Site::prepare("preface", &settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        until("the edge answers behind a preface", async || {
            site.try_connect().await?;
            site.talk(&[TEXT, ASK], End::Silent).await.starts_with("HTTP/1.1 200").then_some(())
        })
        .await;
        site
    };
    SITE.get_or_init(start).await
}

/// The address that the edge sees.
async fn seen(site: &Site, preface: &[u8]) -> String {
    let said = site.talk(&[preface, ASK], End::Silent).await;
    let body = said.split("\r\n\r\n").nth(1).unwrap_or_else(|| panic!("{said:?}"));
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    status["ip"].as_str().unwrap().to_owned()
}

async fn cut(site: &Site, reason: &str) -> f64 {
    let ask = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let text = site.talk(&[TEXT, ask], End::Silent).await;
    metric(&text, &format!("tracker_edge_connections_cut_total{{reason=\"{reason}\"}}"))
}

#[test]
fn the_client_is_whom_the_preface_names_and_its_own_headers_are_not_believed() {
    run(async {
        let site = site().await;
        assert_eq!(seen(site, TEXT).await, "192.0.2.7");
        let six = b"PROXY TCP6 2001:db8::7 ::1 4711 80\r\n";
        assert_eq!(seen(site, six).await, "2001:db8::7");
        let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x08\x7f\0\0\x01\x12\x67\0\x50";
        assert_eq!(seen(site, binary).await, "192.0.2.8");
        // The proxy asks for itself: then it may speak for another in a header, as it always may.
        assert_eq!(seen(site, b"PROXY UNKNOWN\r\n").await, "6.6.6.6");
    });
}

#[test]
fn what_is_no_preface_or_comes_too_late_closes_the_connection_and_is_counted() {
    run(async {
        let site = site().await;
        let before = cut(site, "malformed_preface").await;
        for said in [ASK, b"PROXY TCP4 a.example 127.0.0.1 1 2\r\n", &[0xff; 300]] {
            assert_eq!(site.talk(&[said], End::Silent).await, "");
        }
        assert_eq!(cut(site, "malformed_preface").await - before, 3.0);
        let before = cut(site, "slow_preface").await;
        for said in [&b""[..], b"PROXY TCP4 192.0.2.7 127"] {
            assert_eq!(site.talk(&[said], End::Silent).await, "");
        }
        assert_eq!(cut(site, "slow_preface").await - before, 2.0);
    });
}

#[test]
fn a_stranger_is_not_let_in_with_a_preface() {
    run(async {
        let settings = [("EDGE__PROXY_PROTOCOL", "required"), ("EDGE__TRUSTED_PROXIES", "10.0.0.0/8")];
        let mut site = Site::prepare("preface_stranger", &settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        until("the edge listens", async || site.try_connect().await.map(drop)).await;
        assert_eq!(site.talk(&[TEXT, ASK], End::Silent).await, "");
    });
}
