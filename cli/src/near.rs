//! Speaking to an edge of this machine: over TLS where its settings say so, and then to nobody but who shows the very
//! certificate that they name. The name in that is the site's and not this machine's, and who signed it may be known to nobody
//! here: so what is compared is the certificate, not what vouches for it. Tells no secret to whom it asks.

use reqwest::{Client, ClientBuilder, Response, tls::TlsInfo};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use tracker_edge::config::{Certificate, EdgeConfig};
use tracker_stream::{
    config::{Mistakes, Settings},
    fault::Fault,
};

/// How it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speech {
    /// Plain HTTP.
    Plain,
    /// HTTPS; it shows the certificate in this file.
    Pinned(PathBuf),
    /// HTTPS; an authority that everybody knows gave it a certificate for this name.
    Named(String),
}

/// A program of this machine, or of one whose address it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Near {
    pub(crate) listen: SocketAddr,
    pub(crate) speech: Speech,
}

impl Near {
    /// One that speaks plain HTTP.
    pub(crate) const fn plain(listen: SocketAddr) -> Self {
        Self { listen, speech: Speech::Plain }
    }

    /// The edge of these settings.
    pub(crate) fn edge(settings: &Settings) -> Result<Self, Mistakes> {
        let EdgeConfig { listen, tls, .. } = EdgeConfig::read(settings)?;
        let speech = match tls.map(|tls| tls.certificate) {
            None => Speech::Plain,
            Some(Certificate::Files { cert, .. }) => Speech::Pinned(cert),
            Some(Certificate::Acme(acme)) => {
                acme.domains.into_iter().next().map_or(Speech::Plain, Speech::Named)
            }
        };
        Ok(Self { listen, speech })
    }

    /// Its address, without a slash at the end. Who listens everywhere is found here.
    pub(crate) fn url(&self) -> String {
        let at = self.at();
        match &self.speech {
            Speech::Plain => format!("http://{at}"),
            Speech::Pinned(_) => format!("https://{at}"),
            Speech::Named(name) => format!("https://{name}:{}", at.port()),
        }
    }

    fn at(&self) -> SocketAddr {
        let here: IpAddr =
            if self.listen.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let ip = if self.listen.ip().is_unspecified() { here } else { self.listen.ip() };
        SocketAddr::new(ip, self.listen.port())
    }

    /// What asks it, and waits so long for an answer. Not through the environment's proxy: it asks this machine.
    pub(crate) fn client(&self, timeout: Duration) -> Result<Client, Fault> {
        let client = Client::builder().timeout(timeout).no_proxy();
        let client: ClientBuilder = match &self.speech {
            Speech::Plain => client,
            Speech::Pinned(_) => client.danger_accept_invalid_certs(true).tls_info(true),
            Speech::Named(name) => client.resolve(name, self.at()),
        };
        client.build().map_err(|error| Fault::new("http", error.to_string()))
    }

    /// Asks it; what it says counts only if it is who is meant.
    pub(crate) async fn ask(&self, client: &Client, path: &str) -> Result<Response, String> {
        let asked = client.get(format!("{}{path}", self.url())).send().await;
        let answer = asked.map_err(|error| error.without_url().to_string())?;
        let Speech::Pinned(file) = &self.speech else { return Ok(answer) };
        let expected =
            CertificateDer::from_pem_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        if shown == Some(expected.as_ref()) {
            Ok(answer)
        } else {
            Err(format!("it shows another certificate than {} (edge.tls.cert)", file.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("", "http://127.0.0.1:8080")]
    #[case::everywhere("[edge]\nlisten = \"0.0.0.0:80\"", "http://127.0.0.1:80")]
    #[case::everywhere_v6("[edge]\nlisten = \"[::]:80\"", "http://[::1]:80")]
    #[case::files("[edge.tls]\ncert = \"c.pem\"\nkey = \"k.pem\"", "https://127.0.0.1:8080")]
    #[case::ordered("[edge.acme]\ndomains = [\"tr.example.com\"]", "https://tr.example.com:8080")]
    fn an_edge_is_spoken_to_as_its_settings_have_it_listen(#[case] text: &str, #[case] url: &str) {
        let settings = Settings::merge(text, "test", std::iter::empty()).unwrap();
        assert_eq!(Near::edge(&settings).unwrap().url(), url);
    }
}
