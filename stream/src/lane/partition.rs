//! One partition of a lane: gather, store, commit, again.

use super::{Bury, Commits, Sink, Step, waiting::Waiting};
use crate::{
    batch::{Fill, Limits},
    clock,
    envelope::{Envelope, Fate, Message, PlannedRange, Receipt, SharedLedger, Verdict},
    fault::{Fault, Refusal, WriteError},
    metrics,
    retry::Backoff,
};
use std::{ops::Range, sync::Arc, time::Duration};
use tokio::{sync::mpsc::UnboundedReceiver, time::Instant};
use tokio_util::sync::CancellationToken;

/// What all partitions of a lane share.
pub(super) struct Shared<St, Si, B, C> {
    pub(super) name: &'static str,
    pub(super) topic: Arc<str>,
    pub(super) step: St,
    pub(super) sink: Si,
    pub(super) dead: B,
    pub(super) limits: Limits,
    pub(super) waiting: Waiting,
    pub(super) commits: C,
    /// Cancelled when the task of a partition panics: the lane ends, for nobody else would carry that partition.
    pub(super) died: CancellationToken,
}

/// How a partition is told to end: first kindly, then at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    begun: CancellationToken,
    forced: CancellationToken,
}

impl Ending {
    /// Take nothing more, store what was gathered.
    pub(super) fn begin(&self) {
        self.begun.cancel();
    }

    /// Leave open what is not stored yet.
    pub(super) fn force(&self) {
        self.forced.cancel();
    }
}

/// The grace period was over before the world was well again: what is not stored stays open.
struct LeftOpen;

/// Longest wait between two tries.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Longest wait between two tries of a commit, and how many there are: about eight seconds, which a rebalance takes.
const LONGEST_COMMIT_WAIT: Duration = Duration::from_secs(1);
const COMMIT_TRIES: u32 = 10;

/// How long a commit may still take when the grace period is over: the broker may be away.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What a step kept, and what it refused: everything that still needs a fate.
struct Batch<T> {
    items: Vec<T>,
    kept: Vec<Owed>,
    refused: Vec<(Owed, Refusal)>,
}

/// A message with its receipt.
struct Owed {
    message: Message,
    receipt: Receipt,
}

fn message_of(owed: Option<&Option<Owed>>) -> Option<&Message> {
    owed?.as_ref().map(|owed| &owed.message)
}

/// One assigned partition and what it needs.
pub(super) struct Partition<St, Si, B, C> {
    pub(super) number: i32,
    pub(super) shared: Arc<Shared<St, Si, B, C>>,
    pub(super) ledger: SharedLedger,
    pub(super) ending: Ending,
}

