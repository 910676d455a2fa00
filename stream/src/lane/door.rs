//! The breaker of a lane, as the tasks of its partitions meet it.

use crate::{
    breaker::{Breaker, State},
    fault::Fault,
    metrics,
    telemetry::Health,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// What stands before a lane's sink.
pub(super) struct Door {
    lane: &'static str,
    health: Health,
    breaker: Mutex<Breaker>,
    opened: Notify,
}

impl Door {
    /// Lets everyone through until there were failures in a row; then nobody for `pause`.
    pub(super) fn new(lane: &'static str, health: Health, pause: Duration) -> Self {
        let door = Self { lane, health, breaker: Mutex::new(Breaker::new(pause)), opened: Notify::new() };
        door.tell(State::Closed);
        door
    }

    fn tell(&self, state: State) {
        metrics::breaker(self.lane, state);
        self.health.breaker(self.lane, state.tag());
    }

    /// Waits until an attempt may be made.
    pub(super) async fn pass(&self) {
        loop {
            let opened = self.opened.notified();
            let passed = self.lock().pass(Instant::now());
            let Err(ask_at) = passed else { break };
            tokio::select! {
                () = opened => {}
                () = tokio::time::sleep_until(ask_at) => {}
            }
        }
        self.tell(self.lock().state());
    }

    /// The attempt was answered.
    pub(super) fn succeeded(&self) {
        let mut breaker = self.lock();
        if breaker.state() != State::Closed {
            tracing::info!(lane = self.lane, "the breaker closes");
            self.health.note(self.lane, None);
        }
        breaker.succeeded();
        self.tell(State::Closed);
        self.opened.notify_waiters();
    }

    /// The attempt failed.
    pub(super) fn failed(&self, fault: &Fault) {
        let mut breaker = self.lock();
        let before = breaker.state();
        breaker.failed(Instant::now());
        self.tell(breaker.state());
        if breaker.state() == State::Open {
            if before == State::Closed {
                tracing::warn!(lane = self.lane, %fault, "the breaker opens");
            }
            self.health.note(self.lane, Some(format!("the breaker is open: {fault}")));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
