//! Tries until the world is well, or the partition has to be let go.

use super::{
    commit::FENCED,
    partition::{LeftOpen, Partition},
    roles::Roles,
};
use crate::{clock, fault::Fault, metrics, retry::Backoff};
use std::{future::Future, time::Duration};

/// Longest wait between two tries.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl<R: Roles> Partition<R> {
    /// Tries until it is done, or the grace period is over.
    pub(super) async fn patiently<T, F>(&self, attempt: impl Fn() -> F + Send) -> Result<T, LeftOpen>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        self.patiently_telling(attempt, |_| ()).await
    }

    /// The same, and tells of each fault.
    pub(super) async fn patiently_telling<T, F>(
        &self,
        attempt: impl Fn() -> F + Send,
        mut tell: impl FnMut(&Fault) + Send,
    ) -> Result<T, LeftOpen>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let mut backoff = Backoff::new(LONGEST_WAIT);
        loop {
            let tried = tokio::select! {
                tried = attempt() => tried,
                () = self.ending.forced.cancelled() => return Err(LeftOpen),
            };
            let fault = match tried {
                Ok(done) => {
                    if backoff.tries() > 0 {
                        tracing::info!(lane = self.shared.name, partition = self.number, "the lane goes on");
                        self.shared.waiting.ends(self.number);
                    }
                    return Ok(done);
                }
                Err(fault) => fault,
            };
            tell(&fault);
            let wait = backoff.next(clock::now_ms().unsigned_abs());
            metrics::faulted(self.shared.name, fault.tag);
            if fault.tag == FENCED && self.ending.begun.is_cancelled() {
                return Err(LeftOpen); // whoever has the partition now carries it on
            }
            tracing::warn!(lane = self.shared.name, partition = self.number, tries = backoff.tries(), %fault,
                "waiting {wait:?}, then trying again");
            self.shared.waiting.begins(self.number, fault.to_string());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.ending.forced.cancelled() => return Err(LeftOpen),
            }
        }
    }
}
