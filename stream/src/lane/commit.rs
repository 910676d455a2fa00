//! What a partition tells the broker: the plan of the next range, or that all is done.

use super::{
    Commits as _,
    partition::{LeftOpen, Partition},
    roles::Roles,
};
use crate::{envelope::PlannedRange, fault::Fault, metrics, retry::Backoff};
use std::time::Duration;

/// The tag of a commit that is refused because the group has given the partition to somebody else.
pub const FENCED: &str = "fenced";

/// Longest wait between two tries of the last commit, and how many there are: about eight seconds, which a rebalance takes.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const TRIES: u32 = 10;
/// A member is fenced for good when its partitions were lost, and for a moment when the group goes on without it.
const FENCED_TRIES: u32 = 3;

/// How long a commit may still take when the grace period is over: the broker may be away.
const LAST_WORD: Duration = Duration::from_secs(2);

impl<R: Roles> Partition<R> {
    /// Commits that everything before `range` has its fate, and that `range` is about to be written.
    pub(super) async fn plan(&self, range: &PlannedRange) -> Result<(), LeftOpen> {
        let next = self.ledger.frontier().unwrap_or(range.first);
        self.patiently(|| self.shared.commits.commit(self.number, next, Some(range.plan()))).await?;
        metrics::committed(self.shared.name, self.number, next);
        Ok(())
    }

    /// Commits, once, that everything was done; whether the broker has it.
    pub(super) async fn commit_done(&self) -> bool {
        let committed = self.try_commit().await;
        if let Err(fault) = &committed {
            tracing::debug!(lane = self.shared.name, partition = self.number, %fault, "an idle commit failed");
        }
        committed.is_ok()
    }

    /// The same before the partition is let go. It is tried again for a while: in the middle of a rebalance the
    /// coordinator takes none. Without it the next owner does the last range again, for nothing.
    pub(super) async fn commit_at_last(&self) {
        let mut backoff = Backoff::new(LONGEST_WAIT);
        while let Err(fault) = self.try_commit().await {
            let tries = if fault.tag == FENCED { FENCED_TRIES } else { TRIES };
            if backoff.tries() >= tries || self.ending.forced.is_cancelled() {
                tracing::warn!(lane = self.shared.name, partition = self.number, %fault, "the last commit failed");
                return;
            }
            tracing::debug!(lane = self.shared.name, partition = self.number, %fault, "committing again");
            tokio::time::sleep(backoff.next(0)).await;
        }
    }

    async fn try_commit(&self) -> Result<(), Fault> {
        let Some(next) = self.ledger.frontier() else { return Ok(()) };
        tokio::select! {
            tried = self.shared.commits.commit(self.number, next, None) => tried?,
            () = self.no_answer() => return Err(Fault::new("commit", "the broker did not answer in time")),
        }
        metrics::committed(self.shared.name, self.number, next);
        Ok(())
    }

    /// The grace period is over, and a little more.
    async fn no_answer(&self) {
        self.ending.forced.cancelled().await;
        tokio::time::sleep(LAST_WORD).await;
    }
}
