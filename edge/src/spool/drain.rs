//! Sends what is spooled when the broker acknowledges again: payments before consents, those before events, each in order, at a governed
//! rate. A segment is removed only after the broker has all of it, so what is sent when the process dies is sent again,
//! under the same ids.

mod outlet;
mod turn;

#[cfg(test)]
mod tests;

pub use outlet::Outlet;

use crate::keep::Keep;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;
use tracker_stream::fault::Fault;
use turn::{Pace, State, Turn, next};

/// How long an outlet whose broker did not take something is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Drains the spools of an edge.
pub struct Drain<K> {
    /// In the order of their precedence.
    outlets: Vec<Outlet<K>>,
    work: Arc<Notify>,
    pace: Pace,
}

impl<K: Keep> Drain<K> {
    /// Drains the first of `outlets` first, at most so many messages a second in all.
    #[must_use]
    pub fn new(outlets: Vec<Outlet<K>>, work: Arc<Notify>, per_second: u32) -> Self {
        Self { outlets, work, pace: Pace::new(per_second) }
    }

    /// Drains whatever comes, until `shutdown`. What is not drained by then stays where it is.
    pub async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            // What is being sent is waited for, which its own time-out bounds; a wait for something to do is not.
            match next(&self.states(), Instant::now()) {
                Turn::Send(index) => self.send(index).await,
                Turn::Wait(until) => {
                    let _ended = shutdown.run_until_cancelled(tokio::time::sleep_until(until)).await;
                }
                Turn::Idle => {
                    let _ended = shutdown.run_until_cancelled(self.work.notified()).await;
                }
            }
        }
    }

    /// Drains until nothing is left; `progress` is told how many were sent each time.
    ///
    /// # Errors
    /// The first thing that the broker does not take, or the disk.
    pub async fn until_empty(mut self, mut progress: impl FnMut(&str, usize)) -> Result<(), Fault> {
        while let Turn::Send(index) = next(&self.states(), Instant::now()) {
            let Some(outlet) = self.outlets.get_mut(index) else { break };
            let sent = outlet.send(&mut self.pace).await?;
            progress(outlet.name(), sent);
        }
        Ok(())
    }

    async fn send(&mut self, index: usize) {
        let Some(outlet) = self.outlets.get_mut(index) else { return };
        let was_away = outlet.way.is_away();
        match outlet.send(&mut self.pace).await {
            Ok(_) if was_away && !outlet.way.is_away() => {
                // One broker for all of them: who can be reached need not wait for their own turn to find out.
                self.outlets.iter().filter(|other| other.broker.is_up()).for_each(|other| other.way.open());
            }
            Ok(_) => {}
            Err(fault) => outlet.failed(&fault, Instant::now() + PAUSE),
        }
    }

    fn states(&self) -> Vec<State> {
        self.outlets.iter().map(Outlet::state).collect()
    }
}
