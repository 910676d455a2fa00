//! The load: what a seed sends, as a careful client sends it, and what became of each.

pub mod accounts;
pub mod client;
pub mod draw;

use crate::send::pace::{Pace, Rate};
use accounts::Accounts;
use client::{Client, Route, Verdict};
use draw::{BLOCK, Block, Draw, Item, Kind};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// When it is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many events.
    Events(u64),
    /// So long.
    Span(Duration),
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What each number stands for.
    pub draw: Draw,
    /// How much.
    pub extent: Extent,
    /// How fast, at most.
    pub rate: Option<Rate>,
    /// Payments too.
    pub payments: bool,
}

/// A load on its way.
pub struct Load {
    draw: Draw,
    extent: Mutex<Extent>,
    payments: bool,
    client: Client,
    pace: Pace,
    began: Instant,
    next: AtomicU64,
    answered: AtomicU64,
    accounts: Mutex<Accounts>,
    /// How long payments took to be answered, milliseconds.
    payments_took: Mutex<Vec<u64>>,
    ended: AtomicBool,
}

/// Requests under way at once.
const WORKERS: usize = 12;
/// A body that is no JSON.
const GARBAGE: &str = "{\"ename\":\"cut short";

impl Load {
    /// Not yet begun.
    #[must_use]
    pub fn new(wanted: Wanted, client: Client) -> Arc<Self> {
        Arc::new(Self {
            draw: wanted.draw,
            extent: Mutex::new(wanted.extent),
            payments: wanted.payments,
            client,
            pace: Pace::new(wanted.rate),
            began: Instant::now(),
            next: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            accounts: Mutex::default(),
            payments_took: Mutex::default(),
            ended: AtomicBool::new(false),
        })
    }

    /// From where it ended, to there.
    pub fn extend(&self, extent: Extent) {
        *self.extent.lock().unwrap_or_else(PoisonError::into_inner) = extent;
        self.ended.store(false, Ordering::Relaxed);
    }

    fn extent(&self) -> Extent {
        *self.extent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends all of it.
    pub async fn run(self: &Arc<Self>) {
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let load = Arc::clone(self);
            workers.spawn(async move {
                while let Some(block) = load.take() {
                    load.send(load.draw.block(block)).await;
                }
            });
        }
        while workers.join_next().await.is_some() {}
        self.ended.store(true, Ordering::Relaxed);
    }

    /// The number of the next block, unless it is enough.
    fn take(&self) -> Option<u64> {
        let more = match self.extent() {
            Extent::Events(events) => self.next.load(Ordering::Relaxed) * BLOCK < events,
            Extent::Span(span) => self.began.elapsed() < span,
        };
        let block = more.then(|| self.next.fetch_add(1, Ordering::Relaxed))?;
        match self.extent() {
            Extent::Events(events) if block * BLOCK >= events => None, // another was quicker
            _ => Some(block),
        }
    }

    async fn send(&self, block: Block) {
        let route = if block.shape.server { Route::Server } else { Route::Public };
        for items in block.items.chunks(block.shape.batch) {
            self.pace.turn(items.len()).await;
            let events: Vec<Value> = items.iter().map(|item| self.draw.event(*item)).collect();
            let verdicts = match events.as_slice() {
                [event] => vec![self.client.one(route, &event.to_string()).await],
                events => self.client.several(route, events).await,
            };
            self.note(items, &verdicts);
        }
        if block.garbage && self.client.one(route, GARBAGE).await == Verdict::Kept {
            self.with(|accounts| accounts.garbage_taken += 1);
        }
        if self.payments {
            self.pay(&block.payments).await;
        }
        self.answered.fetch_add(BLOCK, Ordering::Relaxed);
    }

    fn note(&self, items: &[Item], verdicts: &[Verdict]) {
        self.with(|accounts| {
            for (item, verdict) in items.iter().zip(verdicts) {
                match item {
                    Item::Event(number) => accounts.events.note(*number, *verdict),
                    Item::Bad(number) => accounts.bad.note(*number, *verdict),
                }
            }
        });
    }

    /// The first alone, the others together.
    async fn pay(&self, numbers: &[u64]) {
        let Some((first, others)) = numbers.split_first() else { return };
        for together in [std::slice::from_ref(first), others] {
            if together.is_empty() {
                continue;
            }
            let items: Vec<Value> =
                together.iter().map(|number| self.draw.payment(Kind::Payment, *number)).collect();
            let body = match items.as_slice() {
                [one] => one.to_string(),
                several => json!({ "payments": several }).to_string(),
            };
            let began = Instant::now();
            let verdict = self.client.one(Route::Payments, &body).await;
            let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.payments_took.lock().unwrap_or_else(PoisonError::into_inner).push(took);
            self.with(|accounts| {
                together.iter().for_each(|number| accounts.payments.note(*number, verdict));
            });
        }
    }

    /// How much of it has been answered, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        match self.extent() {
            _ if self.ended.load(Ordering::Relaxed) => 1.0,
            Extent::Events(events) => self.answered() as f64 / events.max(1) as f64,
            Extent::Span(span) => self.began.elapsed().as_secs_f64() / span.as_secs_f64().max(0.001),
        }
    }

    /// Events that have been answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether all of it has been sent.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Changes the accounts.
    pub fn with<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> T {
        change(&mut self.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The accounts so far.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        self.with(|accounts| accounts.clone())
    }

    /// Requests made again, and answers that said to.
    #[must_use]
    pub fn retried(&self) -> (u64, u64) {
        self.client.retried()
    }

    /// How long payments took to be answered, milliseconds.
    #[must_use]
    pub fn payments_took(&self) -> Vec<u64> {
        self.payments_took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
