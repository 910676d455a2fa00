use super::*;
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// An edge that gives these answers, one a request, and tells what it was sent.
async fn scripted(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut bodies = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            bodies.push(body(&mut stream).await);
            let (status, text) = answer.split_once('|').unwrap();
            let length = text.len();
            let reply =
                format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        bodies
    });
    (url, serving)
}

async fn body(stream: &mut tokio::net::TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.unwrap();
        read.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&read).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
        if body.len() >= length.parse().unwrap() {
            return body.to_owned();
        }
    }
}

fn items(count: usize) -> Vec<Item> {
    (0..count).map(|number| Item { line: number as u64 + 1, json: number.to_string() }).collect()
}

fn edge(url: &str, patience: Duration) -> Edge {
    let settings = Settings::merge("", "test", std::iter::empty()).unwrap();
    Edge::new(Endpoint::new(Some(url), None, &settings).unwrap(), patience).unwrap()
}

async fn post(answers: &'static [&'static str], count: usize) -> (Result<Posted, Failure>, Vec<String>) {
    let (url, serving) = scripted(answers).await;
    let posted = edge(&url, Duration::from_secs(30)).post(&items(count)).await;
    (posted, serving.await.unwrap())
}

#[tokio::test]
async fn a_refused_event_is_told_and_the_others_are_not_sent_again() {
    const ANSWER: &str =
        r#"200 OK|{"accepted":2,"rejected":[{"index":1,"reason":"invalid_uuid","detail":"d"}]}"#;
    let (posted, bodies) = post(&[ANSWER], 3).await;
    let posted = posted.unwrap();
    assert_eq!(posted.refused, HashMap::from([(1, ("invalid_uuid".to_owned(), "d".to_owned()))]));
    assert_eq!(bodies, ["[0,1,2]"]);
}

#[tokio::test]
async fn events_that_could_not_be_kept_are_sent_again_alone() {
    let answers = &[
        r#"200 OK|{"accepted":1,"rejected":[{"index":0,"reason":"queue_full"},{"index":2,"reason":"missing_name"}]}"#,
        r#"200 OK|{"accepted":1,"rejected":[]}"#,
    ];
    let (posted, bodies) = post(answers, 3).await;
    let posted = posted.unwrap();
    assert_eq!(posted.refused.keys().collect::<Vec<_>>(), [&2]);
    assert_eq!((bodies[1].as_str(), posted.retries), ("[0]", 1));
}

#[tokio::test]
async fn a_busy_edge_is_asked_again() {
    let answers = &[
        "503 Service Unavailable|{\"error\":\"broker_away\"}",
        "429 Too Many Requests|{}",
        "200 OK|{\"accepted\":1,\"rejected\":[]}",
    ];
    let (posted, bodies) = post(answers, 1).await;
    assert_eq!((posted.unwrap().retries, bodies.len()), (2, 3));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_cut_in_halves() {
    let answers = &[
        r#"413 Content Too Large|{"error":"body_too_large"}"#,
        r#"200 OK|{"accepted":1,"rejected":[]}"#,
        r#"413 Content Too Large|{"error":"body_too_large","detail":"d"}"#,
    ];
    let (posted, bodies) = post(answers, 2).await;
    assert_eq!(bodies, ["[0,1]", "[0]", "[1]"]);
    assert_eq!(posted.unwrap().refused, HashMap::from([(1, ("body_too_large".to_owned(), "d".to_owned()))]));
}

#[tokio::test]
async fn a_body_that_is_refused_refuses_every_event() {
    let (posted, _) = post(&[r#"400 Bad Request|{"error":"malformed","detail":"d"}"#], 2).await;
    assert_eq!(posted.unwrap().refused.len(), 2);
}

#[rstest]
#[case(&[r#"403 Forbidden|{"error":"unknown_key"}"#], "does not take the key: unknown_key")]
#[case(&["200 OK|<html>"], "is no Tracker edge")]
#[case(&["404 Not Found|nothing"], "is no Tracker edge")]
#[tokio::test]
async fn what_cannot_be_mended_by_waiting_ends_it(
    #[case] answers: &'static [&'static str],
    #[case] words: &str,
) {
    let failure = post(answers, 1).await.0.unwrap_err();
    assert!(failure.to_string().contains(words), "{failure}");
}

#[tokio::test]
async fn an_edge_that_stays_away_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = edge(&url, Duration::from_millis(150)).post(&items(1)).await.unwrap_err();
    assert!(failure.to_string().contains("given up after"), "{failure}");
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    let settings = Settings::merge("[edge]\nlisten = \"0.0.0.0:9\"", "test", std::iter::empty()).unwrap();
    assert!(matches!(Endpoint::new(Some("nowhere"), None, &settings), Err(Failure::Usage(_))));
    assert_eq!(Endpoint::new(None, None, &settings).unwrap().url.as_str(), "http://127.0.0.1:9/tr/v1/tr/");
}
