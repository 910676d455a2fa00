//! A client that writes its own bytes: slow, broken, or holding its connection.

use super::{Program, Site};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// What a client does after its last piece.
pub enum End {
    /// Says nothing more, and waits.
    Silent,
    /// Closes its half.
    Closed,
}

impl Site {
    /// A connection to the edge.
    pub async fn connect(&self) -> TcpStream {
        connect(&self.address(Program::Edge)).await
    }

    /// The same, where it may not listen yet.
    pub async fn try_connect(&self) -> Option<TcpStream> {
        let address = self.address(Program::Edge);
        TcpStream::connect(address.trim_start_matches("http://")).await.ok()
    }

    /// One of a crowd, from an address of its own: that leaves the ports of 127.0.0.1 to the other tests.
    pub async fn connect_apart(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.4:0".parse().unwrap()).unwrap();
        let address = self.address(Program::Edge);
        socket.connect(address.trim_start_matches("http://").parse().unwrap()).await.unwrap()
    }

    /// Says something piece by piece, and gives all that is answered until the edge closes.
    pub async fn talk(&self, pieces: &[&[u8]], end: End) -> String {
        talk(&self.address(Program::Edge), pieces, end).await
    }
}

/// A connection to what answers at `http://host:port`.
pub async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.expect("a connection")
}

/// [`Site::talk`] with it.
pub async fn talk(url: &str, pieces: &[&[u8]], end: End) -> String {
    let mut stream = connect(url).await;
    for piece in pieces {
        // The edge may have answered and closed by now, which the answer tells.
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    if let End::Closed = end {
        let _closed = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    // A reset after the answer: what came before it counts.
    let _reset = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status and reason of an answer as it came.
pub fn refusal(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    let reason = said["error"].as_str().unwrap_or_default().to_owned();
    (status.unwrap_or_else(|| panic!("no answer: {answer:?}")), reason)
}
