//! WebSockets: what comes over one is stored, and what ten thousand of them cost.

use crate::rig::{Program, Site, crowd, run, shared};
use futures::{SinkExt, StreamExt, stream};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use uuid::Uuid;

async fn open(site: &Site, query: &str) -> WebSocketStream<TcpStream> {
    let stream = site.connect().await;
    client_async(format!("ws://localhost/tr/v1/ws{query}"), stream).await.expect("a WebSocket").0
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    let said = timeout(Duration::from_secs(30), socket.next()).await.expect("an answer");
    let said = said.expect("an open connection").expect("a frame");
    serde_json::from_str(said.to_text().expect("text")).expect("JSON")
}

#[test]
fn what_comes_over_a_websocket_is_stored() {
    run(async {
        let site = shared().await;
        let mut socket = open(site, "?ack=1&app=shop&utm_source=News").await;
        let [text, block, listed] = [(); 3].map(|()| Uuid::now_v7());
        let event = |eid: Uuid| json!({ "eid": eid, "ename": "Over_WS", "cflags": 5377, "params": { "n": [1, { "x": 2.50 }] } });
        socket.send(Message::text(event(text).to_string())).await.unwrap();
        let compressed = lz4_flex::compress_prepend_size(event(block).to_string().as_bytes());
        socket.send(Message::binary(compressed)).await.unwrap();
        socket
            .send(Message::text(json!([event(listed), { "ename": "a", "rid": "no" }]).to_string()))
            .await
            .unwrap();
        assert_eq!(next(&mut socket).await, json!({ "ack": 1 }));
        assert_eq!(next(&mut socket).await, json!({ "ack": 2 }));
        let third = next(&mut socket).await;
        assert_eq!((&third["ack"], &third["rejected"][0]["reason"]), (&json!(3), &json!("invalid_uuid")));
        for eid in [text, block, listed] {
            let row = site.event(&eid.to_string()).await;
            let params: Value = serde_json::from_str(row["params"].as_str().unwrap()).unwrap();
            assert_eq!(params, json!({ "n": [1, { "x": 2.5 }] }), "an object stays one");
            assert_eq!([&row["ename"], &row["app"], &row["source"]], ["over_ws", "shop", "News"]);
        }
    });
}

/// A connection of few bytes on this side too.
async fn upgrade(site: &Site) -> TcpStream {
    let mut stream = site.connect_apart().await;
    let head = "GET /tr/v1/ws?ack=1 HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0\r\naccept-language: en-US,en;q=0.5\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// One message, and what is said of it.
async fn say(stream: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81, 0xfe];
    frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    stream.write_all(&frame).await.unwrap();
    let mut said = [0; 11];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said[2..], br#"{"ack":1}"#);
}

#[test]
fn ten_thousand_open_websockets_take_little_each_and_are_told_when_the_edge_ends() {
    run(async {
        let settings =
            [("EDGE__CONNECTIONS", "12000"), ("EDGE__WS__CONNECTIONS", "10000"), ("EDGE__WS__IDLE", "1h")];
        let crowd = crowd(10_000).await;
        let most = crowd.size;
        let mut site = Site::edge("sockets", &[&settings[..], &[("EDGE__WS__PING", "59m")]].concat()).await;
        let resident = |site: &Site| site.resident(Program::Edge) as usize;
        let before = resident(&site);
        let mut open: Vec<TcpStream> =
            stream::iter(0..most).map(|_| upgrade(&site)).buffer_unordered(64).collect().await;
        let opened = resident(&site);
        assert_eq!(site.metrics(Program::Edge).await["tracker_edge_sockets"], most as f64);

        let text = json!({ "ename": "a", "x": "x".repeat(20_000) }).to_string();
        stream::iter(open.iter_mut()).for_each_concurrent(64, async |stream| say(stream, &text).await).await;
        let used = resident(&site);
        let each = |after: usize| after.saturating_sub(before) / most;
        println!(
            "{most} open WebSockets: {} bytes resident each; {} once each has sent 20 kB",
            each(opened),
            each(used)
        );
        assert!(each(opened) < 16 << 10, "{} bytes each", each(opened));
        assert!(each(used) < 24 << 10, "{} bytes each", each(used));
        assert_eq!(site.post("/tr/v1/tr/", r#"{"ename":"a"}"#).await.status, 200, "others are served");

        assert_eq!(site.stop(Program::Edge).await.and_then(|status| status.code()), Some(0));
        for stream in &mut open {
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            assert_eq!(said, b"\x88\x0c\x03\xe9going_away");
        }
    });
}
