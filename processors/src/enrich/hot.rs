//! Visitors with so many events that one partition would choke on them: their events are spread. Pure: the time comes in as
//! an argument, and is the events' own, so that events which are caught up on after an outage are counted as they came.
//!
//! What is chosen is not part of the promise of once: a batch that is done again after a crash may be spread otherwise, since
//! nothing is remembered over a start. Only one of the two is ever committed, as the batch is one transaction.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Seconds after which an event counts for no more than a third: so long a visitor is watched. Ten times the rate at once is
/// no more than a busy page.
const MEMORY: f64 = 10.0;
/// Locks, so that the tasks of a batch rarely wait for one another.
const SHARDS: usize = 16;
/// Visitors watched in each shard; 48 bytes each.
const WATCHED: usize = 1024;
/// The keys of one hot visitor. Partitions are chosen by hash: with fewer keys than this, some get none of it.
const KEYS: u64 = 32;

/// How a visitor's event is keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heat {
    /// By the visitor: one partition, in order.
    Calm,
    /// By the visitor and a number: so many of its events were spread before this one.
    Hot(u64),
}

impl Heat {
    /// The key of an event: a hot visitor's keys take turns, so that no choice of event ids keeps its events together.
    #[must_use]
    pub fn key(self, visitor: Uuid) -> String {
        match self {
            Self::Calm => visitor.hyphenated().to_string(),
            Self::Hot(turn) => format!("{}#{}", visitor.hyphenated(), turn % KEYS),
        }
    }
}

/// Counts the events of visitors, of the busiest ones at least.
///
/// Each visitor has a count that fades: at a steady rate it comes to rest at rate × `MEMORY`. When a shard is full, the half that
/// counts least is forgotten: a visitor that is hot or is getting there counts more than the half, however many come once.
pub struct Hot {
    /// The count at which a visitor is hot.
    limit: f64,
    hasher: RandomState,
    shards: [Mutex<HashMap<Uuid, Count>>; SHARDS],
}

#[derive(Debug, Clone, Copy)]
struct Count {
    events: f64,
    at_ms: i64,
    /// Of its events since it is hot; `None`: it is not.
    turn: Option<u64>,
}

impl Count {
    fn at(self, now_ms: i64) -> f64 {
        let seconds = now_ms.saturating_sub(self.at_ms).max(0) as f64 / 1000.0;
        self.events * (-seconds / MEMORY).exp()
    }

    /// One event more. Who was hot is so until it has cooled to half, or its key would go to and fro.
    fn add(&mut self, now_ms: i64, limit: f64) -> Heat {
        self.events = self.at(now_ms) + 1.0;
        self.at_ms = self.at_ms.max(now_ms); // partitions are not read in step
        let is_hot = self.events > if self.turn.is_some() { limit / 2.0 } else { limit };
        self.turn = is_hot.then(|| self.turn.map_or(0, |turn| turn.wrapping_add(1)));
        self.turn.map_or(Heat::Calm, Heat::Hot)
    }
}

