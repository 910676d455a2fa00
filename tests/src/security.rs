//! SASL and TLS: the settings pass through to Kafka and to ClickHouse.

use crate::rig::{Site, cache, hush, run, stack};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use serde_json::json;
use std::path::Path;
use tokio::net::{TcpListener, TcpStream};
use tracker_stack::{Broker, BrokerOptions, free_ports};
use uuid::Uuid;

/// A certificate for 127.0.0.1 that signs itself, and its key.
fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "127.0.0.1").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let mut alternative = SubjectAlternativeName::new();
    let alternative = alternative.ip("127.0.0.1").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(alternative).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

/// A broker that takes clients over TLS and with a password only.
async fn guarded_broker(folder: &Path, pem: &Path, port: u16) -> Broker {
    let [plain, controller] = *free_ports(2).unwrap() else { panic!("two ports") };
    let mut options = BrokerOptions::new(cache(), folder.join("kafka"), plain, controller);
    let listeners = format!("PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{port}");
    let properties = [
        ("listeners", format!("{listeners},CONTROLLER://127.0.0.1:{controller}")),
        ("advertised.listeners", listeners),
        (
            "listener.security.protocol.map",
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL".to_owned(),
        ),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        ("sasl.enabled.mechanisms", "SCRAM-SHA-512".to_owned()),
        (
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned(),
        ),
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.keystore.location", pem.display().to_string()),
    ];
    options.properties = properties.map(|(key, value)| (key.to_owned(), value)).to_vec();
    options.format =
        ["--add-scram", "SCRAM-SHA-512=[name=alice,password=alice-secret]"].map(str::to_owned).to_vec();
    Broker::start(options).await.unwrap()
}

/// ClickHouse behind TLS: carries bytes between `listener` and the plain one.
async fn tls_front(listener: TcpListener, identity: native_tls::Identity, plain: String) {
    let acceptor = tokio_native_tls::TlsAcceptor::from(native_tls::TlsAcceptor::new(identity).unwrap());
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, plain) = (acceptor.clone(), plain.clone());
        tokio::spawn(async move {
            let Ok(mut client) = acceptor.accept(stream).await else { return };
            let mut server = TcpStream::connect(plain).await.unwrap();
            let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
    }
}

#[test]
fn kafka_over_sasl_and_tls_and_clickhouse_over_tls_carry_an_event_to_its_row() {
    run(async {
        let folder = stack().await.folder.path().join("guarded-broker");
        std::fs::create_dir_all(&folder).unwrap();
        hush::listen(&folder.join("kafka"));
        let (certificate, key) = certificate();
        let (certificate, key) = (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
        hush::keep_keys(std::str::from_utf8(&key).unwrap());
        let (authority, pem) = (folder.join("ca.pem"), folder.join("server.pem"));
        std::fs::write(&authority, &certificate).unwrap();
        std::fs::write(&pem, [key.as_slice(), &certificate].concat()).unwrap();

        let port = free_ports(1).unwrap().remove(0);
        let _broker = guarded_broker(&folder, &pem, port).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clickhouse = format!("https://{}", listener.local_addr().unwrap());
        let plain = stack().await.clickhouse.trim_start_matches("http://").to_owned();
        let identity = native_tls::Identity::from_pkcs8(&certificate, &key).unwrap();
        tokio::spawn(tls_front(listener, identity, plain));

        let authority = authority.display().to_string();
        let brokers = format!("127.0.0.1:{port}");
        let mut settings = vec![
            ("LOG__LEVEL", "debug"),
            ("KAFKA__BROKERS", brokers.as_str()),
            ("KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SASL_SSL"),
            ("KAFKA__PROPERTIES__SASL_MECHANISM", "SCRAM-SHA-512"),
            ("KAFKA__PROPERTIES__SASL_USERNAME", "alice"),
            ("KAFKA__PROPERTIES__SASL_PASSWORD", "alice-secret"),
            ("KAFKA__PROPERTIES__SSL_CA_LOCATION", &authority),
            ("CLICKHOUSE__URL", &clickhouse),
            ("CLICKHOUSE__CA_FILE", &authority),
        ];
        let site = Site::start("guarded", &settings).await;
        let eid = Uuid::now_v7().to_string();
        let answer = site.post("/tr/v1/tr/", json!({ "eid": eid, "ename": "guarded" }).to_string()).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
        // Asked without TLS: the test's own client knows no authority.
        let mut plain = Site::prepare("guarded_plain", &[]).await;
        plain.database.clone_from(&site.database);
        assert_eq!(plain.event(&eid).await["ename"], "guarded");

        let wrong = settings.iter_mut().find(|(key, _)| key.ends_with("SASL_PASSWORD")).unwrap();
        wrong.1 = "not-alices-secret";
        let refused = Site::prepare("guarded_wrong", &settings).await.tracker_output(&["topics", "check"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("kafka.brokers"), "{said}");
    });
}
