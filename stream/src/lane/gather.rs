//! Puts a batch together: as large as the strategy wants and the governor allows, or exactly the range that was planned.

use super::{
    gathered::Gathered,
    inbox::Inbox,
    partition::{LeftOpen, Out, Partition},
    roles::Roles,
};
use crate::{
    batch::{Fill, Limits},
    envelope::Envelope,
    plan::Plan,
};
use tokio::time::Instant;

/// A batch, and whether rows or bytes closed it.
pub(super) struct Batch<T> {
    pub(super) gathered: Gathered<T>,
    pub(super) full: bool,
}

impl<R: Roles> Partition<R> {
    /// Steps messages until the batch is full or due, and its turn has come: until then it goes on gathering.
    pub(super) async fn gather(&self, first: Envelope, inbox: &mut Inbox, limits: Limits) -> Batch<Out<R>> {
        let mut gathered = Gathered::new();
        let mut fill = Fill::start(limits, Instant::now());
        let mut turn = None;
        let mut next = Some(first);
        while let Some(envelope) = next {
            fill.add(envelope.message.weight());
            self.step(envelope, &mut gathered);
            if fill.is_full() {
                break;
            }
            next = match inbox.arrived() {
                Some(envelope) => Some(envelope),
                None => self.next_until_due(inbox, &fill, &mut turn).await,
            };
        }
        self.wait_for(turn.unwrap_or_else(|| self.turn())).await;
        Batch { gathered, full: fill.is_full() }
    }

    /// Waits for a turn; when the partition is to be let go, no longer.
    async fn wait_for(&self, turn: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(turn) => {}
            () = self.ending.begun.cancelled() => {}
        }
    }

    /// The next message of a batch that is not full; `None`: it goes as it is.
    async fn next_until_due(
        &self,
        inbox: &mut Inbox,
        fill: &Fill,
        turn: &mut Option<Instant>,
    ) -> Option<Envelope> {
        loop {
            tokio::select! {
                biased;
                envelope = inbox.next() => return envelope,
                () = self.ending.begun.cancelled() => return None,
                () = tokio::time::sleep_until(turn.unwrap_or(fill.due_at())) => {}
            }
            if *turn.get_or_insert_with(|| self.turn()) <= Instant::now() {
                return None;
            }
        }
    }

    fn turn(&self) -> Instant {
        self.shared.governor.turn(Instant::now())
    }

    /// Gathers the planned range again, whatever the limits: it fitted when it was planned. The message behind it is for
    /// the next batch. It waits for its turn like any other: after a rebalance many partitions have a plan at once.
    pub(super) async fn repeat(
        &self,
        plan: Plan,
        first: Envelope,
        inbox: &mut Inbox,
    ) -> Result<Batch<Out<R>>, LeftOpen> {
        tracing::info!(lane = self.shared.name, partition = self.number, %plan, "repeating what was planned");
        let mut gathered = Gathered::new();
        let mut next = Some(first);
        while let Some(envelope) = next {
            let offset = envelope.message.offset;
            if offset > plan.last {
                inbox.give_back(envelope);
            } else {
                self.step(envelope, &mut gathered);
            }
            if offset >= plan.last {
                self.wait_for(self.turn()).await;
                return Ok(Batch { gathered, full: true });
            }
            next = tokio::select! {
                biased;
                envelope = inbox.next() => envelope,
                () = self.ending.begun.cancelled() => None,
            };
        }
        gathered.leave_open(); // a part of the range would go by another name
        Err(LeftOpen)
    }
}
