//! The one consume loop: take, step, gather, plan, store.
//!
//! [`Lane::run`] hands each assigned partition to a task of its own: parallel across partitions, in order within
//! one. A task gathers a batch; commits, in one, that everything before it is done and that this very range is about to be
//! written; and then stores it, waiting as long as the world is at fault. A process that dies in between leaves the plan at
//! the broker, and whoever has the partition next stores the same range again under the same name. So a store that knows
//! a name again has everything once. Nothing here knows what a message says: [`Step`] decides, [`Sink`] acts.
//!
//! Memory is bounded by the source: each message holds its weight of the source's budget until it has its fate.

mod commit;
mod door;
mod gather;
mod gathered;
mod inbox;
mod partition;
mod patience;
mod roles;
mod store;
#[cfg(test)]
mod tests;
mod waiting;

pub use commit::FENCED;

use crate::{
    books::{Books, Unbooked},
    envelope::{Message, PlannedRange, SharedLedger, Verdict},
    fault::{Fault, Refusal, WriteError},
    governor::Governor,
    plan::{Plan, Start},
    strategy::{Pace, Pressure},
    telemetry::Health,
};
use door::Door;
use partition::{Ending, Partition};
use roles::{PlayedBy, Roles};
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use waiting::Waiting;

/// What one message becomes. Pure: no I/O, no clock but the one it was given.
pub trait Step: Send + Sync + 'static {
    /// What the sink stores.
    type Out: Send + Sync + 'static;
    /// Decides.
    fn step(&self, message: &Message) -> Verdict<Self::Out>;
}

/// Where items go. It decides nothing and retries nothing.
pub trait Sink<T>: Send + Sync + 'static {
    /// Stores all of `items`, or says why not. `range` covers exactly them: a repeat of the same range is the
    /// same items.
    fn write(&self, range: &PlannedRange, items: &[T])
    -> impl Future<Output = Result<(), WriteError>> + Send;

    /// What the store says of the size of what it is given, by the fault it just had; without one, by its state.
    fn pressure(&self, _fault: Option<&Fault>) -> Pressure {
        Pressure::Fine
    }
}

/// What of a planned range is not to be stored after all, by what is stored already. It is asked after the range was
/// planned and before it is written, and again when the range is repeated: the items that a first try stored must then be
/// kept again, or the repeat would not be the same.
pub trait Sift<T>: Send + Sync + 'static {
    /// Held by a partition from before its range is sifted until that range has its fate, or is left open.
    type Turn: Send;
    /// Waits for the turn of a partition, where what two of them store at once depends on each other.
    fn turn(&self) -> impl Future<Output = Self::Turn> + Send;
    /// For each of `items`, in order, the reason for which it is dropped, if it is.
    fn sift(
        &self,
        range: &PlannedRange,
        items: &[T],
    ) -> impl Future<Output = Result<Vec<Option<&'static str>>, Fault>> + Send;
}

/// Everything is stored.
impl<T: Sync> Sift<T> for () {
    type Turn = ();

    async fn turn(&self) {}

    async fn sift(&self, _: &PlannedRange, items: &[T]) -> Result<Vec<Option<&'static str>>, Fault> {
        Ok(vec![None; items.len()])
    }
}

/// Where refused messages go, with their original bytes.
pub trait Bury: Send + Sync + 'static {
    /// Makes all of them safe, or says why not.
    fn bury(&self, dead: &[(&Message, &Refusal)]) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// What a source says.
#[derive(Debug)]
pub enum Signal {
    /// These partitions are ours now, each from there.
    Assigned(Vec<Start>),
    /// These are to be let go; the source waits for the answer before it does.
    Revoked(Vec<i32>, oneshot::Sender<()>),
    /// Messages that have arrived, in their order, each with the room in memory that it holds.
    Messages(Vec<(Message, OwnedSemaphorePermit)>),
    /// The source cannot go on.
    Failed(Fault),
}

/// Where messages come from, and where their settled prefix is noted.
pub trait Source: Send + 'static {
    /// The half that commits.
    type Commits: Commits;
    /// Topic's name on the broker.
    fn topic(&self) -> Arc<str>;
    /// The next signal; `None` when the source has ended. Cancelling it loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Signal>> + Send;
    /// The half that commits.
    fn commits(&self) -> Self::Commits;
}

