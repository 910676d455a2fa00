//! Where the edge listens: bound before anything else is begun, so that an address that is taken is told at once.

use crate::config::EdgeConfig;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tracker_stream::fault::Fault;

/// Where the edge listens.
pub struct Listeners {
    /// For everything.
    pub main: TcpListener,
    /// For plain HTTP, where the other is encrypted.
    pub redirect: Option<TcpListener>,
}

impl Listeners {
    /// Binds them.
    ///
    /// # Errors
    /// An address that is taken, or not ours.
    pub async fn bind(config: &EdgeConfig) -> Result<Self, Fault> {
        let beside = config.tls.as_ref().and_then(|tls| tls.http_listen);
        let redirect = match beside {
            Some(address) => Some(bind(address, "edge.tls.http_listen").await?),
            None => None,
        };
        Ok(Self { main: bind(config.listen, "edge.listen").await?, redirect })
    }
}

async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::new("listen", format!("cannot listen on {address}: {error}; set another `{key}`"))
    })
}
