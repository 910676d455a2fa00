//! How much one address may send: a quota a day, with a burst.

use super::table::Table;
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
};
use std::{net::IpAddr, num::NonZeroU32, time::Duration};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What one address may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events in a day.
    pub per_day: NonZeroU32,
    /// Events at once.
    pub burst: NonZeroU32,
    /// Addresses remembered.
    pub addresses: usize,
}

/// What counts as one sender: an IPv4 address, or the /64 that one IPv6 line is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// The whole address.
    V4(u32),
    /// The upper half.
    V6(u64),
}

impl From<IpAddr> for Prefix {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// Too much, and when it is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// The rate that was exceeded.
    pub rate: Rate,
    /// How long to wait until as much may be sent.
    pub wait: Duration,
}

/// Counts what each address sends.
pub struct Limiter<C: Clock = DefaultClock> {
    rate: Rate,
    limiter: RateLimiter<Prefix, Table<Prefix>, C, NoOpMiddleware<C::Instant>>,
}

impl Limiter {
    /// Starts with nothing counted.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, DefaultClock::default())
    }
}

impl<C: Clock> Limiter<C> {
    fn with_clock(rate: Rate, clock: C) -> Self {
        let period = DAY / rate.per_day.get(); // 20 µs at least, as a u32 has only so many
        let quota =
            Quota::with_period(period).unwrap_or(Quota::per_hour(rate.per_day)).allow_burst(rate.burst);
        Self { rate, limiter: RateLimiter::new(quota, Table::new(rate.addresses), clock) }
    }

    /// Counts one request, which is one event at least.
    ///
    /// # Errors
    /// When the sender has used up what it may send.
    pub fn admit(&self, sender: Prefix) -> Result<(), Limited> {
        self.limiter.check_key(&sender).map_err(|until| self.limited(&until))
    }

    /// Counts `more` events that a request turned out to carry. A batch larger than the burst counts as the
    /// whole burst, or it could never be sent.
    ///
    /// # Errors
    /// As [`Limiter::admit`]; then none of them is counted.
    pub fn charge(&self, sender: Prefix, more: usize) -> Result<(), Limited> {
        let most = self.rate.burst.get().saturating_sub(1);
        let more = u32::try_from(more).unwrap_or(u32::MAX).min(most);
        let Some(more) = NonZeroU32::new(more) else { return Ok(()) };
        match self.limiter.check_key_n(&sender, more) {
            Ok(Err(until)) => Err(self.limited(&until)),
            // More than the burst was ruled out above.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Forgets those who owe nothing any more: as good as never seen.
    pub fn sweep(&self) {
        self.limiter.retain_recent();
    }

    /// Senders remembered.
    pub fn senders(&self) -> usize {
        self.limiter.len()
    }

    fn limited(&self, until: &NotUntil<C::Instant>) -> Limited {
        Limited { rate: self.rate, wait: until.wait_time_from(self.limiter.clock().now()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use rstest::rstest;

    fn limiter(
        per_day: u32,
        burst: u32,
        addresses: usize,
    ) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let rate = Rate {
            per_day: NonZeroU32::new(per_day).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
            addresses,
        };
        (Limiter::with_clock(rate, clock.clone()), clock)
    }

    fn sender(address: &str) -> Prefix {
        address.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_burst_passes_then_the_quota_of_the_day() {
        let (limiter, clock) = limiter(86_400, 3, 100);
        let one = sender("192.0.2.1");
        assert_eq!((0..5).filter(|_| limiter.admit(one).is_ok()).count(), 3);
        let limited = limiter.admit(one).unwrap_err();
        assert_eq!(limited.wait, Duration::from_secs(1));
        clock.advance(limited.wait);
        assert_eq!(limiter.admit(one), Ok(()));
        assert!(limiter.admit(one).is_err());
    }

    #[test]
    fn one_sender_does_not_use_up_what_another_may_send() {
        let (limiter, _) = limiter(10, 1, 100);
        assert!(limiter.admit(sender("192.0.2.1")).is_ok());
        assert!(limiter.admit(sender("192.0.2.1")).is_err());
        assert!(limiter.admit(sender("192.0.2.2")).is_ok());
    }

    #[rstest]
    #[case::same_64("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    #[case::other_64("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    #[case::mapped("::ffff:192.0.2.1", "192.0.2.1", true)]
    #[case::ipv4("192.0.2.1", "192.0.2.2", false)]
    fn ipv6_counts_by_64(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(sender(one) == sender(other), same);
    }

    #[test]
    fn a_batch_counts_each_of_its_events() {
        let (limiter, _) = limiter(10, 10, 100);
        let one = sender("192.0.2.1");
        assert!(limiter.admit(one).and_then(|()| limiter.charge(one, 7)).is_ok());
        assert!(limiter.admit(one).is_ok());
        assert!(limiter.charge(one, 2).is_err());
        assert!(limiter.charge(one, 1).is_ok());
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_when_the_burst_is_whole() {
        let (limiter, _) = limiter(10, 10, 100);
        let one = sender("192.0.2.1");
        assert!(limiter.admit(one).and_then(|()| limiter.charge(one, 5_000)).is_ok());
        assert!(limiter.admit(one).is_err());
    }

    #[test]
    fn a_sweep_forgets_those_who_owe_nothing() {
        let (limiter, clock) = limiter(86_400, 10, 160);
        assert!(
            limiter.admit(sender("192.0.2.1")).and_then(|()| limiter.charge(sender("192.0.2.1"), 8)).is_ok()
        );
        assert!(limiter.admit(sender("192.0.2.2")).is_ok());
        clock.advance(Duration::from_secs(5));
        limiter.sweep();
        assert_eq!(limiter.senders(), 1);
        assert!(limiter.charge(sender("192.0.2.1"), 9).is_err());
    }

    #[test]
    fn the_table_is_bounded() {
        let (limiter, clock) = limiter(1_000, 50, 160);
        for stranger in 0..20_000_u64 {
            clock.advance(Duration::from_millis(1));
            assert!(limiter.admit(Prefix::V6(stranger)).is_ok());
        }
        assert!(limiter.senders() <= 160);
    }

    #[test]
    fn a_flood_of_new_addresses_does_not_free_one_that_is_limited() {
        let (limiter, clock) = limiter(1_000, 50, 160);
        let heavy = sender("192.0.2.1");
        while limiter.admit(heavy).is_ok() {}
        for stranger in 0..20_000_u64 {
            clock.advance(Duration::from_millis(1));
            assert!(limiter.admit(Prefix::V6(stranger)).is_ok());
        }
        assert!(limiter.admit(heavy).is_err());
    }
}
