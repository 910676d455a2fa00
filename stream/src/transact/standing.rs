//! The health of a lane of transactions: what it waits for, the batch under way first.

use crate::telemetry::Health;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// What waits, and for what.
pub(super) struct Standing {
    lane: &'static str,
    health: Health,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    stalled: Option<String>,
    refills: BTreeMap<i32, String>,
}

impl Standing {
    /// The lane's health stays as it is until something is told.
    pub(super) fn new(lane: &'static str, health: Health) -> Self {
        Self { lane, health, waits: Mutex::default() }
    }

    /// No batch goes on, for this.
    pub(super) fn stalls(&self, why: String) {
        let mut waits = self.lock();
        waits.stalled = Some(why);
        self.tell(&waits);
    }

    /// The lane is ready for batches, or one went through. True if there was something to wait for.
    pub(super) fn goes_on(&self) -> bool {
        let mut waits = self.lock();
        let stalled = waits.stalled.take().is_some();
        self.tell(&waits);
        stalled
    }

    /// A partition waits for its window. Not any more when `wanted` is cancelled: that is looked at under the lock, so
    /// nothing is told after [`Self::refilled`] that nobody would take back.
    pub(super) fn refills(&self, partition: i32, how_far: String, wanted: &CancellationToken) {
        let mut waits = self.lock();
        if wanted.is_cancelled() {
            return;
        }
        waits.refills.insert(partition, how_far);
        self.tell(&waits);
    }

    /// It has its window, or is no longer ours.
    pub(super) fn refilled(&self, partition: i32) {
        let mut waits = self.lock();
        waits.refills.remove(&partition);
        self.tell(&waits);
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, Waits { stalled, refills }: &Waits) {
        let refill = || refills.iter().next().map(|(partition, how)| format!("partition {partition}: {how}"));
        self.health.set(self.lane, stalled.clone().or_else(refill).map_or(Ok(()), Err));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_well_when_it_commits_and_every_partition_has_its_window() {
        let health = Health::default();
        let standing = Standing::new("enrich", health.clone());
        standing.refills(1, "1 of 9 keys".to_owned(), &CancellationToken::new());
        standing.stalls("away".to_owned());
        assert_eq!(health.ready(), Err(vec![("enrich", "away".to_owned())]));
        assert!(standing.goes_on());
        assert_eq!(health.ready(), Err(vec![("enrich", "partition 1: 1 of 9 keys".to_owned())]));
        standing.refilled(1);
        assert_eq!(health.ready(), Ok(()));
        assert!(!standing.goes_on());
    }
}
