//! Certificates of an authority that speaks ACME, such as Let's Encrypt: ordered, kept, ordered again when two thirds of
//! their time are over. The authority looks for its answer on the TLS port itself (`tls-alpn-01`), so that nothing needs
//! port 80. Gives up never: an order that fails is tried again, ever later.

use super::provider;
use crate::{config::AcmeConfig, metrics};
use futures::StreamExt;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, pem::PemObject},
    server::ResolvesServerCert,
};
use rustls_acme::{AcmeState, EventOk, caches::DirCache};
use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc};

/// An order, not begun.
pub struct Order {
    state: AcmeState<io::Error>,
    cache: PathBuf,
}

impl Order {
    /// Reads what is needed to trust the authority.
    pub(super) fn prepare(config: &AcmeConfig) -> Result<Self, String> {
        let client = client(config)?;
        let state = rustls_acme::AcmeConfig::new_with_client_config(&config.domains, Arc::new(client))
            .contact(&config.contact)
            .directory(&config.directory)
            .cache(DirCache::new(config.cache.clone()))
            .state();
        Ok(Self { state, cache: config.cache.clone() })
    }

    /// Knows the certificate once it is there.
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        self.state.resolver()
    }

    /// Answers the authority.
    pub(super) fn challenge(&self) -> Arc<ServerConfig> {
        self.state.challenge_rustls_config_with_provider(provider())
    }

    /// Orders, and renews for ever.
    pub(super) async fn renew(mut self) {
        // Private keys are kept in it.
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&self.cache) {
            tracing::warn!(%error, folder = %self.cache.display(), "certificates cannot be kept over a restart");
        }
        while let Some(event) = self.state.next().await {
            match event {
                Ok(EventOk::DeployedNewCert) => {
                    metrics::certificate("ordered");
                    tracing::info!("a new certificate is shown");
                }
                Ok(EventOk::DeployedCachedCert) => {
                    tracing::info!("the certificate of an earlier start is shown")
                }
                Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
                Err(error) => {
                    metrics::certificate("failed");
                    tracing::warn!(%error, "no certificate from the authority yet; it is asked again");
                }
            }
        }
    }
}

/// How the authority itself is asked: by the roots that browsers know, or the one that is named.
fn client(config: &AcmeConfig) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &config.directory_ca {
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
        let certificates =
            certificates.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(format!("{} holds no certificate of an authority", path.display()));
        }
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
