//! All that a request is counted by: its address, its key, its key's tenant.

use super::{Known, Left, Limiter, Prefix, Rate};
use std::{hash::Hash, time::Duration};
use uuid::Uuid;

/// What senders may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// One address.
    pub address: Rate,
    /// One key; `None`: as much as it likes.
    pub key: Option<Rate>,
    /// All keys of one tenant together; `None`: as much as they like.
    pub tenant: Option<Rate>,
}

/// What one request is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// Where it comes from. `None`: a server, which speaks for many visitors.
    pub address: Option<Prefix>,
    /// The key that it has shown. Only the tenant of a key is counted: who just names a tenant in `oid` must not use up what
    /// that tenant may send.
    pub key: Option<Known>,
}

/// Too much was sent, and how long to wait until it is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// So long.
    pub wait: Duration,
}

/// Counts what each address, key and tenant sends.
pub struct Rates {
    addresses: Limiter<Prefix>,
    keys: Option<Limiter<u64>>,
    tenants: Option<Limiter<Uuid>>,
}

impl Rates {
    /// Starts with nothing counted.
    #[must_use]
    pub fn new(config: &RateConfig) -> Self {
        Self {
            addresses: Limiter::new(config.address),
            keys: config.key.map(Limiter::new),
            tenants: config.tenant.map(Limiter::new),
        }
    }

    /// Counts one request. `left` becomes what is left of the rate of which least is.
    ///
    /// # Errors
    /// When one of the rates is used up. The address is asked first: a flood from one does not use up what its key may send.
    pub fn admit(&self, sender: &Sender, left: &mut Option<Left>) -> Result<(), Limited> {
        self.count(sender, left, Count::Request)
    }

    /// Counts `more` events that a request turned out to carry.
    ///
    /// # Errors
    /// As [`Rates::admit`].
    pub fn charge(&self, sender: &Sender, more: usize, left: &mut Option<Left>) -> Result<(), Limited> {
        self.count(sender, left, Count::More(more))
    }

    fn count(&self, sender: &Sender, left: &mut Option<Left>, count: Count) -> Result<(), Limited> {
        let Sender { address, key } = sender;
        note(left, count.by(Some(&self.addresses), *address))?;
        note(left, count.by(self.keys.as_ref(), key.map(|key| key.key)))?;
        note(left, count.by(self.tenants.as_ref(), key.and_then(|key| key.tenant)))
    }

    /// Forgets those who owe nothing any more.
    pub fn sweep(&self) {
        self.addresses.sweep();
        self.keys.iter().for_each(Limiter::sweep);
        self.tenants.iter().for_each(Limiter::sweep);
    }

    /// Addresses, keys and tenants remembered.
    pub fn senders(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, Limiter::senders);
        self.addresses.senders() + keys + self.tenants.as_ref().map_or(0, Limiter::senders)
    }
}

#[derive(Clone, Copy)]
enum Count {
    Request,
    More(usize),
}

impl Count {
    fn by<K: Hash + Eq + Clone>(
        self,
        limiter: Option<&Limiter<K>>,
        sender: Option<K>,
    ) -> Result<Option<Left>, Left> {
        match (limiter, sender, self) {
            (Some(limiter), Some(sender), Self::Request) => limiter.admit(&sender).map(Some),
            (Some(limiter), Some(sender), Self::More(more)) => limiter.charge(&sender, more),
            _ => Ok(None),
        }
    }
}

/// Of several rates, that of which least is left is told.
fn note(left: &mut Option<Left>, counted: Result<Option<Left>, Left>) -> Result<(), Limited> {
    let limited = counted.as_ref().err().map(|none| Limited { wait: none.wait });
    if let Ok(Some(now)) | Err(now) = counted {
        // The same rate counted again has less of it left, never more.
        if left.as_ref().is_none_or(|before| now.remaining <= before.remaining) {
            *left = Some(now);
        }
    }
    limited.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn rate(burst: u32) -> Rate {
        Rate { per_day: NonZeroU32::MIN, burst: NonZeroU32::new(burst).unwrap(), senders: 100 }
    }

    fn known(key: u64, tenant: u128) -> Option<Known> {
        Some(Known { tenant: Some(Uuid::from_u128(tenant)), key })
    }

    #[test]
    fn a_key_and_its_tenant_are_counted_whatever_the_address() {
        let config = RateConfig { address: rate(10), key: Some(rate(3)), tenant: Some(rate(5)) };
        let (rates, mut left) = (Rates::new(&config), None);
        let mut send = |address: u32, key| {
            left = None;
            let sender = Sender { address: Some(Prefix::V4(address)), key };
            let sent = rates.admit(&sender, &mut left).is_ok();
            (sent, left.as_ref().map(|left| (left.burst, left.remaining)))
        };
        assert_eq!(send(1, known(1, 1)), (true, Some((3, 2))), "the key has least left");
        assert_eq!(send(2, known(1, 1)), (true, Some((3, 1))));
        assert_eq!(send(3, known(1, 1)), (true, Some((3, 0))));
        assert_eq!(send(4, known(1, 1)), (false, Some((3, 0))));
        assert_eq!(send(4, known(2, 1)), (true, Some((5, 1))), "now the tenant");
        assert!(send(4, known(2, 1)).0);
        assert_eq!(send(4, known(2, 1)), (false, Some((5, 0))));
        assert!(send(4, known(3, 2)).0, "another tenant");
        assert!(send(4, None).0);
    }

    #[test]
    fn an_address_that_is_limited_uses_up_nothing_of_its_key() {
        let config = RateConfig { address: rate(1), key: Some(rate(2)), tenant: None };
        let (rates, mut left) = (Rates::new(&config), None);
        let one = Sender { address: Some(Prefix::V4(1)), key: known(1, 1) };
        assert!(rates.admit(&one, &mut left).is_ok());
        assert!((0..5).all(|_| rates.admit(&one, &mut left).is_err()));
        let other = Sender { address: Some(Prefix::V4(2)), ..one };
        assert!(rates.admit(&other, &mut left).is_ok());
    }

    #[test]
    fn who_has_no_rate_is_told_none() {
        let config = RateConfig { address: rate(1), key: None, tenant: None };
        let (rates, mut left) = (Rates::new(&config), None);
        let server = Sender { address: None, key: known(1, 1) };
        assert!((0..5).all(|_| rates.admit(&server, &mut left).is_ok()));
        assert!(rates.charge(&server, 1000, &mut left).is_ok());
        assert_eq!((left, rates.senders()), (None, 0));
    }
}
