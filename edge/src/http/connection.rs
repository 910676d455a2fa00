//! One connection, from its first byte of HTTP to its close: time-outs, upgrades, the end of the process. Knows no
//! route and nothing of how its bytes came.

use super::{pace::Pace, routes::Peer};
use crate::{config::ConnectionLimits, metrics, request::Scheme};
use http::{HeaderValue, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use warp::{filters::BoxedFilter, reply::Response};

const SLOW_HEAD: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 79\r\n\r\n\
    {\"error\":\"header_timeout\",\"detail\":\"send the whole head without such a wait\"}\r\n";

/// How long an answer may wait to be read.
pub(super) const UNREAD: Duration = Duration::from_secs(30);
/// How long a client may go on sending what is thrown away, so that it comes to read its answer.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// Requests that one connection of HTTP/2 may have open.
const STREAMS: u32 = 100;
/// Bytes of bodies that nobody has read yet: of one request, and of all of a connection. hyper's own are 1 MiB each,
/// which 10,000 connections would make 10 GB of.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;

/// A stream that speaks HTTP, whatever carries it.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Carrier for S {}

/// What was agreed on before the first byte of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1, with upgrades.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Who is at the other end, and what for.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) scheme: Scheme,
    pub(super) limits: ConnectionLimits,
    pub(super) routes: BoxedFilter<(Response,)>,
}

impl Connection {
    /// Serves requests until the client, a time-out or `shutdown` ends it.
    pub(super) async fn serve<S: Carrier>(self, protocol: Protocol, stream: S, shutdown: CancellationToken) {
        match protocol {
            Protocol::Http1 => self.http1(stream, shutdown).await,
            Protocol::Http2 => Box::pin(self.http2(stream, shutdown)).await,
        }
    }

    async fn http1<S: Carrier>(self, stream: S, shutdown: CancellationToken) {
        let limits = self.limits;
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_header_size(limits.header)
            .max_buf_size(limits.header)
            // A client that has said everything may close its half: what it sent is recorded, and it is answered.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), Served { connection: self, pace: Arc::default() })
            .with_upgrades();
        let mut draining = false;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                () = shutdown.cancelled(), if !draining => {
                    draining = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        // None: the stream was handed over, and is no more HTTP.
        let Some(parts) = connection.into_parts() else { return };
        let mut stream = parts.io.into_inner();
        // Where nothing of a head has come, the client is only keeping the connection: it is closed without a word.
        if ended.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty() {
            metrics::slow_head();
            let _said = timeout(LINGER, stream.write_all(SLOW_HEAD)).await;
        }
        let _closed = timeout(LINGER, linger(&mut stream)).await;
    }

    /// hyper has no time-out for a head of HTTP/2, nor for the next one to begin: a connection on which nothing is
    /// asked for so long is told to go away. What it has not read a while later is cut with it.
    async fn http2<S: Carrier>(self, stream: S, shutdown: CancellationToken) {
        let (limits, pace) = (self.limits, Arc::new(Pace::default()));
        let served = Served { connection: self, pace: Arc::clone(&pace) };
        let mut connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits.header).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(UNREAD)
            .serve_connection(TokioIo::new(stream), served);
        let patience = tokio::select! {
            _ended = &mut connection => return,
            () = pace.spent() => return metrics::connection_cut("resets"),
            // Who never asked anything has nothing to read.
            () = pace.quiet(limits.header_timeout) => if pace.begun() == 0 { return } else { UNREAD },
            () = shutdown.cancelled() => limits.grace,
        };
        Pin::new(&mut connection).graceful_shutdown();
        tokio::select! {
            _ended = timeout(patience, &mut connection) => {}
            () = pace.spent() => metrics::connection_cut("resets"),
        }
    }
}

/// Closes our half and reads the rest of what the client is sending. A socket closed with unread bytes is reset,
/// and the client may lose the answer that says why.
pub(super) async fn linger<S: Carrier>(stream: &mut S) -> std::io::Result<()> {
    stream.shutdown().await?;
    // On the heap, and only now: on the stack each connection would hold it for as long as it is open.
    let mut thrown_away = vec![0; 16 << 10];
    while stream.read(&mut thrown_away).await? > 0 {}
    Ok(())
}

/// Hands each request to the routes, with who asks.
struct Served {
    connection: Connection,
    pace: Arc<Pace>,
}

impl hyper::service::Service<hyper::Request<Incoming>> for Served {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        name_host(&mut request);
        request.extensions_mut().insert(Peer(self.connection.peer));
        request.extensions_mut().insert(self.connection.scheme);
        let mut routes = warp::service(self.connection.routes.clone());
        let answering = tower_service::Service::call(&mut routes, request);
        let turn = Pace::begin(&self.pace);
        Box::pin(async move {
            let answered = answering.await;
            turn.end();
            answered
        })
    }
}

/// HTTP/2 names the host in `:authority`, as HTTP/1.1 may in the target; that counts, and `Host` is overridden.
fn name_host(request: &mut hyper::Request<Incoming>) {
    let Some(authority) = request.uri().authority() else { return };
    let named = authority.as_str().rsplit('@').next().unwrap_or_default();
    if let Ok(host) = HeaderValue::from_str(named) {
        request.headers_mut().insert(header::HOST, host);
    }
}
