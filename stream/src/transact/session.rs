//! One life of a source and a producer: takes messages, gathers them, and moves each batch on to the next stage.

use super::{
    Log, Scribe, Shared,
    commit::{LeftOpen, commit},
    prepare::{Gathered, Prepared, prepare},
    refill::refill,
};
use crate::{
    batch::Fill,
    envelope::{Envelope, Message, SharedLedger},
    fault::Fault,
    kafka::Outgoing,
    lane::{Signal, Source as _, Step},
    metrics,
    plan::Start,
    window::{Seen, Window},
};
use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    task::{JoinError, JoinHandle, JoinSet},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a commit may still take when the grace period is over. Left alone after that it does no harm: once this
/// member has left the group the broker takes no offsets from it, and what it took before binds whoever comes next.
const LAST_WORD: Duration = Duration::from_secs(2);

/// How a session ends.
pub(super) enum End {
    /// It was asked to.
    Shutdown,
    /// Waiting does not mend it.
    Failed(Fault),
    /// What is in memory is void: on from the committed offsets.
    StartOver(Fault),
}

/// One assigned partition.
struct Partition {
    ledger: SharedLedger,
    /// Whose refill counts: a partition may go and come back while an old one runs.
    assignment: u64,
    keys: Keys,
}

/// What is known of the keys of a partition.
enum Keys {
    /// All that are to be known.
    Known(Window),
    /// Not yet: its messages wait, and the refill ends when nobody waits for it.
    Awaited(VecDeque<Envelope>, DropGuard),
}

/// A batch that gathers.
struct Gathering {
    batch: Gathered,
    fill: Fill,
}

pub(super) struct Session<L: Log, St, Sc> {
    shared: Arc<Shared<L, St, Sc>>,
    source: L::Source,
    topic: Arc<str>,
    transactor: Arc<L::Transactor>,
    partitions: HashMap<i32, Partition>,
    assignments: u64,
    /// Without a window: the partition was let go first.
    refills: JoinSet<(i32, u64, Option<Window>)>,
    /// The first one goes next, the last one gathers. The source's budget bounds them all.
    gathering: VecDeque<Gathering>,
    preparing: Option<JoinHandle<Result<Prepared, Fault>>>,
    prepared: Option<Prepared>,
    committing: Option<JoinHandle<Result<(), LeftOpen>>>,
    forced: CancellationToken,
    has_joined: bool,
}

