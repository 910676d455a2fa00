//! Versions, certificates, the redirect.

use super::{Secure, secure};
use crate::rig::{Program, Site, binary, post, run, until};
use openssl::{
    ssl::{SslConnector, SslMethod, SslVersion},
    x509::X509,
};
use reqwest::{Client, Method};
use serde_json::json;
use std::{
    net::TcpStream,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What OpenSSL agreed on.
struct Agreed {
    version: String,
    protocol: Option<Vec<u8>>,
    certificate: Vec<u8>,
}

/// Shakes hands with OpenSSL, in this version at most; its own bounds are put aside.
async fn shake_hands(secure: &Secure, most: SslVersion) -> Result<Agreed, String> {
    let (address, root) = (secure.port(), X509::from_pem(secure.authority.cert().as_bytes()).unwrap());
    let shake = move || {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        builder.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
        builder.set_max_proto_version(Some(most)).unwrap();
        builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
        builder.set_alpn_protos(b"\x02h2\x08http/1.1").unwrap();
        builder.cert_store_mut().add_cert(root).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        let stream = builder.build().connect("localhost", stream).map_err(|error| error.to_string())?;
        Ok(Agreed {
            version: stream.ssl().version_str().to_owned(),
            protocol: stream.ssl().selected_alpn_protocol().map(<[u8]>::to_vec),
            certificate: stream.ssl().peer_certificate().unwrap().to_der().unwrap(),
        })
    };
    tokio::task::spawn_blocking(shake).await.unwrap()
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    run(async {
        let secure = secure().await;
        let failed = async || secure.metric("tracker_edge_tls_handshakes_total{outcome=\"failed\"}").await;
        for (most, spoken) in [(SslVersion::TLS1_3, "TLSv1.3"), (SslVersion::TLS1_2, "TLSv1.2")] {
            let agreed = shake_hands(secure, most).await.unwrap();
            assert_eq!((agreed.version.as_str(), agreed.protocol.as_deref()), (spoken, Some(&b"h2"[..])));
        }
        let before = failed().await;
        for most in [SslVersion::TLS1_1, SslVersion::TLS1] {
            let refused = shake_hands(secure, most).await.err().expect("it is refused");
            assert!(refused.contains("alert"), "{refused}");
        }
        until("the failures are counted", async || (failed().await >= before + 2.0).then_some(())).await;
        assert!(secure.metric("tracker_edge_tls_handshakes_total{outcome=\"tls13\"}").await >= 1.0);
        assert!(secure.metric("tracker_edge_tls_handshakes_total{outcome=\"tls12\"}").await >= 1.0);
    });
}

/// Clients that open a connection for each event, until they are told to stop.
struct Load {
    done: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: tokio::task::JoinSet<()>,
}

impl Load {
    fn on(secure: &Secure) -> Self {
        let (done, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let root = reqwest::Certificate::from_pem(secure.authority.cert().as_bytes()).unwrap();
            let builder = Client::builder().add_root_certificate(root).pool_max_idle_per_host(0);
            let (client, url) = (builder.build().unwrap(), format!("https://{}/tr/v1/tr/", secure.port()));
            let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
            clients.spawn(async move {
                while !done.load(Relaxed) {
                    let sent = client.post(&url).body(json!({ "ename": "reload" }).to_string()).send();
                    assert_eq!(sent.await.expect("no request fails").status(), 200);
                    answered.fetch_add(1, Relaxed);
                }
            });
        }
        Self { done, answered, clients }
    }

    async fn more(&self) {
        let wanted = self.answered.load(Relaxed) + 40;
        until("requests are answered", async || (self.answered.load(Relaxed) >= wanted).then_some(())).await;
    }

    /// Every one of them was answered.
    async fn end(mut self) {
        self.done.store(true, Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client.unwrap();
        }
    }
}

#[test]
fn a_changed_certificate_is_shown_under_load_without_a_failed_request_and_a_wrong_pair_is_not() {
    run(async {
        let mut secure = Secure::start("reload", &[]).await;
        let shown =
            async |secure: &Secure| shake_hands(secure, SslVersion::TLS1_3).await.unwrap().certificate;
        let load = Load::on(&secure);
        let mut before = shown(&secure).await;
        for _ in 0..3 {
            secure.show(&["localhost"]);
            until("the new certificate is shown", async || (shown(&secure).await != before).then_some(()))
                .await;
            before = shown(&secure).await;
            load.more().await;
        }
        // Of another key.
        std::fs::write(secure.file("cert.pem"), secure.authority.issue(&["localhost"]).cert).unwrap();
        let log = secure.site.log(Program::Edge);
        until("the wrong pair is spoken of", async || {
            std::fs::read_to_string(&log).unwrap().contains("the changed certificate is wrong").then_some(())
        })
        .await;
        load.more().await;
        assert_eq!(shown(&secure).await, before);
        load.end().await;
    });
}

#[test]
fn plain_http_is_sent_to_https_under_names_that_are_ours_only() {
    run(async {
        let secure = secure().await;
        let port = secure.port().rsplit(':').next().unwrap().to_owned();
        let ask = async |method, host: &str, path: &str| {
            let request = secure.client.request(method, format!("http://{}{path}", secure.plain));
            post(request.header("host", host)).await
        };
        let answer = ask(Method::GET, "a.example", "/tr/v1/tr/ename/x?y=z").await;
        let location = format!("https://a.example:{port}/tr/v1/tr/ename/x?y=z");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (301, location.as_str()));
        let answer = ask(Method::POST, "A.Example:80", "/tr/v1/tr/").await;
        let location = format!("https://A.Example:{port}/tr/v1/tr/");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (308, location.as_str()));
        for host in ["evil.example", "a.example@evil.example", "a.example.evil.example"] {
            let answer = ask(Method::GET, host, "/").await;
            assert_eq!(answer.refusal(), (421, "unknown_host".to_owned()), "{host}");
            assert_eq!(answer.header("location"), "");
        }
        assert_eq!(ask(Method::GET, "10.0.0.7", "/health").await.status, 200);
    });
}

