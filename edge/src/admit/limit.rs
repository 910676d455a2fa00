//! How much one sender may send: a quota a day, with a burst.

use super::table::Table;
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::{StateInformationMiddleware, StateSnapshot},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What one sender may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events in a day.
    pub per_day: NonZeroU32,
    /// Events at once.
    pub burst: NonZeroU32,
    /// Senders remembered.
    pub senders: usize,
}

/// What counts as one address: an IPv4 address, or the /64 that one IPv6 line is given.
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

/// What is left of a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// How much may be sent at once.
    pub burst: u32,
    /// How much of that is left.
    pub remaining: u32,
    /// How long until there is more; where too much was sent, until as much may be sent.
    pub wait: Duration,
    /// The rate in words, made once.
    policy: HeaderValue,
}

impl Left {
    /// Tells it in the headers of an answer.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(HeaderName::from_static("ratelimit-limit"), HeaderValue::from(self.burst));
        headers.insert(HeaderName::from_static("ratelimit-remaining"), HeaderValue::from(self.remaining));
        headers.insert(HeaderName::from_static("ratelimit-reset"), whole_seconds(self.wait));
        headers.insert(HeaderName::from_static("ratelimit-policy"), self.policy.clone());
    }
}

/// Rounded up: who comes back a moment too early is refused again.
pub(crate) fn whole_seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// Counts what each sender sends.
pub struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    burst: NonZeroU32,
    /// The time in which one more may be sent.
    period: Duration,
    policy: HeaderValue,
    limiter: RateLimiter<K, Table<K>, C, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Starts with nothing counted.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self::with_clock(rate, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> Limiter<K, C> {
    fn with_clock(rate: Rate, clock: C) -> Self {
        let Rate { per_day, burst, senders } = rate;
        let period = DAY / per_day.get(); // 20 µs at least, as a u32 has only so many
        let quota = Quota::with_period(period).unwrap_or(Quota::per_hour(per_day)).allow_burst(burst);
        let policy = format!("{per_day};w={};burst={burst}", DAY.as_secs());
        Self {
            burst,
            period,
            policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("")),
            limiter: RateLimiter::new(quota, Table::new(senders), clock),
        }
    }

    /// Counts one request, which is one event at least; says what is left.
    ///
    /// # Errors
    /// When the sender has used up what it may send.
    pub fn admit(&self, sender: &K) -> Result<Left, Left> {
        match self.limiter.check_key(sender) {
            Ok(state) => Ok(self.left(&state)),
            Err(until) => Err(self.none_left(&until)),
        }
    }

    /// Counts `more` events that a request turned out to carry. A batch larger than the burst counts as the
    /// whole burst, or it could never be sent. Says what is left, where something was counted.
    ///
    /// # Errors
    /// As [`Limiter::admit`]; then none of them is counted.
    pub fn charge(&self, sender: &K, more: usize) -> Result<Option<Left>, Left> {
        let most = self.burst.get().saturating_sub(1);
        let more = u32::try_from(more).unwrap_or(u32::MAX).min(most);
        let Some(more) = NonZeroU32::new(more) else { return Ok(None) };
        match self.limiter.check_key_n(sender, more) {
            Ok(Ok(state)) => Ok(Some(self.left(&state))),
            Ok(Err(until)) => Err(self.none_left(&until)),
            Err(_) => Ok(None), // more than the burst, which was ruled out above
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

    fn left(&self, state: &StateSnapshot) -> Left {
        let (burst, remaining) = (self.burst.get(), state.remaining_burst_capacity());
        let wait = if remaining < burst { self.period } else { Duration::ZERO };
        Left { burst, remaining, wait, policy: self.policy.clone() }
    }

    fn none_left(&self, until: &NotUntil<C::Instant>) -> Left {
        let wait = until.wait_time_from(self.limiter.clock().now());
        Left { burst: self.burst.get(), remaining: 0, wait, policy: self.policy.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use rstest::rstest;

    type Limited = Limiter<Prefix, FakeRelativeClock>;

    fn limiter(per_day: u32, burst: u32, senders: usize) -> (Limited, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let rate = Rate {
            per_day: NonZeroU32::new(per_day).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
            senders,
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
        assert_eq!((0..5).filter(|_| limiter.admit(&one).is_ok()).count(), 3);
        let limited = limiter.admit(&one).unwrap_err();
        assert_eq!(limited.wait, Duration::from_secs(1));
        clock.advance(limited.wait);
        assert!(limiter.admit(&one).is_ok());
        assert!(limiter.admit(&one).is_err());
    }

    #[test]
    fn what_is_left_is_said_each_time() {
        let (limiter, clock) = limiter(86_400, 3, 100);
        let one = sender("192.0.2.1");
        let left = |left: Left| (left.burst, left.remaining, left.wait.as_secs());
        assert_eq!(left(limiter.admit(&one).unwrap()), (3, 2, 1));
        assert_eq!(left(limiter.charge(&one, 2).unwrap().unwrap()), (3, 0, 1));
        assert_eq!(left(limiter.admit(&one).unwrap_err()), (3, 0, 1));
        assert_eq!(left(limiter.charge(&one, 2).unwrap_err()), (3, 0, 2));
        assert_eq!(limiter.charge(&one, 0), Ok(None));
        clock.advance(Duration::from_secs(10));
        let mut headers = HeaderMap::new();
        limiter.admit(&one).unwrap().tell(&mut headers);
        let told =
            ["limit", "remaining", "reset", "policy"].map(|name| &headers[&format!("ratelimit-{name}")]);
        assert_eq!(told, ["3", "2", "1", "86400;w=86400;burst=3"]);
    }

    #[test]
    fn one_sender_does_not_use_up_what_another_may_send() {
        let (limiter, _) = limiter(10, 1, 100);
        assert!(limiter.admit(&sender("192.0.2.1")).is_ok());
        assert!(limiter.admit(&sender("192.0.2.1")).is_err());
        assert!(limiter.admit(&sender("192.0.2.2")).is_ok());
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
        assert!(limiter.admit(&one).and_then(|_| limiter.charge(&one, 7)).is_ok());
        assert!(limiter.admit(&one).is_ok());
        assert!(limiter.charge(&one, 2).is_err());
        assert!(limiter.charge(&one, 1).is_ok());
    }

    #[test]
    fn a_batch_larger_than_the_burst_passes_when_the_burst_is_whole() {
        let (limiter, _) = limiter(10, 10, 100);
        let one = sender("192.0.2.1");
        assert!(limiter.admit(&one).and_then(|_| limiter.charge(&one, 5_000)).is_ok());
        assert!(limiter.admit(&one).is_err());
    }

    #[test]
    fn a_sweep_forgets_those_who_owe_nothing() {
        let (limiter, clock) = limiter(86_400, 10, 160);
        assert!(
            limiter.admit(&sender("192.0.2.1")).and_then(|_| limiter.charge(&sender("192.0.2.1"), 8)).is_ok()
        );
        assert!(limiter.admit(&sender("192.0.2.2")).is_ok());
        clock.advance(Duration::from_secs(5));
        limiter.sweep();
        assert_eq!(limiter.senders(), 1);
        assert!(limiter.charge(&sender("192.0.2.1"), 9).is_err());
    }

    #[test]
    fn the_table_is_bounded() {
        let (limiter, clock) = limiter(1_000, 50, 160);
        for stranger in 0..20_000_u64 {
            clock.advance(Duration::from_millis(1));
            assert!(limiter.admit(&Prefix::V6(stranger)).is_ok());
        }
        assert!(limiter.senders() <= 160);
    }

    #[test]
    fn a_flood_of_new_addresses_does_not_free_one_that_is_limited() {
        let (limiter, clock) = limiter(1_000, 50, 160);
        let heavy = sender("192.0.2.1");
        while limiter.admit(&heavy).is_ok() {}
        for stranger in 0..20_000_u64 {
            clock.advance(Duration::from_millis(1));
            assert!(limiter.admit(&Prefix::V6(stranger)).is_ok());
        }
        assert!(limiter.admit(&heavy).is_err());
    }
}
