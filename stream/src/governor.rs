//! Keeps the inserts of one table under a number a second, however many partitions there are. Pure: time comes in as an
//! argument.
//!
//! Turns are evenly spaced and given out in the order in which they are asked for, so no partition starves. Whoever has to
//! wait for its turn goes on gathering: the more partitions, the larger each insert. Rejected: the crate `governor`, which
//! counts a burst first and asks a clock of its own.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Gives out turns.
#[derive(Debug)]
pub struct Governor {
    /// Time between two turns; nothing: everyone may go at once.
    interval: Duration,
    /// The first turn that is free.
    free_at: Mutex<Option<Instant>>,
}

impl Governor {
    /// So many turns a second; zero: as many as are asked for.
    #[must_use]
    pub fn per_second(turns: f64) -> Self {
        let interval =
            if turns > 0.0 { Duration::try_from_secs_f64(turns.recip()) } else { Ok(Duration::ZERO) };
        Self { interval: interval.unwrap_or(Duration::MAX / 4), free_at: Mutex::default() }
    }

    /// Takes the next turn at or after `now`, and says when it is.
    #[must_use]
    pub fn turn(&self, now: Instant) -> Instant {
        if self.interval.is_zero() {
            return now;
        }
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = free_at.map_or(now, |free_at| free_at.max(now));
        *free_at = Some(turn + self.interval);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_number_nobody_waits() {
        let (governor, now) = (Governor::per_second(0.0), Instant::now());
        assert!((0..100).all(|_| governor.turn(now) == now));
    }

    #[test]
    fn turns_are_spaced_evenly_in_the_order_of_asking() {
        let (governor, now) = (Governor::per_second(4.0), Instant::now());
        let turns: Vec<Duration> = (0..4).map(|_| governor.turn(now) - now).collect();
        assert_eq!(turns, [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let (governor, now) = (Governor::per_second(1.0), Instant::now());
        let _first = governor.turn(now);
        let later = now + Duration::from_secs(60);
        assert_eq!(governor.turn(later), later);
        assert_eq!(governor.turn(later), later + Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn no_second_has_more_turns_than_allowed(
            waits in proptest::collection::vec(0_u64..2_000, 1..200),
            allowed in 1_u32..20,
        ) {
            let governor = Governor::per_second(f64::from(allowed));
            let mut now = Instant::now();
            let turns: Vec<Instant> = waits
                .into_iter()
                .map(|wait| {
                    now += Duration::from_millis(wait);
                    governor.turn(now)
                })
                .collect();
            for (index, turn) in turns.iter().enumerate() {
                let second = turns[index..].iter().take_while(|other| **other < *turn + Duration::from_secs(1));
                // A hair of rounding may bring one more in.
                prop_assert!(second.count() <= allowed as usize + 1);
            }
        }
    }
}
