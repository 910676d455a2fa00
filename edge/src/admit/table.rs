//! What the rate limit remembers of each address: a table that cannot grow over its bound.

use governor::{
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, PoisonError},
};

/// Locks, so that requests rarely wait for one another.
const SHARDS: usize = 16;

/// The theoretical arrival time of each key, at most so many of them.
///
/// When a shard is full, the half that owes least is forgotten: whoever has been away longest, or came but once.
/// governor's own table has no bound, and a cache that evicts by use would let a flood of new addresses push out
/// those who are being limited.
pub(super) struct Table<K> {
    shards: [Mutex<HashMap<K, u64>>; SHARDS],
    hasher: RandomState,
    most_in_shard: usize,
}

impl<K: Hash + Eq + Clone> Table<K> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            most_in_shard: most.div_ceil(SHARDS).max(1),
        }
    }

    fn shard(&self, key: &K) -> Option<&Mutex<HashMap<K, u64>>> {
        self.shards.get(usize::try_from(self.hasher.hash_one(key)).unwrap_or(0) % SHARDS)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Table<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Some(shard) = self.shard(key) else { return measure(None).map(|(outcome, _)| outcome) };
        let mut arrivals = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = measure(arrivals.get(key).copied().map(Nanos::new))?;
        if arrivals.len() >= self.most_in_shard && !arrivals.contains_key(key) {
            forget_half(&mut arrivals);
        }
        arrivals.insert(key.clone(), next.as_u64());
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Table<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        for shard in &self.shards {
            let mut arrivals = shard.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.retain(|_, time| *time > drop_below.as_u64());
        }
    }

    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets the half with the earliest arrival times: at least one.
fn forget_half<K: Hash + Eq>(arrivals: &mut HashMap<K, u64>) {
    let mut times: Vec<u64> = arrivals.values().copied().collect();
    if times.is_empty() {
        return;
    }
    let middle = times.len() / 2;
    let median = *times.select_nth_unstable(middle).1;
    arrivals.retain(|_, time| *time > median);
}
