//! Many connections: idle ones, slow ones. What each costs, and what the others feel of it.

use super::nine_in_ten;
use crate::rig::{Program, Site, crowd, run, until};
use reqwest::Method;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// So many connections, each after `greet`; 64 at a time.
async fn many<F: Future<Output = TcpStream> + Send>(
    site: &'static Site,
    count: usize,
    greet: impl Fn(TcpStream) -> F + Copy + Send + Sync + 'static,
) -> Vec<TcpStream> {
    let mut opening = JoinSet::new();
    for part in 0..64 {
        opening.spawn(async move {
            let mut open = Vec::new();
            for _ in (part..count).step_by(64) {
                open.push(greet(site.connect_apart().await).await);
            }
            open
        });
    }
    opening.join_all().await.into_iter().flatten().collect()
}

/// Asks for something and reads the answer to its end.
async fn ask(mut stream: TcpStream) -> TcpStream {
    stream.write_all(b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"pong") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&answer));
    stream
}

async fn connections(site: &Site) -> u64 {
    site.get("/status").await.json()["connections"].as_u64().unwrap()
}

#[test]
fn ten_thousand_idle_connections_cost_little_each_and_are_given_back() {
    run(async {
        let crowd = crowd(10_000).await;
        let settings = [("EDGE__CONNECTIONS", "10500"), ("EDGE__HEADER_TIMEOUT", "10m")];
        let site: &'static Site = Box::leak(Box::new(Site::edge("idle", &settings).await));
        let ping = || site.request(Method::GET, "/ping");
        nine_in_ten(ping, 20).await;
        let before = site.resident(Program::Edge);
        let open = many(site, crowd.size, ask).await;
        let held = connections(site).await;
        assert!(held >= crowd.size as u64, "{held}");
        let each = site.resident(Program::Edge).saturating_sub(before) / crowd.size as u64;
        let most = nine_in_ten(ping, 50).await;
        println!("{} idle connections: {each} bytes each; nine in ten answers within {most:?}", crowd.size);
        assert!(each < 24 << 10, "{each} bytes");
        assert!(most < Duration::from_secs(1), "{most:?}");
        drop(open);
        until("they are given back", async || (connections(site).await < 20).then_some(())).await;
    });
}

#[test]
fn two_thousand_slow_clients_do_not_stop_good_ones() {
    run(async {
        let crowd = crowd(2_000).await;
        let settings = [("EDGE__HEADER_TIMEOUT", "4s"), ("EDGE__BODY_TIMEOUT", "4s")];
        let site: &'static Site = Box::leak(Box::new(Site::edge("slow", &settings).await));
        let path = "/tr/v1/tr/ename/good";
        let good = || site.request(Method::GET, path);
        let alone = nine_in_ten(good, 100).await;
        let slow = |head: &'static [u8]| {
            move |mut stream: TcpStream| async move {
                stream.write_all(head).await.unwrap();
                stream
            }
        };
        let mut open = many(site, crowd.size / 2, slow(b"GET /ping HTTP/1.1\r\nx: ")).await;
        let body = b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{";
        open.extend(many(site, crowd.size / 2, slow(body)).await);
        // A byte now and then, until each is told that it is too slow.
        let mut dripping = JoinSet::new();
        for stream in open {
            dripping.spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                let drip = tokio::spawn(async move {
                    while writer.write_all(b"a").await.is_ok() {
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                });
                let mut answer = Vec::new();
                let _reset = reader.read_to_end(&mut answer).await;
                drip.abort();
                String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 408 ")
            });
        }
        let among = nine_in_ten(good, 100).await;
        println!("nine in ten events within {alone:?} alone, {among:?} beside {} slow clients", crowd.size);
        assert!(among < Duration::from_secs(2), "{among:?}");
        let told = dripping.join_all().await.into_iter().filter(|told| *told).count();
        assert_eq!(told, crowd.size / 2 * 2, "each is told that it is too slow");
        until("they are given back", async || (connections(site).await < 20).then_some(())).await;
    });
}
