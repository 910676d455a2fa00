//! The wire: TLS and its certificates, HTTP/2, the PROXY protocol, and what keeps many, slow or hostile connections from
//! disturbing the others.

mod acme;
mod crowds;
mod draining;
mod http2;
mod preface;
mod tls;

use crate::rig::{Answer, Authority, Program, Site, http_client, post, until};
use reqwest::{Client, Method, RequestBuilder};
use std::{path::PathBuf, time::Duration};
use tokio::{net::TcpStream, sync::OnceCell};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use tracker_stack::free_ports;

/// An edge that encrypts, and who its clients trust.
pub struct Secure {
    pub site: Site,
    pub authority: Authority,
    pub client: Client,
    /// `host:port` of plain HTTP beside it.
    pub plain: String,
}

/// One that breaks nothing is shared.
async fn secure() -> &'static Secure {
    static SECURE: OnceCell<Secure> = OnceCell::const_new();
    SECURE.get_or_init(|| Secure::start("secure", &[])).await
}

impl Secure {
    async fn start(name: &'static str, settings: &[(&str, &str)]) -> Self {
        let authority = Authority::new();
        let [plain] = *free_ports(1).unwrap() else { panic!("a port") };
        let plain = format!("127.0.0.1:{plain}");
        let mut all = vec![
            ("EDGE__TLS__CERT", "cert.pem"),
            ("EDGE__TLS__KEY", "key.pem"),
            ("EDGE__TLS__HTTP_LISTEN", plain.as_str()),
        ];
        all.extend(settings);
        let mut site = Site::prepare(name, &all).await;
        let root = reqwest::Certificate::from_pem(authority.cert().as_bytes()).unwrap();
        let client = http_client(Client::builder().add_root_certificate(root));
        let port = site.address(Program::Edge).rsplit(':').next().unwrap().to_owned();
        site.environment.insert("TRACKER_EDGE__TLS__PUBLIC_PORT".to_owned(), port);
        site.tracker(&["topics", "apply"]);
        let mut secure = Self { site, authority, client, plain };
        secure.show(&["localhost", "a.example"]);
        secure.site.launch(Program::Edge);
        until("the edge is ready over TLS", async || {
            let answer = secure.request(Method::GET, "/ready").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        secure
    }

    fn file(&self, name: &str) -> PathBuf {
        self.site.folder.join(name)
    }

    /// Puts a new certificate in place, the key first: for a moment they do not belong together.
    fn show(&mut self, names: &[&str]) {
        let issued = self.authority.issue(names);
        for (name, text) in [("key.pem", issued.key), ("cert.pem", issued.cert)] {
            let new = self.file("new.pem");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, self.file(name)).unwrap();
        }
    }

    fn port(&self) -> String {
        self.site.address(Program::Edge).trim_start_matches("http://").to_owned()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("https://{}{path}", self.port()))
    }

    async fn metric(&self, name: &str) -> f64 {
        let text = post(self.request(Method::GET, "/metrics")).await.text();
        metric(&text, name)
    }

    /// An encrypted connection; with ALPN or without.
    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.authority.cert().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.port()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

/// One sample of Prometheus' text; 0: it is not there yet.
fn metric(text: &str, name: &str) -> f64 {
    let sample = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    sample.map_or(0.0, |value| value.parse().unwrap())
}

/// Answers that a client who does nothing wrong gets meanwhile: what nine in ten of so many take at most, one after another.
/// The slowest one says more of the machine, which may stand still for a moment, than of the edge.
async fn nine_in_ten(request: impl Fn() -> RequestBuilder, times: usize) -> Duration {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let asked = std::time::Instant::now();
        let Answer { status, .. } = post(request()).await;
        assert_eq!(status, 200);
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    took[times * 9 / 10]
}
