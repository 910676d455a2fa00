//! Moves rows and time of a partition's batches so that freshness holds with the fewest inserts. Pure.
//!
//! The configured time is the freshness that is aimed at. A row that has just missed a batch waits for that batch's write,
//! for its own batch's time, and for its own write: so the time is what is left of the aim after two writes, as long as
//! anything is left. A slow store is not asked more often for that: below an eighth of the aim the time does not go, rows
//! pile up while a write takes its time, and the next batch has them all.
//!
//! Rows bound what goes at once. They double while there is a backlog, and only a store without memory for them makes them
//! fewer. A slow write does not: small batches make a slow store slower. Latency is a moving average, never a sum: one
//! bad minute is forgotten after a few good writes.

use super::{Measured, Pressure};
use crate::batch::Limits;
use std::time::Duration;

/// The parts of a bound that is the least, and that is begun with.
const LEAST: usize = 20;
const BEGIN: usize = 4;
/// The part by which rows grow back after the store had no memory for them.
const CAREFULLY: usize = 50;
/// The part of the aim that is the least time.
const SHORTEST: u32 = 8;
/// The weight of the newest latency is one in so many.
const MEMORY: u32 = 4;
/// The batches for which the store's word that it has too many parts is remembered.
const REMEMBERED: u32 = 20;

/// The controller of one partition.
#[derive(Debug, Clone)]
pub struct Adaptive {
    bounds: Limits,
    rows: usize,
    /// The store once had no memory for more rows.
    careful: bool,
    latency: Duration,
    /// Batches until the parts are forgotten.
    crowded: u32,
}

impl Adaptive {
    /// Stays within `bounds`; their time is the freshness to hold.
    #[must_use]
    pub const fn new(bounds: Limits) -> Self {
        let rows = most(bounds.rows / BEGIN, 1);
        Self { bounds, rows, careful: false, latency: Duration::ZERO, crowded: 0 }
    }

    /// The bounds of the next batch.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let aim = self.bounds.time;
        let left = aim.saturating_sub(self.latency * 2).max(aim / SHORTEST);
        let time = if self.crowded > 0 { aim } else { left };
        Limits { rows: self.rows, bytes: self.bounds.bytes, time }
    }

    /// Learns from a batch that was stored.
    pub fn learn(&mut self, measured: Measured) {
        let Measured { took, full, behind, pressure } = measured;
        self.latency = (self.latency * (MEMORY - 1) + took) / MEMORY;
        self.crowded = self.crowded.saturating_sub(1);
        let least = most(self.bounds.rows / LEAST, 1);
        let step = if self.careful { most(self.bounds.rows / CAREFULLY, 1) } else { self.rows };
        match pressure {
            Pressure::TooLarge => {
                self.careful = true;
                self.rows = most(self.rows / 2, least);
                return;
            }
            Pressure::TooMany => self.crowded = REMEMBERED,
            Pressure::Fine => {}
        }
        if (full && behind) || pressure == Pressure::TooMany {
            self.rows = self.rows.saturating_add(step).min(self.bounds.rows);
            self.careful &= self.rows < self.bounds.rows;
        }
    }
}