impl<St, Si, B, C> Partition<St, Si, B, C>
where
    St: Step,
    Si: Sink<St::Out>,
    B: Bury,
    C: Commits,
{
    /// Carries this partition's messages until the inbox is closed or the lane ends.
    pub(super) async fn carry(self, mut inbox: UnboundedReceiver<Envelope>) {
        let died = self.shared.died.clone().drop_guard();
        while let Some(first) = self.first(&mut inbox).await {
            let batch = self.gather(first, &mut inbox).await;
            let stored = self.store(batch).await;
            self.commit().await;
            if stored.is_err() {
                break;
            }
        }
        died.disarm();
        self.shared.waiting.ends(self.number);
        inbox.close();
        while let Ok(envelope) = inbox.try_recv() {
            envelope.receipt.leave_open();
        }
    }

    /// The first message of the next batch; `None` when there is nothing more to do here.
    async fn first(&self, inbox: &mut UnboundedReceiver<Envelope>) -> Option<Envelope> {
        tokio::select! {
            biased;
            () = self.ending.begun.cancelled() => None,
            envelope = inbox.recv() => envelope,
        }
    }

    /// Steps messages until the batch is full or due.
    async fn gather(&self, first: Envelope, inbox: &mut UnboundedReceiver<Envelope>) -> Batch<St::Out> {
        let mut batch = Batch { items: Vec::new(), kept: Vec::new(), refused: Vec::new() };
        let mut fill = Fill::start(self.shared.limits, Instant::now());
        let mut next = Some(first);
        while let Some(envelope) = next {
            fill.add(envelope.message.weight());
            self.step(envelope, &mut batch);
            if fill.is_full() {
                break;
            }
            next = match inbox.try_recv() {
                Ok(envelope) => Some(envelope),
                Err(_) => tokio::select! {
                    biased;
                    envelope = inbox.recv() => envelope,
                    () = self.ending.begun.cancelled() => None,
                    () = tokio::time::sleep_until(fill.due_at()) => None,
                },
            };
        }
        batch
    }

    fn step(&self, envelope: Envelope, batch: &mut Batch<St::Out>) {
        let Envelope { message, receipt } = envelope;
        match self.shared.step.step(&message) {
            Verdict::Keep(item) => {
                batch.items.push(item);
                batch.kept.push(Owed { message, receipt });
            }
            Verdict::Drop(reason) => receipt.settle(Fate::Dropped(reason)),
            Verdict::Refuse(refusal) => batch.refused.push((Owed { message, receipt }, refusal)),
        }
    }

    /// Gives everything in the batch its fate. What the sink refuses for its content is found by halves.
    async fn store(&self, batch: Batch<St::Out>) -> Result<(), LeftOpen> {
        let Batch { items, kept, mut refused } = batch;
        let mut kept: Vec<Option<Owed>> = kept.into_iter().map(Some).collect();
        let mut slices: Vec<Range<usize>> = std::iter::once(0..items.len()).collect();
        let mut outcome = Ok(());
        while let Some(slice) = slices.pop() {
            let written = self.write(slice.clone(), &items, &kept).await;
            let owed = kept.get_mut(slice.clone()).unwrap_or_default().iter_mut();
            match written {
                Ok(Ok(())) => {
                    owed.filter_map(Option::take).for_each(|owed| owed.receipt.settle(Fate::Delivered))
                }
                Ok(Err(refusal)) if slice.len() == 1 => {
                    refused.extend(owed.filter_map(Option::take).map(|owed| (owed, refusal.clone())));
                }
                Ok(Err(_)) => {
                    let middle = slice.start + slice.len() / 2;
                    slices.extend([middle..slice.end, slice.start..middle]);
                }
                Err(left_open) => {
                    outcome = Err(left_open);
                    break;
                }
            }
        }
        if outcome.is_ok() {
            outcome = self.bury(&refused).await;
        }
        for (owed, refusal) in refused {
            match outcome {
                Ok(()) => owed.receipt.settle(Fate::Dead(refusal.reason)),
                Err(LeftOpen) => owed.receipt.leave_open(),
            }
        }
        kept.into_iter().flatten().for_each(|owed| owed.receipt.leave_open());
        outcome
    }

    /// Writes one slice, as often as the world makes it necessary. `Ok(Err(_))`: refused for its content.
    async fn write(
        &self,
        slice: Range<usize>,
        items: &[St::Out],
        kept: &[Option<Owed>],
    ) -> Result<Result<(), Refusal>, LeftOpen> {
        let items = items.get(slice.clone()).unwrap_or_default();
        let messages = kept.get(slice).unwrap_or_default();
        let (Some(first), Some(last)) = (message_of(messages.first()), message_of(messages.last())) else {
            return Ok(Ok(())); // nothing was kept
        };
        let range = PlannedRange {
            topic: Arc::clone(&self.shared.topic),
            partition: self.number,
            first: first.offset,
            last: last.offset,
            first_at_ms: first.timestamp_ms,
        };
        let started_at = Instant::now();
        let written = self
            .patiently(|| async {
                match self.shared.sink.write(&range, items).await {
                    Ok(()) => Ok(Ok(())),
                    Err(WriteError::Content(refusal)) => Ok(Err(refusal)),
                    Err(WriteError::Fault(fault)) => Err(fault),
                }
            })
            .await?;
        if written.is_ok() {
            metrics::stored(self.shared.name, items.len(), started_at.elapsed());
        }
        Ok(written)
    }

    async fn bury(&self, refused: &[(Owed, Refusal)]) -> Result<(), LeftOpen> {
        if refused.is_empty() {
            return Ok(());
        }
        for (owed, refusal) in refused {
            let Message { topic, partition, offset, .. } = &owed.message;
            tracing::warn!(lane = self.shared.name, %topic, partition, offset, reason = refusal.reason,
                detail = refusal.detail, "refused a message: it goes to the dead letters");
        }
        let dead: Vec<_> = refused.iter().map(|(owed, refusal)| (&owed.message, refusal)).collect();
        self.patiently(|| self.shared.dead.bury(&dead)).await
    }

    /// Tries until the world is well, or the grace period is over.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F + Send) -> Result<T, LeftOpen>
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
            let wait = backoff.next(clock::now_ms().unsigned_abs());
            metrics::faulted(self.shared.name, fault.tag);
            tracing::warn!(lane = self.shared.name, partition = self.number, tries = backoff.tries(), %fault,
                "waiting {wait:?}, then trying again");
            self.shared.waiting.begins(self.number, fault.to_string());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.ending.forced.cancelled() => return Err(LeftOpen),
            }
        }
    }

    /// Commits what is settled. The last commit before a partition is let go is tried again for a while: in the middle
    /// of a rebalance the coordinator takes none, and without it the next owner would store the same rows again.
    async fn commit(&self) {
        let Some(next) = self.ledger.frontier() else { return };
        let mut backoff = Backoff::new(LONGEST_COMMIT_WAIT);
        loop {
            let tried = tokio::select! {
                tried = self.shared.commits.commit(self.number, next, None) => tried,
                () = self.no_answer() => Err(Fault::new("commit", "the broker did not answer in time")),
            };
            let fault = match tried {
                Ok(()) => return metrics::committed(self.shared.name, self.number, next),
                Err(fault) => fault,
            };
            if backoff.tries() >= COMMIT_TRIES || self.ending.forced.is_cancelled() {
                // What is not committed is read again: the next commit, or the next owner, makes up for it.
                tracing::warn!(lane = self.shared.name, partition = self.number, %fault, "a commit failed");
                return;
            }
            tracing::debug!(lane = self.shared.name, partition = self.number, %fault, "committing again");
            tokio::time::sleep(backoff.next(0)).await;
        }
    }

    /// The grace period is over, and a little more.
    async fn no_answer(&self) {
        self.ending.forced.cancelled().await;
        tokio::time::sleep(LAST_WORD).await;
    }
}
