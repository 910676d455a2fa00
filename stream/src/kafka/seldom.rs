//! Whether messages come so seldom that there is no company to wait for. Pure.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// How many in a row still count as seldom: those of one visitor, or of several who come by chance at once.
const IN_A_ROW: u32 = 4;
/// So many at most are remembered: how soon it is quiet again after a crowd.
const REMEMBERED: u32 = 20;

/// A bucket into which each call of a sender falls, and which leaks one in each [`Seldom::one_in`].
#[derive(Debug)]
pub(super) struct Seldom {
    start: Instant,
    one_in: Duration,
    /// When the bucket will be empty, microseconds since `start`.
    empty_at: AtomicU64,
}

impl Seldom {
    /// `one_in`: how often, in the long run, is still seldom.
    pub(super) fn new(start: Instant, one_in: Duration) -> Self {
        Self { start, one_in, empty_at: AtomicU64::new(0) }
    }

    /// Counts a call; whether it comes alone.
    pub(super) fn is_alone(&self, now: Instant) -> bool {
        let now = micros(now.saturating_duration_since(self.start));
        let [one, few, most] = [1, IN_A_ROW, REMEMBERED].map(|calls| micros(self.one_in * calls));
        let fallen = |empty_at: u64| Some((empty_at.max(now) + one).min(now + most));
        let before = self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fallen);
        before.unwrap_or_default() < now + few
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_IN: Duration = Duration::from_millis(2);

    /// How many of `calls`, one each `every`, were alone; the first at `from`.
    fn alone(seldom: &Seldom, from: Duration, calls: u32, every: Duration) -> usize {
        (0..calls).filter(|call| seldom.is_alone(seldom.start + from + every * *call)).count()
    }

    #[test]
    fn who_comes_as_often_as_is_seldom_is_always_alone() {
        let seldom = Seldom::new(Instant::now(), ONE_IN);
        assert_eq!(alone(&seldom, Duration::ZERO, 1_000, ONE_IN), 1_000);
    }

    #[test]
    fn of_a_crowd_the_first_few_are_alone_and_after_it_there_must_be_quiet() {
        let seldom = Seldom::new(Instant::now(), ONE_IN);
        let crowd = alone(&seldom, Duration::ZERO, 1_000, Duration::from_micros(100));
        assert!((4..6).contains(&crowd), "{crowd}");
        let ended = Duration::from_millis(100);
        assert_eq!(alone(&seldom, ended + ONE_IN * 10, 1, ONE_IN), 0, "it may go on");
        assert_eq!(alone(&seldom, ended + ONE_IN * 30, 1, ONE_IN), 1);
    }
}
