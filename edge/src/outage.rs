//! What the operator is told when records cannot be made safe: their senders are told only to send again. Never says
//! what was sent, and never the same thing for every record.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tracker_stream::{fault::Fault, telemetry::Health};

/// How often the same fault is logged.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a missing topic keeps the edge from being ready when nothing tells of it any more. Whoever sends nothing
/// to an edge that is not ready would never learn otherwise that the topic is there again.
const LAPSE: Duration = Duration::from_secs(30);
/// The fault of a topic that is not there.
const TOPIC_MISSING: &str = "topic_missing";

/// The faults of one way to the broker.
pub struct Outage {
    part: &'static str,
    health: Health,
    /// Whether the topic is missing: asked for every write, told rarely.
    missing: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    faults: BTreeMap<&'static str, Said>,
    missing_at: Option<Instant>,
}

/// When a fault was logged, and how often it came since.
struct Said {
    at: Instant,
    since: usize,
}

impl Outage {
    /// None yet. `part` names it in logs and readiness.
    #[must_use]
    pub fn new(part: &'static str, health: Health) -> Self {
        Self { part, health, missing: AtomicBool::new(false), seen: Mutex::default() }
    }

    /// Notes what became of records that were sent to `topic` together.
    pub fn note<T>(&self, topic: &str, verdicts: &[Result<T, Fault>], now: Instant) {
        if self.missing.load(Ordering::Acquire) && verdicts.iter().any(Result::is_ok) {
            self.missing.store(false, Ordering::Release);
            self.health.set(self.part, Ok(()));
        }
        let mut faults = verdicts.iter().filter_map(|verdict| verdict.as_ref().err()).peekable();
        if faults.peek().is_none() {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults {
            if let Some(unsaid) = seen.due(fault.tag, now) {
                let (part, tag) = (self.part, fault.tag);
                tracing::warn!(part, topic, tag, %fault, unsaid, "a record could not be made safe");
            }
            if fault.tag == TOPIC_MISSING {
                seen.missing_at = Some(now);
                self.missing.store(true, Ordering::Release);
                let mend = format!("topic {topic} is missing; `tracker topics apply` creates it");
                self.health.set(self.part, Err(mend));
            }
        }
    }

    /// Lets requests try again when nothing has told of a missing topic for a while.
    pub fn lapse(&self, now: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.missing_at.is_some_and(|at| now.duration_since(at) >= LAPSE) {
            seen.missing_at = None;
            self.missing.store(false, Ordering::Release);
            self.health.set(self.part, Ok(()));
        }
    }
}

impl Seen {
    /// Counts a fault; when it is to be logged, how many were not since the last time.
    fn due(&mut self, tag: &'static str, now: Instant) -> Option<usize> {
        match self.faults.get_mut(tag) {
            Some(said) if now.duration_since(said.at) < PAUSE => {
                said.since += 1;
                None
            }
            said => {
                let unsaid = said.map_or(0, |said| said.since);
                self.faults.insert(tag, Said { at: now, since: 0 });
                Some(unsaid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(tag: &'static str) -> Result<(), Fault> {
        Err(Fault::new(tag, "the broker's words"))
    }

    #[test]
    fn a_fault_is_logged_once_in_a_while_and_the_rest_are_counted() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        assert_eq!(seen.due("unacknowledged", start), Some(0));
        assert_eq!(seen.due("unacknowledged", start), None);
        assert_eq!(seen.due("unacknowledged", start + PAUSE / 2), None);
        assert_eq!(seen.due("produce", start), Some(0), "another fault is news");
        assert_eq!(seen.due("unacknowledged", start + PAUSE), Some(2));
        assert_eq!(seen.due("unacknowledged", start + 2 * PAUSE), Some(0));
    }

    #[test]
    fn an_edge_whose_topic_is_missing_is_not_ready_until_a_record_is_safe() {
        let (health, now) = (Health::default(), Instant::now());
        let outage = Outage::new("events_topic", health.clone());
        outage.note("tracker.events", &[fault("topic_missing")], now);
        let (part, why) = health.ready().unwrap_err().remove(0);
        assert_eq!(part, "events_topic");
        assert!(why.contains("tracker.events"), "{why}");
        outage.note("tracker.events", &[fault("unacknowledged")], now);
        assert!(health.ready().is_err(), "another fault does not bring the topic back");
        outage.note("tracker.events", &[Ok(())], now);
        assert_eq!(health.ready(), Ok(()));
    }

    #[test]
    fn an_edge_that_nobody_sends_to_any_more_is_ready_for_another_try() {
        let (health, now) = (Health::default(), Instant::now());
        let outage = Outage::new("events_topic", health.clone());
        outage.note("tracker.events", &[fault("topic_missing")], now);
        outage.lapse(now + LAPSE / 2);
        assert!(health.ready().is_err());
        outage.lapse(now + LAPSE);
        assert_eq!(health.ready(), Ok(()));
    }

    #[test]
    fn what_passes_by_itself_does_not_make_an_edge_unready() {
        let health = Health::default();
        let outage = Outage::new("events_topic", health.clone());
        outage.note("tracker.events", &[fault("queue_full"), fault("unacknowledged")], Instant::now());
        assert_eq!(health.ready(), Ok(()));
    }
}
