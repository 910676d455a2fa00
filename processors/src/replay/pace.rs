//! How fast blocks go in: one at a time, each in its turn. Pure but for the wait.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Gives each block its turn.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    every: Duration,
    rate: Option<f64>,
    next: Instant,
}

impl Pace {
    /// From `now` on: no two blocks within `every`, and, with a rate, no more messages a second.
    #[must_use]
    pub const fn new(every: Duration, rate: Option<f64>, now: Instant) -> Self {
        Self { every, rate, next: now }
    }

    /// Waits for the turn of a block of so many messages.
    pub async fn turn(&mut self, messages: usize) {
        sleep_until(self.book(messages, Instant::now())).await;
    }

    /// When it may go. A given rate is the operator's word, and stands for itself.
    pub(super) fn book(&mut self, messages: usize, now: Instant) -> Instant {
        let turn = self.next.max(now);
        let takes = self.rate.map_or(self.every, |rate| Duration::from_secs_f64(messages as f64 / rate));
        self.next = turn + takes;
        turn
    }
}
