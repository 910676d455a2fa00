//! TLS: from an accepted socket to an encrypted stream, and which certificate is shown. Versions 1.2 and 1.3 and the
//! ciphers are rustls' own; there is no way to weaken them.

mod acme;
mod files;

use super::connection::{Carrier, Protocol};
use crate::{
    config::{Certificate, TlsConfig},
    metrics,
};
use acme::Order;
use files::{Pair, Shown};
use rustls::{
    ProtocolVersion, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{Acceptor, ResolvesServerCert},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt, time::timeout};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tracker_stream::config::{Mistake, Mistakes};

/// Encrypts connections.
pub struct Tls {
    config: Arc<ServerConfig>,
    /// How an ACME authority that looks for our answer is answered.
    challenge: Option<Arc<ServerConfig>>,
    names: Names,
    handshake_timeout: Duration,
}

/// What the edge is called.
enum Names {
    /// As the certificate says.
    Shown(Arc<Shown>),
    /// As the order says.
    Ordered(Vec<String>),
}

/// What keeps the certificate fresh.
pub enum Upkeep {
    /// Its files are watched.
    Files(Pair),
    /// It is ordered, and again before it expires.
    Acme(Box<Order>),
}

impl Upkeep {
    /// Works until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        match self {
            Self::Files(pair) => pair.watch(shutdown).await,
            Self::Acme(order) => {
                shutdown.run_until_cancelled(order.renew()).await;
            }
        }
    }
}

impl Tls {
    /// Reads the certificate, or prepares to order it. Nothing is asked of an authority yet.
    ///
    /// # Errors
    /// Files that cannot be read or do not belong together.
    pub fn load(config: &TlsConfig) -> Result<(Self, Upkeep), Mistakes> {
        let (resolver, challenge, names, upkeep): (Arc<dyn ResolvesServerCert>, _, _, _) =
            match &config.certificate {
                Certificate::Files { cert, key } => {
                    let pair = Pair::load(cert, key).map_err(|detail| mistake("edge.tls", detail))?;
                    let shown = Arc::clone(&pair.shown);
                    (Arc::clone(&shown) as _, None, Names::Shown(shown), Upkeep::Files(pair))
                }
                Certificate::Acme(acme) => {
                    let order =
                        Order::prepare(acme).map_err(|detail| mistake("edge.acme.directory_ca", detail))?;
                    let names = Names::Ordered(acme.domains.clone());
                    (order.resolver(), Some(order.challenge()), names, Upkeep::Acme(Box::new(order)))
                }
            };
        let server = server_config(resolver).map_err(|error| mistake("edge.tls", error.to_string()))?;
        let tls =
            Self { config: Arc::new(server), challenge, names, handshake_timeout: config.handshake_timeout };
        Ok((tls, upkeep))
    }

    /// Whether a client that asks for this host finds our certificate to be right.
    #[must_use]
    pub fn speaks_for(&self, host: &str) -> bool {
        match &self.names {
            Names::Ordered(domains) => domains.iter().any(|domain| domain.eq_ignore_ascii_case(host)),
            Names::Shown(shown) => shown.speaks_for(host),
        }
    }

    /// Shakes hands. `None`: it came to nothing, which is counted.
    pub(super) async fn accept<S: Carrier>(&self, stream: S) -> Option<(Protocol, TlsStream<S>)> {
        let (outcome, accepted) = match timeout(self.handshake_timeout, self.shake_hands(stream)).await {
            Ok(Ok(Some(stream))) => (version(&stream), Some((protocol(&stream), stream))),
            Ok(Ok(None)) => ("challenge", None),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                ("failed", None)
            }
            Err(_) => ("timeout", None),
        };
        metrics::handshake(outcome);
        accepted
    }

    async fn shake_hands<S: Carrier>(&self, stream: S) -> io::Result<Option<TlsStream<S>>> {
        let Some(challenge) = &self.challenge else {
            return TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await.map(Some);
        };
        let greeted = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if rustls_acme::is_tls_alpn_challenge(&greeted.client_hello()) {
            greeted.into_stream(Arc::clone(challenge)).await?.shutdown().await?;
            return Ok(None);
        }
        greeted.into_stream(Arc::clone(&self.config)).await.map(Some)
    }
}

fn mistake(key: &str, detail: String) -> Mistakes {
    let mut mistakes = Mistakes::default();
    mistakes.add(Mistake::new(key, detail));
    mistakes
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Sessions are resumed from what the client keeps: nothing is remembered of each here.
    config.ticketer = ring::Ticketer::new()?;
    Ok(config)
}

fn protocol<S>(stream: &TlsStream<S>) -> Protocol {
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    }
}

fn version<S>(stream: &TlsStream<S>) -> &'static str {
    match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "tls12",
        _ => "tls13",
    }
}
