//! One partition of a lane: gather, plan, store, again.
//!
//! The state that must survive a death is at the broker: the committed offset, and the plan of the range that may have been
//! written in part or in whole. Everything else here can be lost at any await.

use super::{
    Step, door::Door, gather::Batch, gathered::Gathered, inbox::Inbox, roles::Roles, waiting::Waiting,
};
use crate::{
    envelope::{Envelope, SharedLedger},
    governor::Governor,
    metrics,
    plan::Plan,
    strategy::{Measured, Pace},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// What a step makes of a message.
pub(super) type Out<R> = <<R as Roles>::Step as Step>::Out;

/// What all partitions of a lane share.
pub(super) struct Shared<R: Roles> {
    pub(super) name: &'static str,
    pub(super) step: R::Step,
    pub(super) sift: R::Sift,
    pub(super) sink: R::Sink,
    pub(super) dead: R::Bury,
    pub(super) books: R::Books,
    pub(super) pace: Pace,
    pub(super) governor: Governor,
    pub(super) door: Door,
    pub(super) waiting: Waiting,
    pub(super) commits: R::Commits,
    /// Cancelled when the task of a partition panics: the lane ends, for nobody else would carry that partition.
    pub(super) died: CancellationToken,
}

/// How a partition is told to end: first kindly, then at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    pub(super) begun: CancellationToken,
    pub(super) forced: CancellationToken,
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

/// The partition was let go before the world was well again: what is not stored stays open.
pub(super) struct LeftOpen;

/// What the broker has of this partition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtBroker {
    /// The offset up to which all is done, and no plan.
    Offset,
    /// Still the plan of a range that is stored by now: whoever reads it does the range again, for nothing.
    Done,
    /// Perhaps the plan of a range that is not stored: it must stay.
    Open,
}

/// How long nothing has to come before the offset is committed without a plan: so an idle partition has no lag, and a
/// busy one costs one commit a batch.
const IDLE: Duration = Duration::from_millis(250);

/// One assigned partition and what it needs.
pub(super) struct Partition<R: Roles> {
    pub(super) number: i32,
    /// The plan that was found with the committed offset.
    pub(super) found: Option<Plan>,
    pub(super) shared: Arc<Shared<R>>,
    pub(super) ledger: SharedLedger,
    pub(super) ending: Ending,
}

impl<R: Roles> Partition<R> {
    /// Carries this partition's messages until the inbox is closed or the lane ends.
    pub(super) async fn carry(mut self, messages: UnboundedReceiver<Envelope>) {
        let died = self.shared.died.clone().drop_guard();
        let mut inbox = Inbox::new(messages);
        let mut pace = self.shared.pace.clone();
        let mut at_broker = if self.found.is_some() { AtBroker::Open } else { AtBroker::Offset };
        while let Some(first) = self.first(&mut inbox, &mut at_broker).await {
            at_broker = AtBroker::Open;
            let batch = match self.found.take().filter(|plan| self.is_meant(plan, &first)) {
                Some(plan) => self.repeat(plan, first, &mut inbox).await,
                None => {
                    metrics::bounds(self.shared.name, self.number, pace.limits());
                    Ok(self.gather(first, &mut inbox, pace.limits()).await)
                }
            };
            let Ok(Batch { gathered, full }) = batch else { break };
            let Ok(lesson) = self.store(gathered).await else { break };
            at_broker = AtBroker::Done;
            let behind = inbox.waits();
            pace.learn(Measured { took: lesson.took, pressure: lesson.pressure, full, behind });
        }
        if at_broker == AtBroker::Done {
            self.commit_at_last().await;
        }
        died.disarm();
        self.shared.waiting.ends(self.number);
        inbox.leave_open();
    }

    /// The first message of the next batch; `None` when there is nothing more to do here.
    async fn first(&self, inbox: &mut Inbox, at_broker: &mut AtBroker) -> Option<Envelope> {
        loop {
            tokio::select! {
                biased;
                () = self.ending.begun.cancelled() => return None,
                envelope = inbox.next() => return envelope,
                () = tokio::time::sleep(IDLE), if *at_broker == AtBroker::Done => {}
            }
            if self.commit_done().await {
                *at_broker = AtBroker::Offset;
            }
        }
    }

    /// Whether `plan`, which was found, is about the range that begins with `first`.
    fn is_meant(&self, plan: &Plan, first: &Envelope) -> bool {
        let meant = plan.begins_with(&first.message);
        if !meant {
            tracing::warn!(lane = self.shared.name, partition = self.number, %plan, offset = first.message.offset,
                "a plan was found that is not about these messages: the topic was made anew, or the group's offset set");
        }
        meant
    }

    /// Steps a message.
    pub(super) fn step(&self, envelope: Envelope, gathered: &mut Gathered<Out<R>>) {
        let verdict = self.shared.step.step(&envelope.message);
        gathered.add(envelope, verdict);
    }
}
