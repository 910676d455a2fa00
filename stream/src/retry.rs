//! How long to wait before the next try.

use std::time::Duration;

/// Exponential back-off with jitter: 100 ms doubled up to a bound, less up to a half.
#[derive(Debug)]
pub struct Backoff {
    tries: u32,
    longest: Duration,
}

const FIRST: Duration = Duration::from_millis(100);

impl Backoff {
    /// Starts anew; no wait is longer than `longest`.
    #[must_use]
    pub const fn new(longest: Duration) -> Self {
        Self { tries: 0, longest }
    }

    /// The wait before the next try. `noise` is any number: it spreads those who failed together.
    pub fn next(&mut self, noise: u64) -> Duration {
        let full = FIRST.saturating_mul(2_u32.saturating_pow(self.tries)).min(self.longest);
        self.tries = self.tries.saturating_add(1);
        let jitter = full / 2 * u32::try_from(noise % 1000).unwrap_or(0) / 1000;
        full - jitter
    }

    /// How many tries failed so far.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_up_to_the_bound() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let waits: Vec<u128> = (0..6).map(|_| backoff.next(0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    }

    proptest! {
        #[test]
        fn jitter_takes_at_most_a_half(noise: u64, tries in 0_usize..80) {
            let mut backoff = Backoff::new(Duration::from_secs(30));
            for _ in 0..tries { backoff.next(noise); }
            let wait = backoff.next(noise);
            prop_assert!(wait >= FIRST / 2 && wait <= Duration::from_secs(30));
        }
    }
}
