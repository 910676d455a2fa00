use crate::http::testing::{DEADLINE, Tested, edge, wait_for};
use rstest::rstest;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tracker_schemas::Event;

/// Writes the pieces, then reads until the other end closes.
async fn talk(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
    }
    hear(&mut stream).await
}

async fn hear(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("the server closes").unwrap();
    String::from_utf8(said).unwrap()
}

fn status(said: &str) -> &str {
    said.split(' ').nth(1).unwrap_or("nothing")
}

/// The JSON body of an answer, and whether its length was told right.
fn error(said: &str) -> String {
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), body.len(), "{said}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    json["error"].as_str().unwrap().to_owned()
}

fn events(tested: &Tested) -> usize {
    tested.events.records::<Event>().len()
}

#[tokio::test]
async fn a_body_without_a_length_is_taken() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let head =
        b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let said =
        talk(address, &[head, b"5\r\n{\"ena\r\n", b"a\r\nme\":\"view\"\r\n", b"1\r\n}\r\n0\r\n\r\n"]).await;
    assert_eq!(status(&said), "200", "{said}");
    assert_eq!(events(&tested), 1);
}

#[rstest]
#[case::nothing_of_the_head(b"", "")]
#[case::half_a_head(b"POST /tr/v1/tr/ HTTP/1.1\r\nhos", "header_timeout")]
#[case::half_a_body(
    b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{\"ename\"",
    "body_timeout"
)]
#[tokio::test]
async fn who_is_too_slow_is_told_so(#[case] sent: &[u8], #[case] expected: &str) {
    let tested = edge("header_timeout = \"300ms\"\nbody_timeout = \"300ms\"");
    let (address, ..) = tested.listen().await;
    let said = talk(address, &[sent]).await;
    if expected.is_empty() {
        assert_eq!(said, "");
    } else {
        assert_eq!((status(&said), error(&said).as_str()), ("408", expected), "{said}");
        assert!(said.contains("connection: close"), "{said}");
    }
    wait_for("the connection is given back", || tested.edge.connections.open() == 0).await;
}

#[tokio::test]
async fn a_head_that_drips_in_is_given_up() {
    let tested = edge("header_timeout = \"300ms\"");
    let (address, ..) = tested.listen().await;
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let dripping = tokio::spawn(async move {
        let head = b"GET /ping HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'a'));
        for byte in head {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut said = [0; 1024];
    let length = timeout(DEADLINE, reader.read(&mut said)).await.unwrap().unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&said[..length])), "408");
    dripping.abort();
}

#[rstest]
#[case::declared("content-length: 10000000")]
#[case::chunked("transfer-encoding: chunked")]
#[tokio::test]
async fn ten_megabytes_are_refused_and_the_sender_reads_why(#[case] length: &str) {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let head = format!("POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\n{length}\r\n\r\n");
    let mut body = vec![b'['; 10_000_000];
    if length.starts_with("transfer") {
        body = [b"989680\r\n".as_slice(), &body, b"\r\n0\r\n\r\n"].concat();
    }
    let said = talk(address, &[head.as_bytes(), &body]).await;
    assert_eq!((status(&said), error(&said).as_str()), ("413", "body_too_large"), "{said}");
    assert_eq!(events(&tested), 0);
}

#[tokio::test]
async fn what_hyper_refuses_by_itself_has_a_status() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let long = [b"GET /ping HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 20_000], b"\r\n\r\n"].concat();
    assert_eq!(status(&talk(address, &[&long]).await), "431");
    assert_eq!(status(&talk(address, &[b"nonsense\r\n\r\n"]).await), "400");
}

#[tokio::test]
async fn a_path_over_the_limit_is_refused() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let path =
        format!("GET /tr/v1/tr/ename/{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "a".repeat(9_000));
    let said = talk(address, &[path.as_bytes()]).await;
    assert_eq!((status(&said), error(&said).as_str()), ("413", "path_too_long"));
}

#[tokio::test]
async fn a_client_may_close_its_half_and_still_be_answered() {
    let tested = edge("");
    let (address, ..) = tested.listen().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /tr/v1/tr/ename/bye HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(status(&hear(&mut stream).await), "200");
    assert_eq!(events(&tested), 1);
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away() {
    let tested = edge("connections = 1");
    let (address, ..) = tested.listen().await;
    let first = TcpStream::connect(address).await.unwrap();
    wait_for("the first is open", || tested.edge.connections.open() == 1).await;
    let said = talk(address, &[]).await;
    assert_eq!((status(&said), error(&said).as_str()), ("503", "too_many_connections"), "{said}");
    assert!(said.contains("retry-after: 1"), "{said}");
    drop(first);
    wait_for("the first is closed", || tested.edge.connections.open() == 0).await;
    let head = b"GET /ping HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&talk(address, &[head]).await), "200");
}

#[tokio::test]
async fn at_the_end_open_requests_are_answered_and_idle_connections_closed() {
    let tested = edge("");
    let (address, shutdown, serving) = tested.listen().await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 17\r\n\r\n{\"ename\"")
        .await
        .unwrap();
    wait_for("both are open, and the body is being read", || {
        tested.edge.connections.open() == 2 && tested.edge.collector.budget.held() > 0
    })
    .await;
    shutdown.cancel();
    assert_eq!(hear(&mut idle).await, "");
    open.write_all(b":\"last\"} ").await.unwrap();
    let said = hear(&mut open).await;
    assert_eq!(status(&said), "200", "{said}");
    assert!(said.contains("connection: close"), "{said}");
    timeout(DEADLINE, serving).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(events(&tested), 1);
}

#[tokio::test]
async fn the_grace_period_ends_by_itself() {
    let tested = edge("grace = \"300ms\"");
    let (address, shutdown, serving) = tested.listen().await;
    let mut stuck = TcpStream::connect(address).await.unwrap();
    stuck.write_all(b"POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{").await.unwrap();
    wait_for("the body is being read", || tested.edge.collector.budget.held() > 0).await;
    shutdown.cancel();
    timeout(DEADLINE, serving).await.expect("it ends").unwrap();
}
