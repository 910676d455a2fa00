//! Connections: accepted up to a bound, served with time-outs, drained at the end. Knows no route.

#[cfg(test)]
mod tests;

use super::routes::{Edge, Peer, routes};
use crate::{config::ConnectionLimits, keep::Keep, metrics};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{future::poll_fn, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use warp::{filters::BoxedFilter, reply::Response};

/// The open connections, at most so many.
#[derive(Debug, Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    most: usize,
}

impl Connections {
    /// None is open yet.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most }
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 72\r\n\r\n\
    {\"error\":\"too_many_connections\",\"detail\":\"all connections are in use\"}\r\n";
const SLOW_HEAD: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n\
    content-length: 79\r\n\r\n\
    {\"error\":\"header_timeout\",\"detail\":\"send the whole head without such a wait\"}\r\n";

/// How long to wait when the machine has no file descriptor left.
const BREATH: Duration = Duration::from_millis(50);
/// How long an answer may wait to be read, milliseconds.
#[cfg(target_os = "linux")]
const UNREAD_MS: u32 = 30_000;
/// How long a client may go on sending what is thrown away, so that it comes to read its answer.
const LINGER: Duration = Duration::from_secs(2);

/// Serves until `shutdown`; then takes no more connections and lets open requests end within the grace period.
pub async fn serve<K: Keep>(listener: TcpListener, edge: &Arc<Edge<K>>, shutdown: CancellationToken) {
    let limits = edge.collector.config.connection;
    let routes = routes(edge);
    let open = TaskTracker::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match edge.connections.take() {
                Some(permit) => {
                    let connection = Connection { stream, peer, limits, routes: routes.clone() };
                    let shutdown = shutdown.clone();
                    open.spawn(async move {
                        connection.serve(shutdown).await;
                        drop(permit);
                    });
                }
                None => turn_away(&stream),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(limits.grace, open.wait()).await.is_err() {
        tracing::warn!(open = edge.connections.open(), "the grace period is over; these connections are cut");
    }
}

/// Says so, and closes. Not left waiting in the backlog: a caller that knows can go elsewhere.
fn turn_away(stream: &TcpStream) {
    metrics::connection_refused();
    // A new socket has room for so little; if not, the close says it too.
    let _said = stream.try_write(FULL);
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    limits: ConnectionLimits,
    routes: BoxedFilter<(Response,)>,
}

impl Connection {
    async fn serve(self, shutdown: CancellationToken) {
        let Self { stream, peer, limits, routes } = self;
        tune(&stream);
        let routes = warp::service(routes);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            Box::pin(tower_service::Service::call(&mut routes.clone(), request))
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_header_size(limits.header)
            .max_buf_size(limits.header)
            // A client that has said everything may close its half: what it sent is recorded, and it is answered.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut draining = false;
        let ended = loop {
            tokio::select! {
                ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
                () = shutdown.cancelled(), if !draining => {
                    draining = true;
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        // Where nothing of a head has come, the client is only keeping the connection: it is closed without a word.
        if ended.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty() {
            metrics::slow_head();
            let _said = stream.try_write(SLOW_HEAD);
        }
        let _closed = tokio::time::timeout(LINGER, linger(&mut stream)).await;
    }
}

/// Answers go at once; and a client that does not read them is given up by the kernel, whose buffers they wait in.
fn tune(stream: &TcpStream) {
    let _unset = stream.set_nodelay(true); // slower then, no more
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
        let _unset = setsockopt(stream, TcpUserTimeout, &UNREAD_MS);
    }
}

/// Closes our half and reads the rest of what the client is sending. A socket closed with unread bytes is reset,
/// and the client may lose the answer that says why.
async fn linger(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut thrown_away = [0; 16 << 10];
    while stream.read(&mut thrown_away).await? > 0 {}
    Ok(())
}
