//! A certificate in two PEM files, read again when they change. A pair that is wrong changes nothing.

use super::provider;
use arc_swap::ArcSwap;
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{ClientHello, ParsedCertificate, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at for a change.
const POLL: Duration = Duration::from_secs(1);

/// The certificate that is shown, whatever name is asked for.
#[derive(Debug)]
pub(super) struct Shown(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _asked: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Shown {
    pub(super) fn speaks_for(&self, host: &str) -> bool {
        let shown = self.0.load();
        let Ok(certificate) = shown.end_entity_cert().and_then(ParsedCertificate::try_from) else {
            return false;
        };
        ServerName::try_from(host).is_ok_and(|name| verify_server_name(&certificate, &name).is_ok())
    }
}

/// The two files, and what is shown of them.
pub struct Pair {
    cert: PathBuf,
    key: PathBuf,
    first: Written,
    pub(super) shown: Arc<Shown>,
}

/// What the files held. Compared as a whole: a file put in another's place may have its time and its length.
#[derive(PartialEq, Eq)]
struct Written {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Pair {
    /// Reads the pair; what is wrong with it is said in words.
    pub(super) fn load(cert: &Path, key: &Path) -> Result<Self, String> {
        let first = Written::read(cert, key)?;
        let shown = Arc::new(Shown(ArcSwap::from_pointee(first.certified()?)));
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), first, shown })
    }

    /// Reads the files again whenever they change, until `shutdown`.
    pub(super) async fn watch(self, shutdown: CancellationToken) {
        let mut seen = self.first;
        while shutdown.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
            // A file that is gone for a moment is being replaced.
            let Ok(written) = Written::read(&self.cert, &self.key) else { continue };
            if written == seen {
                continue;
            }
            match written.certified() {
                Ok(certified) => {
                    tracing::info!("the certificate was read again");
                    self.shown.0.store(Arc::new(certified));
                }
                Err(error) => {
                    tracing::warn!(
                        error,
                        "the changed certificate is wrong; the one before it is shown still"
                    )
                }
            }
            seen = written;
        }
    }
}

impl Written {
    fn read(cert: &Path, key: &Path) -> Result<Self, String> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        Ok(Self { cert: read(cert)?, key: read(key)? })
    }

    /// The pair, if its halves belong together.
    fn certified(&self) -> Result<CertifiedKey, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.map_err(|error| format!("cert is no PEM: {error}"))?;
        if chain.is_empty() {
            return Err("cert holds no certificate".to_owned());
        }
        let key =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| format!("key is no PEM: {error}"))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
            format!("cert and key do not belong together, or are of no kind that is known: {error}")
        })
    }
}
