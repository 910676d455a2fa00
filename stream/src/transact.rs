//! A lane that ends where it begins: from a topic to topics, exactly once.
//!
//! What a batch of messages becomes, their dead letters, their pages of the books and the offsets up to which the batch
//! goes are one [`Transaction`]: all of it is there, or none. So nothing is lost and nothing is there twice, whoever dies;
//! and a message whose key came before is dropped as [`DUPLICATE`], by the [`Window`] of its partition.
//!
//! The path of a message: `session` takes it, asks the window of its partition, and gathers it; `prepare` makes of the
//! gathered batch a transaction; `commit` commits it, and its messages have their fates. Three batches are under way at
//! once: while one is committed the next one is prepared, and the one after it gathers.
//!
//! A transaction that was taken back is tried again as it is. When its outcome cannot be known, or the producer can do no
//! more, everything in memory is let go, and source and producer are opened anew: the committed offsets are the truth.
//! Never must a batch be tried again after that.

mod commit;
mod prepare;
mod refill;
mod session;
mod standing;
#[cfg(test)]
mod tests;

use crate::{
    batch::Limits,
    books::Page,
    clock,
    envelope::Message,
    fault::{Fault, Refusal},
    kafka::Outgoing,
    lane::{Source, Step},
    metrics,
    retry::Backoff,
    telemetry::Health,
    window::{Fingerprints, Window},
};
use session::{End, Session};
use standing::Standing;
use std::{future::Future, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The reason of a message whose key came before.
pub const DUPLICATE: &str = "duplicate";

/// The fault of properties that the client does not take: no waiting mends them.
const UNUSABLE: &str = "kafka_config";

/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What is committed at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Everything that the batch became, in the order of its messages.
    pub messages: Vec<Outgoing>,
    /// For each partition that was read the offset before which every message has its fate.
    pub offsets: Vec<(i32, i64)>,
}

/// Why a transaction was not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCommitted {
    /// It was taken back: nothing of it is there. The same may be tried again.
    #[error(transparent)]
    TakenBack(Fault),
    /// Nobody can tell, or nothing more can be tried: the committed offsets say what is there.
    #[error(transparent)]
    Unknown(Fault),
}

/// Commits transactions, as the member of the group that reads the source: what it commits after its partitions went to
/// another is refused.
pub trait Transactor: Send + Sync + 'static {
    /// All of it, or nothing. One at a time.
    fn commit(&self, transaction: Arc<Transaction>) -> impl Future<Output = Result<(), NotCommitted>> + Send;
}

/// The log that a lane reads and writes.
pub trait Log: Clone + Send + Sync + 'static {
    /// The reading end.
    type Source: Source;
    /// The writing end.
    type Transactor: Transactor;

    /// Opens both ends. What an earlier writing end of this process left open is taken back first.
    fn open(&self) -> impl Future<Output = Result<(Self::Source, Self::Transactor), Fault>> + Send;

    /// Notes in the window the keys that came before an offset; as many as it holds, and in their order.
    fn refill(
        &self,
        refill: Refill,
        told: impl Fn(Progress) + Send + 'static,
    ) -> impl Future<Output = Result<Window, Fault>> + Send;
}

/// A window that is to be filled from the partition.
#[derive(Debug)]
pub struct Refill {
    /// The partition.
    pub partition: i32,
    /// The committed offset.
    pub next: i64,
    /// The empty window.
    pub window: Window,
    /// What stands for a key in it.
    pub prints: Fingerprints,
}

/// How far a refill has come, in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// So many were read.
    pub read: i64,
    /// Of so many.
    pub of: i64,
}

/// Writes what a transaction holds besides what its messages became.
pub trait Scribe: Send + Sync + 'static {
    /// The dead letter of a refused message.
    fn letter(&self, message: &Message, refusal: &Refusal) -> Outgoing;
    /// A page of the books.
    fn page(&self, page: &Page) -> Outgoing;
}

/// One lane from a log to the same log.
pub struct TransactLane<L, St, Sc> {
    /// Name in metrics, logs and readiness: `enrich`.
    pub name: &'static str,
    /// Where messages come from and go to.
    pub log: L,
    /// What becomes of each: made while the log is opened, for it may have much to read first.
    pub step: St,
    /// Writes letters and pages.
    pub scribe: Sc,
    /// When a batch is full.
    pub limits: Limits,
    /// How many keys of each partition are known.
    pub window: usize,
    /// How long what is under way may take when partitions are to be let go.
    pub grace: Duration,
    /// Told whenever the lane waits for the world.
    pub health: Health,
}

/// What the parts of a running lane share.
struct Shared<L, St, Sc> {
    name: &'static str,
    log: L,
    step: St,
    scribe: Sc,
    limits: Limits,
    window: usize,
    prints: Fingerprints,
    grace: Duration,
    standing: Standing,
}

impl<L, St, Sc> TransactLane<L, St, Sc>
where
    L: Log,
    Sc: Scribe,
{
    /// Carries messages until `shutdown`, then commits what is under way within the grace period.
    ///
    /// # Errors
    /// A [`Fault`] of the source that waiting does not mend, a step that cannot be made, or a panic of it. No offset was
    /// moved by it.
    pub async fn run<S>(self, shutdown: CancellationToken) -> Result<(), Fault>
    where
        St: Future<Output = Result<S, Fault>>,
        S: Step<Out = Vec<Outgoing>>,
    {
        let begun = async { tokio::join!(self.log.open(), self.step) };
        let Some((opened, step)) = shutdown.run_until_cancelled(begun).await else { return Ok(()) };
        let shared = Arc::new(Shared {
            name: self.name,
            log: self.log,
            step: step?,
            scribe: self.scribe,
            limits: self.limits,
            window: self.window,
            prints: Fingerprints::default(),
            grace: self.grace,
            standing: Standing::new(self.name, self.health),
        });
        shared.carry(opened, &shutdown).await
    }
}

type Opened<L> = Result<(<L as Log>::Source, <L as Log>::Transactor), Fault>;

impl<L, St, Sc> Shared<L, St, Sc>
where
    L: Log,
    St: Step<Out = Vec<Outgoing>>,
    Sc: Scribe,
{
    /// Session after session, each on a log that was opened for it.
    async fn carry(
        self: &Arc<Self>,
        mut opened: Opened<L>,
        shutdown: &CancellationToken,
    ) -> Result<(), Fault> {
        let mut backoff = Backoff::new(LONGEST_WAIT);
        loop {
            let end = match opened {
                Ok((source, transactor)) => {
                    let session = Session::new(self, source, transactor);
                    session.run(shutdown, || backoff = Backoff::new(LONGEST_WAIT)).await
                }
                Err(fault) if fault.tag == UNUSABLE => End::Failed(fault),
                Err(fault) => End::StartOver(fault),
            };
            let fault = match end {
                End::Shutdown => return Ok(()),
                End::Failed(fault) => return Err(fault),
                End::StartOver(fault) => fault,
            };
            let wait = backoff.next(clock::now_ms().unsigned_abs());
            metrics::faulted(self.name, fault.tag);
            tracing::warn!(lane = self.name, tries = backoff.tries(), %fault,
                "starting over from the committed offsets in {wait:?}");
            self.standing.stalls(fault.to_string());
            let again = async {
                tokio::time::sleep(wait).await;
                self.log.open().await
            };
            match shutdown.run_until_cancelled(again).await {
                Some(again) => opened = again,
                None => return Ok(()),
            }
        }
    }
}
