//! A certificate authority of a test's own.

use super::hush;
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, KeyUsage, SubjectAlternativeName},
    },
};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Signs certificates.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    pub cert: String,
    pub key: String,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// What all certificates have. Each serial number is given once.
fn draft(subject: &str, key: &PKey<Private>) -> X509Builder {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let serial = BigNum::from_u32(SERIAL.fetch_add(1, Relaxed)).unwrap().to_asn1_integer().unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", subject).unwrap();
    builder.set_subject_name(&name.build()).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}

fn pem(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

impl Authority {
    pub fn new() -> Self {
        let key = key();
        let mut builder = draft("an authority for tests", &key);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "an authority for tests").unwrap();
        builder.set_issuer_name(&name.build()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// Its own certificate, in PEM: who trusts it trusts all that it issues.
    pub fn cert(&self) -> String {
        pem(self.certificate.to_pem().unwrap())
    }

    /// A certificate for these names, and for 127.0.0.1.
    pub fn issue(&self, names: &[&str]) -> Issued {
        let key = key();
        let mut builder = draft("a server for tests", &key);
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        let mut alternative = SubjectAlternativeName::new();
        alternative.ip("127.0.0.1");
        for name in names {
            alternative.dns(name);
        }
        let alternative = alternative.build(&builder.x509v3_context(Some(&self.certificate), None)).unwrap();
        builder.append_extension(alternative).unwrap();
        builder.append_extension(BasicConstraints::new().build().unwrap()).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        let cert = pem(builder.build().to_pem().unwrap());
        let key = pem(key.private_key_to_pem_pkcs8().unwrap());
        hush::keep_keys(&key);
        Issued { cert, key }
    }
}
