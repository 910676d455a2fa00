//! Sections `[edge.tls]` and `[edge.acme]`.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tracker_stream::config::{Mistake, Mistakes, span};

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where the certificate comes from.
    pub certificate: Certificate,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// Where plain HTTP is answered with where to go; `None`: nowhere.
    pub http_listen: Option<SocketAddr>,
    /// The port of `https://` as clients see it.
    pub public_port: u16,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// PEM files, read again when they change.
    Files {
        /// The chain, the edge's own first.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// An authority that speaks ACME.
    Acme(AcmeConfig),
}

/// How certificates are ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeConfig {
    /// The names that the certificate is for.
    pub domains: Vec<String>,
    /// Whom the authority writes to: `mailto:` addresses.
    pub contact: Vec<String>,
    /// Where account and certificate are kept.
    pub cache: PathBuf,
    /// The authority's directory.
    pub directory: String,
    /// A PEM file of who signed the directory's own certificate; `None`: one of the well-known.
    pub directory_ca: Option<PathBuf>,
}

/// `[edge.tls]` as it is written.
#[derive(Deserialize)]
pub(super) struct Written {
    cert: PathBuf,
    key: PathBuf,
    #[serde(with = "span")]
    handshake_timeout: Duration,
    http_listen: String,
    public_port: u16,
}

/// `[edge.acme]` as it is written.
#[derive(Deserialize)]
pub(super) struct WrittenAcme {
    domains: Vec<String>,
    contact: Vec<String>,
    cache: PathBuf,
    directory: String,
    directory_ca: PathBuf,
}

fn wrong(mistakes: &mut Mistakes, key: &str, detail: impl Into<String>) {
    mistakes.add(Mistake::new(format!("edge.{key}"), detail.into()));
}

impl Written {
    /// What is meant; `None`: connections are not encrypted.
    pub(super) fn meant(self, acme: WrittenAcme) -> Result<Option<TlsConfig>, Mistakes> {
        let mut mistakes = Mistakes::default();
        let files = !self.cert.as_os_str().is_empty() || !self.key.as_os_str().is_empty();
        let certificate = match (files, acme.domains.is_empty()) {
            (true, false) => {
                wrong(
                    &mut mistakes,
                    "acme.domains",
                    "must be empty where edge.tls.cert is given: one of them",
                );
                None
            }
            (true, true) => {
                if self.cert.as_os_str().is_empty() || self.key.as_os_str().is_empty() {
                    wrong(&mut mistakes, "tls", "cert and key must be given together");
                }
                Some(Certificate::Files { cert: self.cert, key: self.key })
            }
            (false, false) => mistakes.collect(acme.meant()).map(Certificate::Acme),
            (false, true) => None,
        };
        let http_listen = match self.http_listen.as_str() {
            "" => None,
            written => written.parse().ok().or_else(|| {
                let detail = format!("must be an address such as 0.0.0.0:80, not `{written}`");
                wrong(&mut mistakes, "tls.http_listen", detail);
                None
            }),
        };
        if self.handshake_timeout.is_zero() {
            wrong(&mut mistakes, "tls.handshake_timeout", "must be at least 1ms");
        }
        let encrypted = certificate.map(|certificate| TlsConfig {
            certificate,
            handshake_timeout: self.handshake_timeout,
            http_listen,
            public_port: self.public_port,
        });
        if encrypted.is_none() && http_listen.is_some() {
            let detail = "sends clients to https://, which needs edge.tls.cert or edge.acme.domains";
            wrong(&mut mistakes, "tls.http_listen", detail);
        }
        mistakes.or(encrypted)
    }
}

impl WrittenAcme {
    fn meant(self) -> Result<AcmeConfig, Mistakes> {
        let mut mistakes = Mistakes::default();
        if self.domains.iter().any(|domain| domain.is_empty() || domain.contains(['*', '/', ':', '@'])) {
            let detail = "must be names such as tr.example.com; a wildcard needs a certificate of your own";
            wrong(&mut mistakes, "acme.domains", detail);
        }
        if self.contact.iter().any(|contact| !contact.contains('@')) {
            wrong(&mut mistakes, "acme.contact", "must be e-mail addresses");
        }
        if self.cache.as_os_str().is_empty() {
            wrong(
                &mut mistakes,
                "acme.cache",
                "must name a folder: authorities refuse who orders at each start",
            );
        }
        if !self.directory.starts_with("https://") {
            wrong(&mut mistakes, "acme.directory", "must be an https:// address");
        }
        let mailto = |contact: &String| format!("mailto:{}", contact.trim_start_matches("mailto:"));
        let config = AcmeConfig {
            contact: self.contact.iter().map(mailto).collect(),
            domains: self.domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            cache: self.cache,
            directory: self.directory,
            directory_ca: Some(self.directory_ca).filter(|path| !path.as_os_str().is_empty()),
        };
        mistakes.or(config)
    }
}
