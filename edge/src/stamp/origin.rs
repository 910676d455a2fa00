//! Where a request came from and what it asked: host, address.

use std::net::IpAddr;

/// The host without its port, lower-cased.
pub fn host(header: Option<&str>) -> Option<String> {
    let host = header?.trim();
    let name = match host.find(']') {
        Some(end) => host.get(..=end)?, // [::1]:8080
        None => host.split(':').next()?,
    };
    if name.is_empty() { None } else { Some(name.to_lowercase()) }
}

/// Base-36 FNV-1a-32 of a host: the predecessor's name for it, which stays.
pub fn hhash(host: &str) -> String {
    let hash =
        host.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut digits = Vec::new();
    let mut rest = hash;
    while rest > 0 || digits.is_empty() {
        digits.extend(char::from_digit(rest % 36, 36));
        rest /= 36;
    }
    digits.iter().rev().collect()
}

/// The text of an address; `anonymize` keeps its /24 (IPv4) or /48 (IPv6).
pub fn address(ip: IpAddr, anonymize: bool) -> String {
    let kept = if anonymize { tracker_geo::network(ip) } else { ip.to_canonical() };
    kept.to_string()
}