impl Hot {
    /// Watches for more than so many events a second; 0: for none.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let limit = if rate == 0 { f64::INFINITY } else { f64::from(rate) * MEMORY };
        Self { limit, hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Notes one event of a visitor, at the event's time.
    pub fn note(&self, visitor: Uuid, now_ms: i64) -> Heat {
        if self.limit.is_infinite() {
            return Heat::Calm;
        }
        let at = usize::try_from(self.hasher.hash_one(visitor)).unwrap_or(0) % SHARDS;
        let Some(mut counts) = self.shards.get(at).map(lock) else { return Heat::Calm };
        if counts.len() >= WATCHED && !counts.contains_key(&visitor) {
            forget_half(&mut counts, now_ms);
        }
        let none = Count { events: 0.0, at_ms: now_ms, turn: None };
        counts.entry(visitor).or_insert(none).add(now_ms, self.limit)
    }
}

fn lock(shard: &Mutex<HashMap<Uuid, Count>>) -> MutexGuard<'_, HashMap<Uuid, Count>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets the half that counts least: at least one.
fn forget_half(counts: &mut HashMap<Uuid, Count>, now_ms: i64) {
    let mut left: Vec<f64> = counts.values().map(|count| count.at(now_ms)).collect();
    if left.is_empty() {
        return;
    }
    let middle = left.len() / 2;
    let median = *left.select_nth_unstable_by(middle, f64::total_cmp).1;
    counts.retain(|_, count| count.at(now_ms) > median);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ONE: Uuid = Uuid::from_u128(1);

    /// Events at an even rate for so many seconds; how each was keyed.
    fn steady(hot: &Hot, visitor: Uuid, from_ms: i64, per_second: i64, seconds: i64) -> Vec<Heat> {
        let events = per_second * seconds;
        (0..events).map(|event| hot.note(visitor, from_ms + event * 1000 / per_second)).collect()
    }

    fn is_hot(heat: &Heat) -> bool {
        matches!(heat, Heat::Hot(_))
    }

    #[test]
    fn a_visitor_below_the_rate_is_never_hot_and_one_well_above_it_soon_is() {
        let hot = Hot::new(100);
        assert!(!steady(&hot, ONE, 0, 99, 120).iter().any(is_hot));
        let two = Uuid::from_u128(2);
        let seen = steady(&hot, two, 0, 200, 20);
        let first = seen.iter().position(is_hot).unwrap();
        assert!((1_200..1_600).contains(&first), "{first}: after 7 s, at twice the rate");
        assert!(seen[first..].iter().all(is_hot));
        assert!(steady(&hot, Uuid::from_u128(3), 0, 5_000, 1).iter().any(is_hot), "at once, at fifty times");
    }

    #[test]
    fn a_busy_page_is_not_hot() {
        let hot = Hot::new(100);
        assert!(!(0..500).map(|_| hot.note(ONE, 5)).any(|heat| is_hot(&heat)));
    }

    #[test]
    fn a_hot_visitor_takes_its_keys_in_turn() {
        let hot = Hot::new(1);
        let keys: HashSet<String> =
            steady(&hot, ONE, 0, 100, 1).into_iter().map(|heat| heat.key(ONE)).collect();
        let hot_ones = (0..KEYS).map(|turn| format!("{ONE}#{turn}"));
        assert_eq!(keys, hot_ones.chain([ONE.to_string()]).collect());
    }

    #[test]
    fn a_visitor_cools_down() {
        let hot = Hot::new(10);
        assert!(steady(&hot, ONE, 0, 100, 10).iter().any(is_hot));
        assert!(is_hot(&hot.note(ONE, 11_000)));
        assert_eq!(hot.note(ONE, 60_000), Heat::Calm);
    }

    #[test]
    fn strangers_without_number_take_no_more_room_and_hide_nobody() {
        let hot = Hot::new(100);
        for tick in 0..200_000_u128 {
            hot.note(Uuid::from_u128(tick + 10), i64::try_from(tick / 20).unwrap());
            if tick % 40 == 0 {
                hot.note(ONE, i64::try_from(tick / 20).unwrap()); // 500 a second
            }
        }
        assert!(is_hot(&hot.note(ONE, 10_000)));
        let watched: usize = hot.shards.iter().map(|shard| lock(shard).len()).sum();
        assert!(watched <= SHARDS * WATCHED, "{watched}");
    }

    #[test]
    fn times_that_go_back_count_as_now() {
        let hot = Hot::new(10);
        assert!((0..1000).map(|event| hot.note(ONE, 100_000 - event)).any(|heat| is_hot(&heat)));
        assert!(is_hot(&hot.note(ONE, i64::MIN)));
    }

    #[test]
    fn without_a_rate_nobody_is_hot() {
        let hot = Hot::new(0);
        assert!(!steady(&hot, ONE, 0, 10_000, 1).iter().any(is_hot));
    }
}