impl<L, St, Sc> Session<L, St, Sc>
where
    L: Log,
    St: Step<Out = Vec<Outgoing>>,
    Sc: Scribe,
{
    pub(super) fn new(shared: &Arc<Shared<L, St, Sc>>, source: L::Source, transactor: L::Transactor) -> Self {
        use crate::lane::Source;
        Self {
            shared: Arc::clone(shared),
            topic: source.topic(),
            source,
            transactor: Arc::new(transactor),
            partitions: HashMap::new(),
            assignments: 0,
            refills: JoinSet::new(),
            gathering: VecDeque::new(),
            preparing: None,
            prepared: None,
            committing: None,
            forced: CancellationToken::new(),
            has_joined: false,
        }
    }

    /// Carries messages until an end. `works` is called whenever a batch was committed.
    pub(super) async fn run(mut self, shutdown: &CancellationToken, mut works: impl FnMut() + Send) -> End {
        let end = loop {
            if let Err(end) = self.turn(shutdown, &mut works).await {
                break end;
            }
        };
        let end = match end {
            End::Shutdown => self.drain().await.err().map_or(End::Shutdown, at_shutdown),
            end => end,
        };
        self.refills.abort_all();
        self.close(end).await
    }

    /// Waits for whatever comes next, and does it.
    async fn turn(
        &mut self,
        shutdown: &CancellationToken,
        works: &mut (impl FnMut() + Send),
    ) -> Result<(), End> {
        self.advance(|gathering| gathering.fill.is_full() || gathering.fill.due_at() <= Instant::now());
        let due_at = self.gathering.front().map(|gathering| gathering.fill.due_at());
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Err(End::Shutdown),
            committed = joined(&mut self.committing) => self.committed(committed).map(|()| works()),
            prepared = joined(&mut self.preparing) => self.has_prepared(prepared),
            Some(refilled) = self.refills.join_next(), if !self.refills.is_empty() => self.refilled(refilled),
            // One that is due and cannot move on yet goes on gathering.
            () = due(due_at.filter(|due_at| *due_at > Instant::now())) => Ok(()),
            signal = self.source.next() => match signal {
                Some(signal) => self.take(signal).await,
                None => Err(End::Shutdown),
            },
        }
    }

    /// Moves batches on, as far as the stages before them are free.
    fn advance(&mut self, goes: impl FnOnce(&Gathering) -> bool) {
        if self.committing.is_none()
            && let Some(batch) = self.prepared.take()
        {
            let (shared, transactor) = (Arc::clone(&self.shared), Arc::clone(&self.transactor));
            self.committing = Some(tokio::spawn(commit(shared, transactor, batch, self.forced.clone())));
        }
        if self.preparing.is_none()
            && self.prepared.is_none()
            && self.gathering.front().is_some_and(goes)
            && let Some(Gathering { batch, .. }) = self.gathering.pop_front()
        {
            let (shared, topic) = (Arc::clone(&self.shared), Arc::clone(&self.topic));
            self.preparing = Some(tokio::spawn(prepare(shared, topic, batch)));
        }
    }

    fn has_prepared(&mut self, prepared: Result<Result<Prepared, Fault>, JoinError>) -> Result<(), End> {
        self.preparing = None;
        self.prepared = Some(prepared.map_err(panicked)?.map_err(End::Failed)?);
        Ok(())
    }

    fn committed(&mut self, committed: Result<Result<(), LeftOpen>, JoinError>) -> Result<(), End> {
        self.committing = None;
        committed.map_err(panicked)?.map_err(|LeftOpen(fault)| End::StartOver(fault))?;
        for (number, partition) in &self.partitions {
            if let Keys::Known(window) = &partition.keys {
                metrics::window(self.shared.name, *number, window.len(), window.bytes());
            }
        }
        Ok(())
    }

    async fn take(&mut self, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::Assigned(starts) => {
                starts.into_iter().for_each(|start| self.assign(start));
                if !std::mem::replace(&mut self.has_joined, true) {
                    self.shared.standing.goes_on();
                }
            }
            Signal::Revoked(partitions, done) => self.revoke(&partitions, done).await?,
            Signal::Messages(messages) => {
                messages.into_iter().for_each(|(message, room)| self.receive(message, room));
            }
            Signal::Failed(fault) => return Err(End::Failed(fault)),
        }
        Ok(())
    }

    /// Its window comes first: nothing is gathered before it is known what came before.
    fn assign(&mut self, Start { partition, committed, .. }: Start) {
        self.assignments += 1;
        let (assignment, shared) = (self.assignments, Arc::clone(&self.shared));
        let keys = match committed {
            Some(next) => {
                let wanted = CancellationToken::new();
                let guard = wanted.clone().drop_guard();
                self.refills.spawn(async move {
                    let refill = refill(shared, partition, next, &wanted);
                    (partition, assignment, wanted.run_until_cancelled(refill).await)
                });
                Keys::Awaited(VecDeque::new(), guard)
            }
            None => Keys::Known(Window::new(shared.window)),
        };
        let ledger = SharedLedger::new(self.shared.name);
        self.partitions.insert(partition, Partition { ledger, assignment, keys });
    }

    fn refilled(&mut self, refilled: Result<(i32, u64, Option<Window>), JoinError>) -> Result<(), End> {
        let (number, assignment, window) = refilled.map_err(panicked)?;
        let partition = self.partitions.get_mut(&number).filter(|known| known.assignment == assignment);
        let (Some(partition), Some(window)) = (partition, window) else { return Ok(()) };
        if let Keys::Awaited(waiting, _) = std::mem::replace(&mut partition.keys, Keys::Known(window)) {
            self.shared.standing.refilled(number);
            waiting.into_iter().for_each(|envelope| self.gather(envelope));
        }
        Ok(())
    }

    /// A message of a partition that is not ours (any more) is left to whoever has it.
    fn receive(&mut self, message: Message, room: OwnedSemaphorePermit) {
        let Some(partition) = self.partitions.get_mut(&message.partition) else { return };
        match (partition.ledger.receive(message, room), &mut partition.keys) {
            (Ok(envelope), Keys::Awaited(waiting, _)) => waiting.push_back(envelope),
            (Ok(envelope), Keys::Known(_)) => self.gather(envelope),
            (Err(again), _) => {
                tracing::debug!(partition = again.partition, offset = again.offset, "read twice");
            }
        }
    }

    fn gather(&mut self, envelope: Envelope) {
        let number = envelope.message.partition;
        let Some(Partition { ledger, keys: Keys::Known(window), .. }) = self.partitions.get_mut(&number)
        else {
            return envelope.receipt.leave_open();
        };
        let print = self.shared.prints.of(&envelope.message);
        let seen = print.map_or(Seen::First, |print| window.note(print));
        if self.gathering.back().is_none_or(|last| last.fill.is_full()) {
            let fill = Fill::start(self.shared.limits, Instant::now());
            self.gathering.push_back(Gathering { batch: Gathered::default(), fill });
        }
        let Some(Gathering { batch, fill }) = self.gathering.back_mut() else { return };
        fill.add(envelope.message.weight());
        batch.ledgers.entry(number).or_insert_with(|| ledger.clone());
        batch.push(envelope, seen);
    }

    /// Lets partitions go: what was gathered is committed before the answer, or everything is started over.
    async fn revoke(&mut self, partitions: &[i32], done: oneshot::Sender<()>) -> Result<(), End> {
        self.drain().await?;
        for number in partitions {
            self.forget(*number);
        }
        let _gone = done.send(()); // the source may have stopped waiting
        Ok(())
    }

    fn forget(&mut self, number: i32) {
        if let Some(Partition { keys: Keys::Awaited(waiting, wanted), .. }) = self.partitions.remove(&number)
        {
            drop(wanted); // first: from now on the refill, which may be on a thread of its own, tells nothing
            waiting.into_iter().for_each(|envelope| envelope.receipt.leave_open());
            self.shared.standing.refilled(number);
        }
        metrics::window(self.shared.name, number, 0, 0);
    }

    /// Commits what is under way. When the grace is over, what is not committed is left open.
    async fn drain(&mut self) -> Result<(), End> {
        let force_at = Instant::now() + self.shared.grace;
        loop {
            self.advance(|_| true);
            if self.preparing.is_none() && self.committing.is_none() {
                self.forced = CancellationToken::new();
                return Ok(()); // and nothing gathers, or it would be prepared by now
            }
            let is_forced = self.forced.is_cancelled();
            tokio::select! {
                biased;
                committed = joined(&mut self.committing) => self.committed(committed)?,
                prepared = joined(&mut self.preparing) => self.has_prepared(prepared)?,
                () = tokio::time::sleep_until(force_at), if !is_forced => self.forced.cancel(),
                () = tokio::time::sleep_until(force_at + LAST_WORD) => return Err(End::StartOver(late())),
            }
        }
    }

    /// Lets everything go: first what is in memory, then the source, which leaves the group.
    async fn close(mut self, end: End) -> End {
        self.forced.cancel();
        let all: Vec<i32> = self.partitions.keys().copied().collect();
        all.into_iter().for_each(|number| self.forget(number));
        self.gathering.drain(..).for_each(|gathering| gathering.batch.leave_open());
        let source = self.source;
        // It waits for its thread, which may wait for the broker.
        match tokio::task::spawn_blocking(move || drop(source)).await {
            Ok(()) => end,
            Err(error) => panicked(error),
        }
    }
}

/// At a shutdown, what was not committed in time is read again at the next start.
fn at_shutdown(end: End) -> End {
    match end {
        End::StartOver(fault) => {
            tracing::warn!(%fault, "not everything was committed in time; the next start reads it again");
            End::Shutdown
        }
        end => end,
    }
}

pub(super) fn late() -> Fault {
    Fault::new("not_in_time", "the grace period was over before everything was committed")
}

fn panicked(error: JoinError) -> End {
    End::Failed(Fault::new("lane_panicked", error.to_string()))
}

/// The end of a task, if there is one. Cancelling it loses nothing.
async fn joined<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(task) => task.await,
        None => pending().await,
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}
