//! Connections: accepted up to a bound, served with time-outs, drained at the end. Knows no route.

#[cfg(test)]
mod tests;

use super::{
    connection::{Connection, Protocol, UNREAD},
    held::{Held, Place},
    routes::{Edge, routes},
};
use crate::{keep::Keep, metrics, request::Scheme};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The open connections, at most so many.
#[derive(Debug, Clone)]
pub struct Connections {
    free: Arc<Semaphore>,
    most: usize,
    ending: CancellationToken,
}

impl Connections {
    /// None is open yet.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(most)), most, ending: CancellationToken::new() }
    }

    /// Cancelled when the edge begins to drain: who holds a connection for longer than a request says good-bye then.
    #[must_use]
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 72\r\n\r\n\
    {\"error\":\"too_many_connections\",\"detail\":\"all connections are in use\"}\r\n";

/// How long to wait when the machine has no file descriptor left.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until `shutdown`; then takes no more connections and lets open requests end within the grace period.
pub async fn serve<K: Keep>(listener: TcpListener, edge: &Arc<Edge<K>>, shutdown: CancellationToken) {
    let limits = edge.collector.config.connection;
    let routes = routes(edge);
    let open = TaskTracker::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match edge.connections.take() {
                Some(permit) => {
                    tune(&stream);
                    let place = Place { _permit: permit, _open: open.token() };
                    let connection =
                        Connection { peer, scheme: Scheme::Http, limits, routes: routes.clone() };
                    let held = Held { stream, _place: place };
                    tokio::spawn(connection.serve(Protocol::Http1, held, shutdown.clone()));
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
    edge.connections.ending.cancel();
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

/// Answers go at once; and a client that does not read them is given up by the kernel, whose buffers they wait in.
fn tune(stream: &TcpStream) {
    let _unset = stream.set_nodelay(true); // slower then, no more
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
        let _unset =
            setsockopt(stream, TcpUserTimeout, &u32::try_from(UNREAD.as_millis()).unwrap_or(u32::MAX));
    }
}