/// Notes up to where a partition is done.
pub trait Commits: Clone + Send + Sync + 'static {
    /// Commits that every offset before `next` has its fate, and that `plan` is about to be written. Answers only once
    /// the broker has acknowledged both; a later commit of the same partition never overtakes an earlier one.
    fn commit(
        &self,
        partition: i32,
        next: i64,
        plan: Option<Plan>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// How a lane gives its sink work.
#[derive(Debug, Clone)]
pub struct Work {
    /// When a batch goes.
    pub pace: Pace,
    /// Batches a second, of all partitions together; zero: as many as come.
    pub per_second: f64,
    /// How long the breaker stays open before it lets a probe through.
    pub breaker_pause: Duration,
}

/// One lane: a source, a step, a sink, and where refused messages go.
pub struct Lane<So, St, Si, B, Sf = (), Bk = Unbooked> {
    /// Name in metrics, logs and readiness: `load.events`.
    pub name: &'static str,
    /// Where messages come from.
    pub source: So,
    /// What becomes of each.
    pub step: St,
    /// What of that is not to be stored after all.
    pub sift: Sf,
    /// Where the rest goes.
    pub sink: Si,
    /// Where refused ones go.
    pub dead: B,
    /// Where it is noted what became of them.
    pub books: Bk,
    /// How much at once, and how often.
    pub work: Work,
    /// How long a partition may go on storing after it was told to end.
    pub grace: Duration,
    /// Told whenever the lane waits for the world.
    pub health: Health,
}

impl<So, St, Si, B, Sf, Bk> Lane<So, St, Si, B, Sf, Bk>
where
    So: Source,
    St: Step,
    Si: Sink<St::Out>,
    B: Bury,
    Sf: Sift<St::Out>,
    Bk: Books,
{
    /// Carries messages until `shutdown`, then drains within the grace period.
    ///
    /// # Errors
    /// A [`Fault`] of the source that waiting does not mend. No offset was moved by it.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Fault> {
        let mut source = self.source;
        let shared = Arc::new(partition::Shared::<PlayedBy<St, Sf, Si, B, Bk, So::Commits>> {
            name: self.name,
            step: self.step,
            sift: self.sift,
            sink: self.sink,
            dead: self.dead,
            books: self.books,
            pace: self.work.pace,
            governor: Governor::per_second(self.work.per_second),
            door: Door::new(self.name, self.health.clone(), self.work.breaker_pause),
            waiting: Waiting::new(self.name, self.health),
            commits: source.commits(),
            died: CancellationToken::new(),
        });
        let mut open = OpenPartitions { grace: self.grace, tasks: HashMap::new() };
        let outcome = loop {
            let signal = tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                () = shared.died.cancelled() => break Ok(()), // `close` says of what
                signal = source.next() => signal,
            };
            match signal {
                Some(Signal::Assigned(starts)) => {
                    starts.into_iter().for_each(|start| open.assign(start, &shared));
                    shared.waiting.assigned();
                }
                Some(Signal::Revoked(partitions, done)) => {
                    open.close(&partitions).await?;
                    let _gone = done.send(()); // the source may have stopped waiting
                }
                Some(Signal::Messages(messages)) => {
                    messages.into_iter().for_each(|(message, budget)| open.route(message, budget));
                }
                Some(Signal::Failed(fault)) => break Err(fault),
                None => break Ok(()),
            }
        };
        let all: Vec<i32> = open.tasks.keys().copied().collect();
        open.close(&all).await?;
        outcome
    }
}

/// The tasks of the assigned partitions.
struct OpenPartitions {
    grace: Duration,
    tasks: HashMap<i32, Running>,
}

struct Running {
    inbox: mpsc::UnboundedSender<crate::envelope::Envelope>,
    ledger: SharedLedger,
    ending: Ending,
    task: JoinHandle<()>,
}

impl OpenPartitions {
    fn assign<R: Roles>(&mut self, start: Start, shared: &Arc<partition::Shared<R>>) {
        let (inbox, messages) = mpsc::unbounded_channel(); // bounded by the source's budget
        let ledger = SharedLedger::new(shared.name);
        let ending = Ending::default();
        let carried = Partition {
            number: start.partition,
            found: start.plan,
            shared: Arc::clone(shared),
            ledger: ledger.clone(),
            ending: ending.clone(),
        };
        let task = tokio::spawn(carried.carry(messages));
        self.tasks.insert(start.partition, Running { inbox, ledger, ending, task });
    }

    /// A message of a partition that is not ours (any more) is left to whoever has it.
    fn route(&self, message: Message, budget: OwnedSemaphorePermit) {
        let Some(running) = self.tasks.get(&message.partition) else { return };
        match running.ledger.receive(message, budget) {
            Ok(envelope) => {
                if let Err(unsent) = running.inbox.send(envelope) {
                    unsent.0.receipt.leave_open(); // its task has died, and the lane is about to end
                }
            }
            Err(again) => tracing::debug!(partition = again.partition, offset = again.offset, "read twice"),
        }
    }

    /// Lets partitions go: what was gathered is stored and committed, or left open when the grace is over.
    async fn close(&mut self, partitions: &[i32]) -> Result<(), Fault> {
        let (mut endings, mut tasks) = (Vec::new(), Vec::new());
        for Running { ending, task, .. } in partitions.iter().filter_map(|number| self.tasks.remove(number)) {
            ending.begin();
            endings.push(ending);
            tasks.push(task);
        }
        let all_ended = async {
            let mut outcome = Ok(());
            for task in tasks {
                if let Err(error) = task.await {
                    outcome = Err(Fault::new("lane_panicked", error.to_string()));
                }
            }
            outcome
        };
        tokio::pin!(all_ended);
        if let Ok(outcome) = tokio::time::timeout(self.grace, &mut all_ended).await {
            return outcome;
        }
        // All of them at once: each may still take a moment for its last word, and they take it together.
        endings.iter().for_each(Ending::force);
        all_ended.await
    }
}
