//! One question over HTTP: are you there?

use std::{net::Ipv4Addr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// Whether `GET /ping` answers 200.
pub(super) async fn ping(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
        stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n").await.ok()?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await.ok()?;
        Some(answer)
    };
    let answer = timeout(ANSWER, ask).await.ok().flatten().unwrap_or_default();
    answer.starts_with(b"HTTP/1.") && answer.get(8..12) == Some(b" 200".as_slice())
}
