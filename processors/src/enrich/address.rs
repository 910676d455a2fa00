//! The client address: read, cut, hashed. It is never kept whole beyond this, unless the settings say so.

use arc_swap::ArcSwap;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{net::IpAddr, sync::Arc};

/// A client address as it was read. An IPv4 address in IPv6's clothes (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(IpAddr);

impl Address {
    /// Reads the text of an address; what is no address is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: IpAddr = text.trim().parse().ok()?;
        Some(Self(address.to_canonical()))
    }

    /// The network it stands in: the first 24 bits of IPv4, the first 48 of IPv6.
    #[must_use]
    pub const fn truncated(self) -> IpAddr {
        tracker_geo::network(self.0)
    }

    /// All of it.
    #[must_use]
    pub const fn whole(self) -> IpAddr {
        self.0
    }
}

/// Hashes addresses under a salt that changes each day (UTC), so that the hash of one day says nothing about another.
///
/// The salt of a day is HMAC-SHA-256 of `iphash` and the day under the deployment's hash key: every process has the
/// same one, none needs to be kept, and without the key file none can be found again.
pub struct AddressHash {
    key: Hmac<Sha256>,
    latest: ArcSwap<DaySalt>,
}

struct DaySalt {
    day: i64,
    keyed: Hmac<Sha256>,
}

impl AddressHash {
    /// With the deployment's hash key.
    #[must_use]
    pub fn new(hash_key: &[u8; 32]) -> Self {
        let key = keyed_by(hash_key);
        let latest = ArcSwap::from_pointee(day_salt(&key, 0));
        Self { key, latest }
    }

    /// The first 16 bytes of the hash, in hex. `day` counts from 1970-01-01.
    #[must_use]
    pub fn hash(&self, address: Address, day: i64) -> String {
        let latest = self.latest.load();
        if latest.day == day {
            return digest(&latest.keyed, address);
        }
        let salt = day_salt(&self.key, day);
        let hash = digest(&salt.keyed, address);
        if day > latest.day {
            self.latest.store(Arc::new(salt)); // a straggler of yesterday does not push today's out
        }
        hash
    }
}

fn day_salt(key: &Hmac<Sha256>, day: i64) -> DaySalt {
    let salt: [u8; 32] =
        key.clone().chain_update(b"iphash").chain_update(day.to_be_bytes()).finalize().into_bytes().into();
    DaySalt { day, keyed: keyed_by(&salt) }
}

fn digest(keyed: &Hmac<Sha256>, address: Address) -> String {
    let mac = keyed.clone();
    let bytes: [u8; 32] = match address.0 {
        IpAddr::V4(address) => mac.chain_update(address.octets()),
        IpAddr::V6(address) => mac.chain_update(address.octets()),
    }
    .finalize()
    .into_bytes()
    .into();
    let (kept, _) = bytes.split_at(16);
    hex::encode(kept)
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed_by(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[rstest]
    #[case("203.0.113.77", "203.0.113.0")]
    #[case(" 203.0.113.77 ", "203.0.113.0")]
    #[case("::ffff:203.0.113.77", "203.0.113.0")]
    #[case("2001:db8:1:2:3:4:5:6", "2001:db8:1::")]
    #[case("::1", "::")]
    fn an_address_is_cut_to_its_network(#[case] given: &str, #[case] kept: &str) {
        assert_eq!(address(given).truncated().to_string(), kept);
    }

    #[rstest]
    #[case("")]
    #[case("unknown")]
    #[case("203.0.113.256")]
    #[case("203.0.113.7:8080")]
    fn what_is_no_address_is_none(#[case] given: &str) {
        assert_eq!(Address::parse(given), None);
    }

    #[test]
    fn a_hash_is_16_bytes_and_changes_with_the_address_the_day_and_the_key() {
        let hashes = AddressHash::new(&[7; 32]);
        let one = hashes.hash(address("203.0.113.77"), 20_000);
        assert_eq!(one.len(), 32);
        assert_eq!(one, hashes.hash(address("::ffff:203.0.113.77"), 20_000));
        assert_ne!(one, hashes.hash(address("203.0.113.78"), 20_000));
        assert_ne!(one, hashes.hash(address("203.0.113.77"), 20_001));
        assert_eq!(one, hashes.hash(address("203.0.113.77"), 20_000), "a day that is over keeps its salt");
        assert_ne!(one, AddressHash::new(&[8; 32]).hash(address("203.0.113.77"), 20_000));
    }
}
