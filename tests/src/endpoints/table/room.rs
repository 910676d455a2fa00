//! What all callers together may take: beyond it they are told to come back, clients first, then servers, payments last.

use super::{
    Row,
    asked::{read, reason, stranger},
    besides::anywhere,
    ground::Ground,
    operation::Operation,
};
use crate::rig::{Answer, End, connect, talk, until};
use futures::{StreamExt, stream};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Whose room a body takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    Client,
    Server,
    Payment,
}

/// What the edge with little room has for each of them, and its connections.
const ROOM: usize = 8 << 20;
const CONNECTIONS: usize = 64;

impl Share {
    /// Whose an operation's bodies are; `None`: it has none, or is answered whatever room there is.
    fn of(operation: &Operation) -> Option<Self> {
        let records = operation.method != Method::OPTIONS && operation.statuses().contains(&503);
        match operation.base() {
            _ if !records => None,
            "/tr/v1/ltv" => Some(Self::Payment),
            "/tr/v1/str/" | "/tr/v1/ppi/forget" | "/tr/v1/rpi/redirect" => Some(Self::Server),
            // It takes no names in paths.
            "/tr/v1/rpi/redirect/" => None,
            "/tr/v1/tr/" => Some(Self::Client),
            _ if operation.carries_body() => Some(Self::Client),
            _ => None,
        }
    }

    /// Fills its room: with a body that has no end.
    async fn fill(self, ground: &Ground) -> TcpStream {
        let path = ["/tr/v1/tr/", "/tr/v1/str/", "/tr/v1/ltv/"][self as usize];
        let mut stream = connect(&ground.narrow).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {}\r\nauthorization: Bearer {}\r\n\
            transfer-encoding: chunked\r\n\r\n{ROOM:x}\r\n[",
            stranger(),
            ground.site.secret
        );
        stream.write_all(head.as_bytes()).await.expect("it listens");
        stream.write_all(&vec![b' '; ROOM - 1]).await.expect("it reads");
        let full = (self as usize + 1) * ROOM;
        let status = format!("{}/status", ground.narrow);
        until("the room is taken", async || {
            let answer = crate::rig::post(ground.site.request_at(Method::GET, &status)).await;
            (answer.json()["inflight_bytes"].as_u64()? as usize == full).then_some(())
        })
        .await;
        stream
    }
}

pub async fn rows(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let mut holding = Vec::new();
    let mut rows = Vec::new();
    for share in [Share::Client, Share::Server, Share::Payment] {
        holding.push(share.fill(ground).await);
        let asking = operations.iter().filter_map(|operation| Some((operation, Share::of(operation)?)));
        let asking = asking.map(|(operation, own)| async move {
            let asked = operation.good(ground, &ground.narrow);
            let answer = asked.send(ground).await;
            let wrong = if own > share {
                operation.lacks(&answer)
            } else {
                let full = (503, "inflight_full");
                let is_head = operation.method == Method::HEAD;
                let is_so = answer.status == full.0
                    && (is_head || reason(&answer) == full.1)
                    && answer.header("retry-after") == "1";
                (!is_so).then(|| format!("{} {}", answer.status, answer.text()))
            };
            Row::of(operation, &asked, &answer, wrong)
        });
        rows.extend(stream::iter(asking).buffered(8).collect::<Vec<_>>().await);
    }
    drop(holding);
    let first = operations.iter().find(|operation| Share::of(operation) == Some(Share::Client));
    let first = first.expect("a client's");
    let good = first.good(ground, &ground.narrow);
    until("there is room for bodies again", async || {
        first.lacks(&good.send(ground).await).is_none().then_some(())
    })
    .await;
    rows.push(no_room_for_a_socket(ground, operations).await);
    rows.push(no_room_for_a_connection(ground).await);
    rows
}

async fn no_room_for_a_socket(ground: &Ground, operations: &[Operation]) -> Row {
    let socket = operations.iter().find(|operation| operation.success() == 101).expect("a WebSocket");
    let asked = socket.good(ground, &ground.narrow);
    let mut open = connect(&ground.narrow).await;
    let own: String = asked.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("GET {} HTTP/1.1\r\nhost: a\r\n{own}\r\n", asked.path);
    open.write_all(head.as_bytes()).await.expect("it listens");
    let mut said = [0; 12];
    open.read_exact(&mut said).await.expect("an answer");
    assert_eq!(&said, b"HTTP/1.1 101");
    let answer = asked.send(ground).await;
    let wrong =
        (reason(&answer) != "too_many_sockets").then(|| format!("{} {}", answer.status, answer.text()));
    Row::of(socket, &asked, &answer, wrong)
}

async fn no_room_for_a_connection(ground: &Ground) -> Row {
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(connect(&ground.narrow).await);
    }
    let answer: Answer = read(&talk(&ground.narrow, &[], End::Silent).await);
    let row = anywhere(
        "any",
        &Method::GET,
        "one connection more than there may be",
        &answer,
        (503, "too_many_connections"),
    );
    drop(open);
    until("there is room for connections again", async || {
        let ping = b"GET /ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let answer = read(&talk(&ground.narrow, &[ping], End::Silent).await);
        (answer.text() == "pong").then_some(())
    })
    .await;
    row
}
