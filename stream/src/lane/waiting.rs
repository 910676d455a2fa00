//! The health of a lane: it is well when none of its partitions waits for the world.

use crate::telemetry::Health;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Which partitions wait, and for what.
pub(super) struct Waiting {
    lane: &'static str,
    health: Health,
    partitions: Mutex<BTreeMap<i32, String>>,
}

impl Waiting {
    /// None waits. The lane's health stays as it is until something is told.
    pub(super) const fn new(lane: &'static str, health: Health) -> Self {
        Self { lane, health, partitions: Mutex::new(BTreeMap::new()) }
    }

    /// A partition waits, for this.
    pub(super) fn begins(&self, partition: i32, why: String) {
        self.change(|partitions| drop(partitions.insert(partition, why)));
    }

    /// A partition goes on, or is no longer ours.
    pub(super) fn ends(&self, partition: i32) {
        self.change(|partitions| drop(partitions.remove(&partition)));
    }

    /// The lane has its partitions, if only none for now.
    pub(super) fn assigned(&self) {
        self.change(|_| ());
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<i32, String>)) {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut partitions);
        let first = partitions.iter().next();
        let state = first.map_or(Ok(()), |(partition, why)| Err(format!("partition {partition}: {why}")));
        self.health.set(self.lane, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_well_when_its_last_partition_goes_on() {
        let health = Health::default();
        let waiting = Waiting::new("load", health.clone());
        waiting.begins(2, "away".to_owned());
        waiting.begins(1, "slow".to_owned());
        waiting.ends(1);
        waiting.assigned();
        assert_eq!(health.ready(), Err(vec![("load", "partition 2: away".to_owned())]));
        waiting.ends(2);
        assert_eq!(health.ready(), Ok(()));
    }
}