const fn most(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AIM: Duration = Duration::from_secs(2);
    const BOUNDS: Limits = Limits { rows: 100_000, bytes: 32 << 20, time: AIM };

    fn calm(took: Duration) -> Measured {
        Measured { took, full: false, behind: false, pressure: Pressure::Fine }
    }

    fn backlog(took: Duration) -> Measured {
        Measured { full: true, behind: true, ..calm(took) }
    }

    fn after(lessons: impl IntoIterator<Item = Measured>) -> Limits {
        let mut adaptive = Adaptive::new(BOUNDS);
        lessons.into_iter().for_each(|measured| adaptive.learn(measured));
        adaptive.limits()
    }

    #[test]
    fn a_quick_store_is_asked_once_in_the_time_that_freshness_allows() {
        let time = after([calm(Duration::from_millis(50)); 40]).time;
        assert!(time > AIM.mul_f64(0.94) && time < AIM, "{time:?}");
    }

    #[test]
    fn waiting_and_two_writes_are_within_the_aim() {
        for took in [50, 200, 500, 800].map(Duration::from_millis) {
            let time = after([calm(took); 60]).time;
            assert!(time + took * 2 <= AIM + Duration::from_millis(1), "{time:?} and twice {took:?}");
        }
    }

    #[test]
    fn a_slow_store_gets_neither_tiny_batches_nor_one_after_the_other() {
        let limits = after([calm(Duration::from_secs(30)); 100]);
        assert_eq!(limits.rows, BOUNDS.rows / BEGIN, "rows do not shrink for slowness");
        assert_eq!(limits.time, AIM / SHORTEST);
    }

    #[test]
    fn a_slow_minute_is_forgotten() {
        let slow = std::iter::repeat_n(calm(Duration::from_secs(30)), 100);
        let limits = after(slow.chain([calm(Duration::from_millis(20)); 40]));
        assert!(limits.time > AIM.mul_f64(0.9), "{:?}: a running sum would remember it", limits.time);
    }

    #[test]
    fn a_backlog_makes_batches_as_large_as_they_may_be() {
        assert_eq!(after([backlog(Duration::from_secs(5)); 2]).rows, BOUNDS.rows);
    }

    #[test]
    fn no_memory_makes_batches_smaller_and_they_grow_back_slowly() {
        let too_large = Measured { pressure: Pressure::TooLarge, ..backlog(AIM) };
        let small = after([too_large; 2]).rows;
        assert_eq!(small, BOUNDS.rows / BEGIN / 4);
        let next = after([too_large, too_large, backlog(AIM)]).rows;
        assert_eq!(next, small + BOUNDS.rows / CAREFULLY);
    }

    #[test]
    fn too_many_parts_make_batches_rarer_and_larger_for_a_while() {
        let took = Duration::from_millis(400);
        let crowded = Measured { pressure: Pressure::TooMany, ..calm(took) };
        let limits = after([crowded]);
        assert_eq!((limits.rows, limits.time), (BOUNDS.rows / BEGIN * 2, AIM));
        assert!(after(std::iter::once(crowded).chain([calm(took); 30])).time < AIM);
    }

    fn any_measured() -> impl Strategy<Value = Measured> {
        let pressure = prop_oneof![Just(Pressure::Fine), Just(Pressure::TooLarge), Just(Pressure::TooMany)];
        (0_u64..10_000_000, any::<bool>(), any::<bool>(), pressure).prop_map(
            |(ms, full, behind, pressure)| Measured {
                took: Duration::from_millis(ms),
                full,
                behind,
                pressure,
            },
        )
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            rows in 1_usize..1_000_000,
            time in 0_u64..100_000,
            lessons in proptest::collection::vec(any_measured(), 0..200),
        ) {
            let bounds = Limits { rows, bytes: 7, time: Duration::from_millis(time) };
            let mut adaptive = Adaptive::new(bounds);
            for measured in lessons {
                adaptive.learn(measured);
                let limits = adaptive.limits();
                prop_assert!(limits.rows >= (rows / LEAST).max(1) && limits.rows <= rows);
                prop_assert!(limits.time >= bounds.time / SHORTEST && limits.time <= bounds.time);
                prop_assert_eq!(limits.bytes, 7);
            }
        }

        #[test]
        fn slowness_alone_never_makes_batches_smaller(times in proptest::collection::vec(0_u64..600_000, 1..200)) {
            let mut adaptive = Adaptive::new(BOUNDS);
            let mut rows = adaptive.limits().rows;
            for ms in times {
                adaptive.learn(backlog(Duration::from_millis(ms)));
                prop_assert!(adaptive.limits().rows >= rows);
                rows = adaptive.limits().rows;
            }
        }
    }
}
