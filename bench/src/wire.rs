//! One connection of a load: a request goes out as it stands, and of an answer no more is read than whether it is the right one. What
//! a client costs is taken from the server that is measured, for they share the cores: hyper's took as much as the server.

use bytes::BytesMut;
use http::StatusCode;
use std::{fmt::Display, net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// Headers that an answer may have.
const HEADERS: usize = 64;

/// Room for most answers.
const ROOM: usize = 4 << 10;

/// How long a server that answers at all may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept.
pub struct Wire {
    stream: TcpStream,
    /// The last answer, as far as it has come.
    read: BytesMut,
}

/// What was answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// How.
    pub status: StatusCode,
    /// And with what.
    pub body: &'a [u8],
}

impl Wire {
    /// Connects to a port of this machine.
    ///
    /// # Errors
    /// Nobody who listens.
    pub async fn open(port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { stream, read: BytesMut::with_capacity(ROOM) })
    }

    /// Sends a request, and waits for the whole of its answer.
    ///
    /// # Errors
    /// A connection that breaks or falls silent, and an answer that does not say its length, or is followed by what nobody asked for.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        let Head { status, body, end } =
            timeout(PATIENCE, self.exchange(request)).await.map_err(failed)??;
        if self.read.len() > end {
            return Err(failed("the server sends more than its answer"));
        }
        Ok(Answer { status, body: self.read.get(body..).unwrap_or_default() })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head, Failure> {
        self.stream.write_all(request).await.map_err(failed)?;
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await.map_err(failed)? == 0 {
                return Err(failed("the server closed the connection instead of answering"));
            }
            match head(&self.read)? {
                Some(head) if self.read.len() >= head.end => return Ok(head),
                _ => {}
            }
        }
    }
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: StatusCode,
    /// Where the body begins.
    body: usize,
    /// And where it ends.
    end: usize,
}

/// `None`: the head is not whole yet.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = answer.parse(bytes).map_err(failed)? else { return Ok(None) };
    let status = StatusCode::from_u16(answer.code.unwrap_or_default()).map_err(failed)?;
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: Option<usize> =
        length.and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
    let end = length.and_then(|length| body.checked_add(length));
    let end = end.ok_or_else(|| failed(format!("an answer of {status} that does not say its length")))?;
    Ok(Some(Head { status, body, end }))
}

fn failed(error: impl Display) -> Failure {
    Fault::new("load", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{net::TcpListener, task::JoinHandle};

    /// A server that answers each request of four bytes with the next of these, one write for each of its pieces.
    async fn server(answers: Vec<Vec<&'static str>>) -> (u16, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            for answer in answers {
                stream.read_exact(&mut [0; 4]).await.unwrap();
                for piece in answer {
                    stream.write_all(piece.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        (port, serving)
    }

    #[tokio::test]
    async fn an_answer_is_read_whole_however_it_comes_and_the_next_is_another() {
        let taken = vec!["HTTP/1.1 200 OK\r\ncontent-", "length: 5\r\n\r\nab", "cde"];
        let refused = vec!["HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"];
        let (port, serving) = server(vec![taken, refused]).await;
        let mut wire = Wire::open(port).await.unwrap();
        assert_eq!(wire.ask(b"GET ").await.unwrap(), Answer { status: StatusCode::OK, body: b"abcde" });
        let refused = wire.ask(b"GET ").await.unwrap();
        assert_eq!(refused, Answer { status: StatusCode::TOO_MANY_REQUESTS, body: b"" });
        serving.await.unwrap();
    }

    #[test]
    fn of_a_head_that_is_not_whole_nothing_is_said() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nCONTENT-length: 7\r\n\r\n";
        for end in 0..answer.len() {
            assert_eq!(head(&answer[..end]).unwrap(), None, "{end}");
        }
        let whole =
            Head { status: StatusCode::SERVICE_UNAVAILABLE, body: answer.len(), end: answer.len() + 7 };
        assert_eq!(head(answer).unwrap(), Some(whole));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_a_failure() {
        let too_much = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab";
        let no_length = "HTTP/1.1 200 OK\r\n\r\n";
        let cut_off = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab";
        for answer in [too_much, no_length, "SMTP ready\r\n", cut_off] {
            let (port, serving) = server(vec![vec![answer]]).await;
            let mut wire = Wire::open(port).await.unwrap();
            assert!(wire.ask(b"GET ").await.is_err(), "{answer}");
            serving.await.unwrap();
        }
    }
}