#[test]
fn a_handshake_that_does_not_come_is_given_up() {
    run(async {
        let secure = Secure::start("handshake", &[("EDGE__TLS__HANDSHAKE_TIMEOUT", "3s")]).await;
        let before = secure.metric("tracker_edge_tls_handshakes_total{outcome=\"timeout\"}").await;
        let mut silent = tokio::net::TcpStream::connect(secure.port()).await.unwrap();
        silent.write_all(b"\x16\x03\x01\x02\x00").await.unwrap();
        let mut said = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(30), silent.read_to_end(&mut said));
        let _reset = closed.await.expect("it is closed");
        assert_eq!(said, b"");
        let timed_out = secure.metric("tracker_edge_tls_handshakes_total{outcome=\"timeout\"}").await;
        assert!(timed_out > before, "{before}, {timed_out}");
    });
}

#[test]
fn a_wrong_certificate_keeps_the_edge_from_starting() {
    run(async {
        let settings = [("EDGE__TLS__CERT", "absent.pem"), ("EDGE__TLS__KEY", "absent.pem")];
        let site = Site::prepare("no_certificate", &settings).await;
        let mut edge = Command::new(binary("tracker-edge"));
        let output = edge.envs(&site.environment).current_dir(&site.folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains("edge.tls") && said.contains("absent.pem"),
            "{said}"
        );
    });
}

/// What the doctor says of the edge.
fn examined(secure: &Secure, settings: &[(&str, &str)]) -> String {
    let mut doctor = secure.site.command(&["doctor", "--json"]);
    let output = doctor.envs(settings.iter().copied()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = report["findings"].as_array().unwrap().iter().filter_map(|finding| finding["what"].as_str());
    said.filter(|what| what.starts_with("edge ")).collect()
}

#[test]
fn the_doctor_asks_over_tls_and_believes_the_edges_own_certificate_alone() {
    run(async {
        let secure = secure().await;
        let address = format!("https://{}", secure.port());
        assert_eq!(examined(secure, &[]), format!("edge is ready at {address}"));
        std::fs::write(secure.file("other.pem"), secure.authority.issue(&["localhost"]).cert).unwrap();
        let other = examined(secure, &[("TRACKER_EDGE__TLS__CERT", "other.pem")]);
        let wanted = "it shows another certificate than other.pem (edge.tls.cert)";
        assert_eq!(other, format!("edge does not run at {address}: {wanted}"));
    });
}
