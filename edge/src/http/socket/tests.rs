use crate::http::testing::{Broker, DEADLINE, Tested, edge, edge_with, wait_for};
use futures::{SinkExt, StreamExt};
use rstest::rstest;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};
use tracker_schemas::Event;

type Client = WebSocketStream<TcpStream>;

async fn try_open(
    address: SocketAddr,
    query: &str,
    headers: &[(&'static str, &str)],
) -> Result<Client, Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("ws://{address}/tr/v1/ws{query}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client_async(request, stream).await.map(|(client, _)| client)
}

async fn open(address: SocketAddr, query: &str) -> Client {
    try_open(address, query, &[]).await.unwrap()
}

/// The next thing that is said to the client, as text.
async fn next(client: &mut Client) -> String {
    match timeout(DEADLINE, client.next()).await.expect("something is said") {
        Some(Ok(Message::Text(text))) => text.to_string(),
        Some(Ok(Message::Close(Some(close)))) => format!("{} {}", u16::from(close.code), close.reason),
        Some(Ok(other)) => format!("{other:?}"),
        Some(Err(error)) => format!("{error}"),
        None => "nothing".to_owned(),
    }
}

fn names(tested: &Tested) -> Vec<String> {
    tested.events.records::<Event>().into_iter().filter_map(|event| event.fact.ename).collect()
}

fn text(event: Value) -> Message {
    Message::text(event.to_string())
}

fn block(event: Value) -> Message {
    Message::binary(lz4_flex::compress_prepend_size(event.to_string().as_bytes()))
}

#[tokio::test]
async fn a_message_is_an_event_or_several_as_text_or_as_a_block() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "?ack=1").await;
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    client.send(block(json!({ "ename": "b" }))).await.unwrap();
    client.send(text(json!([{ "ename": "c" }, {}, { "ename": "d" }]))).await.unwrap();
    assert_eq!(next(&mut client).await, r#"{"ack":1}"#);
    assert_eq!(next(&mut client).await, r#"{"ack":2}"#);
    let third: Value = serde_json::from_str(&next(&mut client).await).unwrap();
    assert_eq!((&third["ack"], &third["rejected"][0]["reason"]), (&json!(3), &json!("missing_name")));
    let mut names = names(&tested);
    names.sort();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn nothing_is_said_to_who_has_not_asked() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    client.send(text(json!({}))).await.unwrap();
    client.send(Message::Ping("there?".into())).await.unwrap();
    assert_eq!(next(&mut client).await, r#"Pong(b"there?")"#, "and nothing before it");
    wait_for("the event is kept", || names(&tested) == ["a"]).await;
}

#[tokio::test]
async fn the_handshake_lies_under_each_event() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let [vid, own] = [1, 2].map(uuid::Uuid::from_u128);
    let cookie = format!("vid={vid}");
    let headers = [("cookie", cookie.as_str()), ("user-agent", "app/1"), ("sec-gpc", "1")];
    let mut client = try_open(address, "?app=shop&utm_source=mail&ack=1", &headers).await.unwrap();
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    client.send(text(json!({ "ename": "b", "vid": own, "app": "own" }))).await.unwrap();
    assert_eq!([next(&mut client).await, next(&mut client).await], [r#"{"ack":1}"#, r#"{"ack":2}"#]);
    let mut events = tested.events.records::<Event>();
    events.sort_by_key(|event| event.fact.ename.clone());
    let [a, b] = events.try_into().unwrap();
    assert_eq!(
        (a.fact.vid, a.fact.app.as_deref(), a.fact.source.as_deref()),
        (Some(vid), Some("shop"), Some("mail"))
    );
    assert_eq!((b.fact.vid, b.fact.app.as_deref()), (Some(own), Some("own")));
    assert_eq!((a.user_agent.as_deref(), a.opt_out), (Some("app/1"), true));
    assert_eq!(a.fact.params, None, "what asks for answers is no field");
}

/// The predecessor lost them.
#[rstest]
#[case::text(text)]
#[case::block(block)]
#[tokio::test]
async fn params_that_are_an_object_are_kept_over_a_websocket(#[case] write: fn(Value) -> Message) {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "?ack=1").await;
    client
        .send(write(json!({ "ename": "a", "params": { "n": 1.5, "deep": [{ "x": null }] }, "more": true })))
        .await
        .unwrap();
    assert_eq!(next(&mut client).await, r#"{"ack":1}"#);
    let [event] = tested.events.records::<Event>().try_into().unwrap();
    let params: Value = serde_json::from_str(&event.fact.params.unwrap().0).unwrap();
    assert_eq!(params, json!({ "n": 1.5, "deep": [{ "x": null }], "more": true }));
}

#[tokio::test]
async fn a_bad_message_is_told_and_harms_no_other_until_there_are_too_many() {
    let tested = edge("[edge.ws]\nmax_bad_frames = 3");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "?ack=1").await;
    client.send(Message::text("{")).await.unwrap();
    client.send(Message::binary(vec![0xff, 0xff, 0xff, 0x7f, 0])).await.unwrap();
    client.send(Message::text(" ".repeat(2 << 20))).await.unwrap();
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    let mut said = Vec::new();
    for _ in 0..4 {
        let line: Value = serde_json::from_str(&next(&mut client).await).unwrap();
        said.push(line.get("error").or(line.get("ack")).unwrap().clone());
    }
    assert_eq!(said, [json!("malformed"), json!("body_too_large"), json!("body_too_large"), json!(4)]);
    client.send(Message::binary(vec![1, 0, 0, 0])).await.unwrap();
    assert!(next(&mut client).await.contains("broken_encoding"));
    assert_eq!(next(&mut client).await, "1007 too_many_bad_frames");
    assert_eq!(names(&tested), ["a"]);
}

#[rstest]
#[case::unmasked(&[0x81, 0x01, b'x'])]
#[case::unknown(&[0x83, 0x80, 1, 2, 3, 4])]
#[tokio::test]
async fn what_is_no_frame_ends_the_connection(#[case] bytes: &'static [u8]) {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    tokio::io::AsyncWriteExt::write_all(client.get_mut(), bytes).await.unwrap();
    assert_eq!(next(&mut client).await, "1002 protocol_error");
    wait_for("it is given back", || tested.edge.sockets.open() == 0).await;
}

#[tokio::test]
async fn while_its_messages_are_not_safe_no_more_is_read_of_a_client() {
    let tested = edge_with("produce_timeout = \"1h\"\n[edge.ws]\nin_flight = 2", Broker::Hanging);
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    let event = text(json!({ "ename": "a", "x": "x".repeat(200_000) }));
    let sending = async { while client.send(event.clone()).await.is_ok() {} };
    let held = timeout(Duration::from_secs(2), sending).await;
    assert!(held.is_err(), "the client is held back");
    assert!(tested.edge.collector.budget.held() < 3 * 210_000, "{}", tested.edge.collector.budget.held());
}

#[rstest]
#[case::silent("", "1013 unacknowledged")]
#[case::told("?ack=1", r#"{"error":"unacknowledged","detail":"it could not be made safe; send it again, under the same id","frame":1}"#)]
#[tokio::test]
async fn what_is_not_kept_is_not_passed_over_in_silence(#[case] query: &str, #[case] expected: &str) {
    let tested = edge_with("", Broker::Down);
    let (address, ..) = tested.listen().await;
    let mut client = open(address, query).await;
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    assert_eq!(next(&mut client).await, expected);
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_back() {
    let tested = edge("rate_limit_burst = 2");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "?ack=1").await;
    for _ in 0..3 {
        client.send(text(json!({ "ename": "a" }))).await.unwrap();
    }
    assert_eq!([next(&mut client).await, next(&mut client).await], [r#"{"ack":1}"#, r#"{"ack":2}"#]);
    let line: Value = serde_json::from_str(&next(&mut client).await).unwrap();
    assert_eq!(
        (&line["error"], &line["frame"], &line["retry_after"]),
        (&json!("rate_limited"), &json!(3), &json!(9))
    );
    let mut silent = open(address, "").await;
    silent.send(text(json!({ "ename": "a" }))).await.unwrap();
    assert_eq!(next(&mut silent).await, "1013 rate_limited");
}

#[tokio::test]
async fn a_silent_client_is_asked_and_then_given_up() {
    let tested = edge("[edge.ws]\nping = \"100ms\"\nidle = \"3s\"");
    let (address, ..) = tested.listen().await;
    let mut there = open(address, "").await;
    let answering = tokio::spawn(async move {
        for _ in 0..5 {
            assert_eq!(next(&mut there).await, r#"Ping(b"")"#, "it answers, and is asked again");
        }
    });
    let gone = TcpStream::connect(address).await.unwrap();
    let request = format!("ws://{address}/tr/v1/ws").into_client_request().unwrap();
    let (gone, _) = client_async(request, gone).await.unwrap();
    let mut gone = gone.into_inner();
    let mut said = Vec::new();
    timeout(DEADLINE, tokio::io::AsyncReadExt::read_to_end(&mut gone, &mut said)).await.unwrap().unwrap();
    assert_eq!(said, [&[0x89, 0x00, 0x88, 0x06, 0x03, 0xe9][..], b"idle"].concat());
    answering.await.unwrap();
}

#[tokio::test]
async fn a_message_that_drips_in_is_given_up() {
    let tested = edge("body_timeout = \"200ms\"");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    tokio::io::AsyncWriteExt::write_all(client.get_mut(), &[0x81, 0xfe, 0x04]).await.unwrap();
    assert_eq!(next(&mut client).await, "1008 frame_timeout");
}

#[tokio::test]
async fn at_the_end_what_is_in_hand_is_safe_before_the_connection_closes() {
    let tested = edge_with("", Broker::Slow);
    let (address, shutdown, serving) = tested.listen().await;
    let mut client = open(address, "?ack=1").await;
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    wait_for("it is in hand", || tested.edge.collector.budget.held() > 0).await;
    shutdown.cancel();
    assert_eq!(next(&mut client).await, r#"{"ack":1}"#);
    assert_eq!(next(&mut client).await, "1001 going_away");
    timeout(DEADLINE, serving).await.unwrap().unwrap();
    assert_eq!(names(&tested), ["a"]);
    assert_eq!(tested.edge.sockets.open(), 0);
}

#[tokio::test]
async fn who_goes_away_leaves_what_it_has_sent() {
    let tested = edge_with("", Broker::Slow);
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    client.send(text(json!({ "ename": "a" }))).await.unwrap();
    wait_for("it is in hand", || tested.edge.collector.budget.held() > 0).await;
    drop(client);
    wait_for("it is kept", || names(&tested) == ["a"]).await;
}

#[tokio::test]
async fn the_end_that_a_client_wishes_is_answered() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut client = open(address, "").await;
    let close =
        tokio_tungstenite::tungstenite::protocol::CloseFrame { code: CloseCode::Normal, reason: "".into() };
    client.close(Some(close)).await.unwrap();
    assert_eq!(next(&mut client).await, "1000 ");
    wait_for("it is given back", || tested.edge.sockets.open() == 0).await;
}

fn refused(opened: Result<Client, Error>) -> (u16, String) {
    match opened {
        Err(Error::Http(response)) => {
            let body: Value = serde_json::from_slice(response.body().as_deref().unwrap_or(b"null")).unwrap();
            (response.status().as_u16(), body["error"].as_str().unwrap_or_default().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_too_many_is_turned_away_and_there_is_room_when_one_goes() {
    let tested = edge("[edge.ws]\nconnections = 1");
    let (address, ..) = tested.listen().await;
    let first = open(address, "").await;
    assert_eq!(refused(try_open(address, "", &[]).await), (503, "too_many_sockets".to_owned()));
    drop(first);
    wait_for("it is given back", || tested.edge.sockets.open() == 0).await;
    open(address, "").await;
}

#[tokio::test]
async fn a_page_of_another_origin_opens_none() {
    let tested = edge("allowed_origins = [\"https://a.example\"]");
    let (address, ..) = tested.listen().await;
    let foreign = try_open(address, "", &[("origin", "https://b.example")]).await;
    assert_eq!(refused(foreign), (403, "foreign_origin".to_owned()));
    assert!(try_open(address, "", &[("origin", "https://a.example")]).await.is_ok());
}

#[tokio::test]
async fn who_asks_for_no_websocket_is_told_to() {
    let tested = edge("");
    let said = tested.get("/tr/v1/ws").await;
    assert_eq!(said.error(), (426, "upgrade_required".to_owned()));
    assert_eq!((said.header("upgrade"), said.header("sec-websocket-version")), ("websocket", "13"));
    assert_eq!(tested.post("/tr/v1/ws", "{}").await.status, 405);
}
