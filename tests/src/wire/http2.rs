//! HTTP/2: many requests on one connection, and clients that abuse it. Abuse is written frame by frame: no library
//! would do it.

use super::{Secure, nine_in_ten, secure};
use crate::{
    endpoints::Mark,
    rig::{Program, run, until},
};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::timeout,
};

/// Longer than any of it takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What every connection begins with.
fn opening() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[])].concat()
}

/// The head of a POST of an event, in HPACK: two entries of its table, two literals.
fn head() -> Vec<u8> {
    let literal =
        |name: u8, value: &str| [&[name, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [&[0x83, 0x87][..], &literal(4, "/tr/v1/tr/"), &literal(1, "localhost")].concat()
}

/// The frames that are sent until the connection ends: kind, and the error code of a GOAWAY.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Option<u32>)> {
    let mut found = Vec::new();
    while bytes.len() >= 9 {
        let length = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize;
        let kind = bytes[3];
        let code = bytes.get(13..17).filter(|_| kind == GOAWAY).map(|code| code.try_into().unwrap());
        found.push((kind, code.map(u32::from_be_bytes)));
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    found
}

/// Says this, one piece after another with a breath between, and hears until the edge closes.
async fn abuse(
    secure: &Secure,
    pieces: impl Iterator<Item = Vec<u8>> + Send + 'static,
) -> Vec<(u8, Option<u32>)> {
    let (mut reader, mut writer) = tokio::io::split(secure.connect(&[b"h2"]).await);
    let saying = tokio::spawn(async move {
        let _cut = writer.write_all(&opening()).await;
        for piece in pieces {
            if writer.write_all(&piece).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        writer
    });
    let mut heard = Vec::new();
    let _reset = timeout(LONG, reader.read_to_end(&mut heard)).await.expect("the edge closes");
    saying.abort();
    frames(&heard)
}

#[test]
fn a_thousand_events_of_one_connection_are_recorded() {
    run(async {
        let secure = secure().await;
        let mark = Mark::on(&secure.site);
        let stream = secure.connect(&[b"h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, mut connection) = h2::client::handshake(stream).await.unwrap();
        let mut ponging = connection.ping_pong().unwrap();
        let driving = tokio::spawn(connection);
        // Until it knows how many the edge takes at once, the client would send as many as it likes.
        ponging.ping(h2::Ping::opaque()).await.unwrap();
        let mut answers = JoinSet::new();
        let body = json!({ "ename": mark.name }).to_string();
        for _ in 0..1000 {
            sender = sender.ready().await.unwrap();
            let request = http::Request::post("https://localhost/tr/v1/tr/").body(()).unwrap();
            let (answer, mut sending) = sender.send_request(request, false).unwrap();
            sending.send_data(body.clone().into(), true).unwrap();
            answers.spawn(async move { answer.await.unwrap().status() });
        }
        while let Some(status) = answers.join_next().await {
            assert_eq!(status.unwrap(), 200);
        }
        assert_eq!(mark.recorded().await, 1000);
        drop(sender);
        timeout(LONG, driving).await.expect("it ends").unwrap().unwrap();
    });
}

/// Requests that are taken back: at once, or when they have been begun.
fn taken_back(at_once: bool) -> impl Iterator<Item = Vec<u8>> + Send {
    (0..100_000_u32).map(move |index| {
        let stream = 2 * index + 1;
        let cancel = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        if at_once {
            return [frame(HEADERS, END_HEADERS | END_STREAM, stream, &head()), cancel].concat();
        }
        // The one before it has been looked at by now: it waits for its body.
        let before =
            if index == 0 { Vec::new() } else { frame(RST_STREAM, 0, stream - 2, &8_u32.to_be_bytes()) };
        [frame(HEADERS, END_HEADERS, stream, &head()), before].concat()
    })
}

#[test]
fn a_client_that_takes_back_all_it_asks_is_cut_and_the_others_do_not_feel_it() {
    run(async {
        let secure = Secure::start("rapid_reset", &[]).await;
        let ping = || secure.request(Method::GET, "/ping");
        nine_in_ten(ping, 20).await;
        let before = secure.site.resident(Program::Edge);
        let attack = async {
            for round in 0..40 {
                let heard = abuse(&secure, taken_back(round % 2 == 0)).await;
                assert!(heard.len() < 2_000, "it was answered {} frames", heard.len());
            }
        };
        let ((), most) = tokio::join!(attack, nine_in_ten(ping, 200));
        let grown = secure.site.resident(Program::Edge).saturating_sub(before);
        println!("rapid reset: nine in ten good answers within {most:?}; {} KiB grown", grown >> 10);
        assert!(most < Duration::from_secs(2), "{most:?}");
        assert!(grown < 64 << 20, "{grown} bytes");
        until("all their connections are closed", async || {
            let status = crate::rig::post(secure.request(Method::GET, "/status")).await.json();
            (status["connections"].as_u64()? <= 4).then_some(())
        })
        .await;
    });
}

#[test]
fn a_head_without_end_is_given_up() {
    run(async {
        let secure = Secure::start("continuation", &[("EDGE__HEADER_TIMEOUT", "3s")]).await;
        let before = secure.site.resident(Program::Edge);
        let first = std::iter::once(frame(HEADERS, 0, 1, &head()));
        // Literals that are new each time, 16 KB a frame: as many as the edge takes.
        let filling: Vec<u8> = std::iter::repeat_n([0, 1, b'x', 100], 150)
            .flat_map(|field| field.into_iter().chain([b'y'; 100]))
            .collect();
        let flood = first.clone().chain((0..10_000).map(move |_| frame(CONTINUATION, 0, 1, &filling)));
        let heard = abuse(&secure, flood).await;
        assert!(heard.iter().all(|(kind, _)| *kind != HEADERS), "{heard:?}");
        // And one that is only never finished.
        abuse(&secure, first).await;
        let grown = secure.site.resident(Program::Edge).saturating_sub(before);
        assert!(grown < 32 << 20, "{grown} bytes");
    });
}

#[test]
fn who_asks_nothing_any_more_is_told_to_go_away() {
    run(async {
        let secure = Secure::start("idle_h2", &[("EDGE__HEADER_TIMEOUT", "3s")]).await;
        let head = [&[0x82, 0x87, 4, 5][..], b"/ping", &[1, 9], b"localhost"].concat();
        let heard = abuse(&secure, std::iter::once(frame(HEADERS, END_HEADERS | END_STREAM, 1, &head))).await;
        assert!(heard.contains(&(HEADERS, None)), "{heard:?}");
        assert!(heard.contains(&(GOAWAY, Some(0))), "{heard:?}");
    });
}
