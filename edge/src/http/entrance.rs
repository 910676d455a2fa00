//! From an accepted socket to the first byte of HTTP: for whom a proxy speaks, and the handshake of TLS. Knows no route.

use super::{
    connection::{Connection, Protocol},
    held::Held,
    preface,
    tls::Tls,
};
use crate::{address::Trust, config::ConnectionLimits, metrics, request::Scheme};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use warp::{filters::BoxedFilter, reply::Response};

/// What stands before the routes.
pub(super) struct Entrance {
    /// Which proxies have to say for whom they speak; `None`: none has to.
    pub(super) trust: Option<Trust>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) limits: ConnectionLimits,
    pub(super) routes: BoxedFilter<(Response,)>,
}

impl Entrance {
    /// Serves one connection to its end, or closes it before it has begun.
    pub(super) async fn enter(
        self: Arc<Self>,
        mut stream: Held<TcpStream>,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        let peer = match &self.trust {
            None => peer,
            Some(trust) => match preface::read(&mut stream, peer, trust, self.limits.header_timeout).await {
                Ok(client) => client,
                Err(wrong) => return metrics::connection_cut(wrong.tag()),
            },
        };
        match &self.tls {
            None => self.connection(peer, Scheme::Http).serve(Protocol::Http1, stream, shutdown).await,
            // Apart, so that a plain connection does not hold the room for this one's state.
            Some(tls) => Box::pin(self.encrypted(tls, stream, peer, shutdown)).await,
        }
    }

    async fn encrypted(
        &self,
        tls: &Tls,
        stream: Held<TcpStream>,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        // At the end a handshake is broken off: nobody is waiting for an answer yet.
        let shaken = shutdown.run_until_cancelled(Box::pin(tls.accept(stream))).await;
        if let Some(Some((protocol, stream))) = shaken {
            self.connection(peer, Scheme::Https).serve(protocol, stream, shutdown).await;
        }
    }

    fn connection(&self, peer: SocketAddr, scheme: Scheme) -> Connection {
        Connection { peer, scheme, limits: self.limits, routes: self.routes.clone() }
    }
}
