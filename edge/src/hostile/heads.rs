//! What headers say of who asks.

use super::*;
use crate::address::{ClientHeader, Trust};
use http::{HeaderMap, HeaderValue};
use std::net::IpAddr;

pub(super) const HEADERS: [(&str, ClientHeader); 4] = [
    ("x-forwarded-for", ClientHeader::XForwardedFor),
    ("forwarded", ClientHeader::Forwarded),
    ("x-real-ip", ClientHeader::XRealIp),
    ("cf-connecting-ip", ClientHeader::CfConnectingIp),
];

fn headers(name: &'static str, lines: &[Vec<u8>]) -> HeaderMap {
    let values = lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (http::HeaderName::from_static(name), value)).collect()
}

/// Addresses as they stand in such headers, with something wrong.
fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let right = [
        "203.0.113.9, 10.0.0.1",
        "for=203.0.113.9;proto=https;host=a.example, for=\"[2001:db8::1]:4711\"",
        "2001:db8::1",
        "[2001:db8::1]:80",
        "::ffff:10.0.0.1",
    ];
    vec(spoilt(right.map(|line| line.as_bytes().to_vec()).to_vec()), 0..4)
}

/// A stranger is who it is, whatever it says.
pub(super) fn stranger_stays(
    (name, header): (&'static str, ClientHeader),
    lines: &[Vec<u8>],
) -> Result<(), TestCaseError> {
    let trust = Trust { proxies: vec!["10.0.0.0/8".parse().unwrap()], header };
    let stranger: IpAddr = "198.51.100.7".parse().unwrap();
    let headers = headers(name, lines);
    prop_assert_eq!(trust.client(stranger, &headers), stranger);
    prop_assert_eq!(trust.host(stranger, &headers), None);
    Ok(())
}

/// A proxy names an address, or is it itself.
pub(super) fn proxy_names_one(
    (name, header): (&'static str, ClientHeader),
    lines: &[Vec<u8>],
) -> Result<(), TestCaseError> {
    let trust = Trust { proxies: vec!["10.0.0.0/8".parse().unwrap()], header };
    let headers = headers(name, lines);
    let client = trust.client("10.0.0.1".parse().unwrap(), &headers);
    prop_assert_eq!(client, client.to_canonical());
    let host = trust.host("10.0.0.1".parse().unwrap(), &headers);
    prop_assert!(host.is_none_or(|host| !host.contains(['\r', '\n', '\0'])));
    Ok(())
}

#[test]
fn a_stranger_is_who_it_is_whatever_it_says() {
    every((select(&HEADERS[..]), lines()), |(header, lines)| stranger_stays(header, &lines));
}

#[test]
fn a_proxy_names_an_address_or_is_it_itself() {
    every((select(&HEADERS[..]), lines()), |(header, lines)| proxy_names_one(header, &lines));
}
