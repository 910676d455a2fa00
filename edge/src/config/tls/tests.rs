use crate::config::{AcmeConfig, Certificate, EdgeConfig, TlsConfig};
use std::time::Duration;
use tracker_stream::config::{Mistakes, Settings};

fn read(text: &str) -> Result<Option<TlsConfig>, Mistakes> {
    let settings = Settings::merge(text, "test", std::iter::empty())?;
    EdgeConfig::read(&settings).map(|config| config.tls)
}

fn wrong(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(|mistake| mistake.key.clone()).collect()
}

#[test]
fn connections_are_plain_unless_told_otherwise() {
    assert_eq!(read("").unwrap(), None);
}

#[test]
fn a_pair_of_files() {
    let text = "[edge.tls]\ncert = \"c.pem\"\nkey = \"k.pem\"\nhttp_listen = \"0.0.0.0:80\"";
    let expected = TlsConfig {
        certificate: Certificate::Files { cert: "c.pem".into(), key: "k.pem".into() },
        handshake_timeout: Duration::from_secs(10),
        http_listen: Some("0.0.0.0:80".parse().unwrap()),
        public_port: 443,
    };
    assert_eq!(read(text).unwrap(), Some(expected));
}

#[test]
fn a_certificate_that_is_ordered() {
    let text = "[edge.acme]\ndomains = [\"TR.example.com\"]\ncontact = [\"a@example.com\"]";
    let Certificate::Acme(acme) = read(text).unwrap().unwrap().certificate else { panic!("acme") };
    let expected = AcmeConfig {
        domains: vec!["tr.example.com".to_owned()],
        contact: vec!["mailto:a@example.com".to_owned()],
        cache: ".tracker/acme".into(),
        directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
        directory_ca: None,
    };
    assert_eq!(acme, expected);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    assert_eq!(wrong("[edge.tls]\ncert = \"c.pem\""), ["edge.tls"]);
    assert_eq!(wrong("[edge.tls]\nhttp_listen = \"127.0.0.1:80\""), ["edge.tls.http_listen"]);
    let both = "[edge.tls]\ncert = \"c\"\nkey = \"k\"\n[edge.acme]\ndomains = [\"a.example\"]";
    assert_eq!(wrong(both), ["edge.acme.domains"]);
    let all = "[edge.tls]\nhttp_listen = \"here\"\nhandshake_timeout = \"0ms\"\n[edge.acme]\ndomains = [\"*.example\"]\n\
        contact = [\"me\"]\ncache = \"\"\ndirectory = \"http://a.example\"";
    let expected = [
        "edge.acme.domains",
        "edge.acme.contact",
        "edge.acme.cache",
        "edge.acme.directory",
        "edge.tls.http_listen",
        "edge.tls.handshake_timeout",
    ];
    assert_eq!(wrong(all), expected);
}
