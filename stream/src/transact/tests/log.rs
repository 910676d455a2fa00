//! A log of one partition in memory, which fails as it is told.

use super::super::{Log, NotCommitted, Progress, Refill, Transaction, Transactor};
use crate::{
    envelope::Message,
    fault::Fault,
    kafka::Outgoing,
    lane::{Commits, Signal, Source},
    plan::{Plan, Start},
    window::Window,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicUsize},
};
use tokio::sync::{Notify, Semaphore, mpsc};

/// What becomes of one try to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    TakenBack,
    /// The answer never came, and it was not committed.
    Lost,
    /// The answer never came, and it was.
    LostAndCommitted,
    /// No answer comes as long as the test holds it.
    Held,
}

pub(super) type Told = Box<dyn Fn(Progress) + Send>;

/// One partition, what was written to, and what goes wrong next.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) raw: Vec<Message>,
    pub(super) committed: Option<i64>,
    pub(super) written: Vec<Outgoing>,
    pub(super) transactions: usize,
    pub(super) outcomes: VecDeque<Outcome>,
    pub(super) orders: Option<mpsc::UnboundedSender<Signal>>,
    /// Tells how far the last refill has come.
    pub(super) told: Option<Told>,
}

pub(super) struct World {
    pub(super) disk: Mutex<Disk>,
    pub(super) grown: Notify,
    pub(super) held: Notify,
    pub(super) refills: Semaphore,
    pub(super) stepped: AtomicUsize,
    pub(super) budget: Arc<Semaphore>,
}

impl World {
    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }
}

#[derive(Clone)]
pub(super) struct MemoryLog(pub(super) Arc<World>);

impl Log for MemoryLog {
    type Source = Memory;
    type Transactor = Flaky;

    async fn open(&self) -> Result<(Memory, Flaky), Fault> {
        let (sender, orders) = mpsc::unbounded_channel();
        self.0.disk().orders = Some(sender);
        Ok((Memory { world: Arc::clone(&self.0), at: None, orders }, Flaky(Arc::clone(&self.0))))
    }

    async fn refill(
        &self,
        refill: Refill,
        told: impl Fn(Progress) + Send + 'static,
    ) -> Result<Window, Fault> {
        told(Progress { read: 0, of: refill.next });
        self.0.disk().told = Some(Box::new(told));
        self.0.refills.acquire().await.unwrap().forget();
        self.0.refills.add_permits(1);
        let Refill { next, mut window, prints, .. } = refill;
        for message in self.0.disk().raw.iter().take(usize::try_from(next).unwrap()) {
            window.note(prints.of(message).unwrap());
        }
        Ok(window)
    }
}

/// Reads from the committed offset on.
pub(super) struct Memory {
    world: Arc<World>,
    at: Option<usize>,
    orders: mpsc::UnboundedReceiver<Signal>,
}

impl Source for Memory {
    type Commits = Nothing;

    fn topic(&self) -> Arc<str> {
        "t".into()
    }

    async fn next(&mut self) -> Option<Signal> {
        let Some(at) = self.at else {
            let committed = self.world.disk().committed;
            self.at = Some(usize::try_from(committed.unwrap_or(0)).unwrap());
            return Some(Signal::Assigned(vec![Start { partition: 0, committed, plan: None }]));
        };
        loop {
            if let Ok(order) = self.orders.try_recv() {
                return Some(order);
            }
            let message = self.world.disk().raw.get(at).cloned();
            if let Some(message) = message {
                let weight = u32::try_from(message.weight()).unwrap();
                let room = Arc::clone(&self.world.budget).acquire_many_owned(weight).await.unwrap();
                self.at = Some(at + 1);
                return Some(Signal::Messages(vec![(message, room)]));
            }
            tokio::select! {
                () = self.world.grown.notified() => {}
                order = self.orders.recv() => return order,
            }
        }
    }

    fn commits(&self) -> Nothing {
        Nothing
    }
}

#[derive(Clone)]
pub(super) struct Nothing;

impl Commits for Nothing {
    async fn commit(&self, _: i32, _: i64, _: Option<Plan>) -> Result<(), Fault> {
        panic!("offsets go with the transaction")
    }
}

pub(super) struct Flaky(Arc<World>);

impl Transactor for Flaky {
    async fn commit(&self, transaction: Arc<Transaction>) -> Result<(), NotCommitted> {
        let outcome = self.0.disk().outcomes.pop_front().unwrap_or(Outcome::Committed);
        if outcome == Outcome::Held {
            self.0.held.notified().await;
        }
        let away = || Fault::new("away", "the test says so");
        match outcome {
            Outcome::TakenBack => return Err(NotCommitted::TakenBack(away())),
            Outcome::Lost => return Err(NotCommitted::Unknown(away())),
            Outcome::Committed | Outcome::LostAndCommitted | Outcome::Held => {}
        }
        let mut disk = self.0.disk();
        let [(0, next)] = transaction.offsets[..] else { panic!("{:?}", transaction.offsets) };
        assert!(disk.committed.is_none_or(|before| before < next), "offsets only go on");
        disk.committed = Some(next);
        disk.transactions += 1;
        disk.written.extend(transaction.messages.iter().cloned());
        match outcome {
            Outcome::LostAndCommitted => Err(NotCommitted::Unknown(away())),
            _ => Ok(()),
        }
    }
}
