//! Connections: accepted up to a bound, served with time-outs, drained at the end. Knows no route.

#[cfg(test)]
mod tests;

use super::{
    connection::UNREAD,
    entrance::Entrance,
    held::{Held, Place},
    redirect,
    routes::{Edge, routes},
    tls::Tls,
};
use crate::{keep::Keep, metrics};
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

/// Where connections come in.
pub struct Doors {
    /// To everything.
    pub main: TcpListener,
    /// What encrypts that.
    pub tls: Option<Arc<Tls>>,
    /// Plain HTTP beside it, which is sent to `https://`.
    pub redirect: Option<TcpListener>,
}

/// Serves until `shutdown`; then takes no more connections and lets open requests end within the grace period.
pub async fn serve<K: Keep>(doors: Doors, edge: &Arc<Edge<K>>, shutdown: CancellationToken) {
    let config = &edge.collector.config;
    let open = TaskTracker::new();
    let entrance = |tls: Option<Arc<Tls>>, routes| Entrance {
        trust: config.proxy_protocol.then(|| config.trust.clone()),
        tls,
        limits: config.connection,
        routes,
    };
    let main = Door {
        entrance: Arc::new(entrance(doors.tls.clone(), routes(edge))),
        connections: edge.connections.clone(),
        open: open.clone(),
    };
    let beside = doors.redirect.zip(doors.tls).map(|(listener, tls)| {
        let routes = redirect::routes(tls, config.tls.as_ref().map_or(443, |tls| tls.public_port));
        (listener, Door { entrance: Arc::new(entrance(None, routes)), ..main.clone() })
    });
    let beside = async {
        if let Some((listener, door)) = beside {
            door.admit(listener, &shutdown).await;
        }
    };
    tokio::join!(main.admit(doors.main, &shutdown), beside);
    edge.connections.ending.cancel();
    open.close();
    if tokio::time::timeout(config.connection.grace, open.wait()).await.is_err() {
        tracing::warn!(open = edge.connections.open(), "the grace period is over; these connections are cut");
    }
}

/// What one listener's connections need.
#[derive(Clone)]
struct Door {
    entrance: Arc<Entrance>,
    connections: Connections,
    open: TaskTracker,
}

impl Door {
    async fn admit(&self, listener: TcpListener, shutdown: &CancellationToken) {
        while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => match self.connections.take() {
                    Some(permit) => {
                        tune(&stream);
                        let held =
                            Held { stream, _place: Place { _permit: permit, _open: self.open.token() } };
                        tokio::spawn(Arc::clone(&self.entrance).enter(held, peer, shutdown.clone()));
                    }
                    None => turn_away(&stream, self.entrance.tls.is_some()),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }
}

/// Says so, and closes. Not left waiting in the backlog: a caller that knows can go elsewhere.
fn turn_away(stream: &TcpStream, encrypted: bool) {
    metrics::connection_refused();
    if encrypted {
        return; // nobody would read it before a handshake, which is what costs
    }
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
