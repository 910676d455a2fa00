//! From a gathered batch to a transaction: step, letters, pages, offsets. No I/O.

use super::{DUPLICATE, Scribe, Shared, Transaction};
use crate::{
    books::{Page, Tally},
    envelope::{Decided, Envelope, Fate, Message, PlannedRange, Receipt, SharedLedger, Verdict},
    fault::{Fault, Refusal},
    kafka::Outgoing,
    lane::Step,
    window::Seen,
};
use std::{collections::BTreeMap, sync::Arc};

/// Messages that one task steps. A batch grows by so many at a time: their memory is used again for the next, where that of
/// one vector for all would be given back to the system and cleared by it, batch after batch.
const SHARE: usize = 256;

/// A batch as it was gathered: in the order of arrival, so in order within each partition.
#[derive(Default)]
pub(super) struct Gathered {
    shares: Vec<Vec<(Envelope, Seen)>>,
    pub(super) ledgers: BTreeMap<i32, SharedLedger>,
}

impl Gathered {
    pub(super) fn push(&mut self, envelope: Envelope, seen: Seen) {
        match self.shares.last_mut() {
            Some(share) if share.len() < SHARE => share.push((envelope, seen)),
            _ => {
                let mut share = Vec::with_capacity(SHARE);
                share.push((envelope, seen));
                self.shares.push(share);
            }
        }
    }

    /// Gives all of them back to the broker.
    pub(super) fn leave_open(self) {
        self.shares.into_iter().flatten().for_each(|(envelope, _)| envelope.receipt.leave_open());
    }
}

/// A batch that only has to be committed.
pub(super) struct Prepared {
    pub(super) transaction: Arc<Transaction>,
    /// The fates that its messages have once it is committed.
    pub(super) decided: Vec<Decided>,
}

/// One message after its step: nothing of what it said is held any longer.
struct Stepped {
    partition: i32,
    offset: i64,
    timestamp_ms: i64,
    receipt: Receipt,
    fate: Fate,
    outgoing: Vec<Outgoing>,
}

/// Steps the messages, several at a time, and puts together what they became, in their order.
pub(super) async fn prepare<L, St, Sc>(
    shared: Arc<Shared<L, St, Sc>>,
    topic: Arc<str>,
    gathered: Gathered,
) -> Result<Prepared, Fault>
where
    L: Send + Sync + 'static,
    St: Step<Out = Vec<Outgoing>>,
    Sc: Scribe,
{
    let Gathered { shares, ledgers } = gathered;
    let mut sheet = Sheet::of(shares.iter().map(Vec::len).sum());
    let step_all = |share: Vec<(Envelope, Seen)>| {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            share.into_iter().map(|(envelope, seen)| step(&shared, envelope, seen)).collect::<Vec<_>>()
        })
    };
    let steps: Vec<_> = shares.into_iter().map(step_all).collect();
    for stepped in steps {
        let stepped = stepped.await.map_err(|error| Fault::new("lane_panicked", error.to_string()))?;
        stepped.into_iter().for_each(|stepped| sheet.enter(stepped));
    }
    sheet.close(&shared, &topic, &ledgers)
}

fn step<L, St, Sc>(shared: &Shared<L, St, Sc>, envelope: Envelope, seen: Seen) -> Stepped
where
    St: Step<Out = Vec<Outgoing>>,
    Sc: Scribe,
{
    let Envelope { message, receipt } = envelope;
    let (fate, outgoing) = match seen {
        Seen::Again => (Fate::Dropped(DUPLICATE), Vec::new()),
        Seen::First => match shared.step.step(&message) {
            Verdict::Keep(outgoing) => match outgoing.iter().find_map(Outgoing::refusal) {
                None => (Fate::Delivered, outgoing),
                Some(refusal) => dead(shared, &message, &refusal),
            },
            Verdict::Drop(reason) => (Fate::Dropped(reason), Vec::new()),
            Verdict::Refuse(refusal) => dead(shared, &message, &refusal),
        },
    };
    let Message { partition, offset, timestamp_ms, .. } = message;
    Stepped { partition, offset, timestamp_ms, receipt, fate, outgoing }
}

fn dead<L, St, Sc: Scribe>(
    shared: &Shared<L, St, Sc>,
    message: &Message,
    refusal: &Refusal,
) -> (Fate, Vec<Outgoing>) {
    let Message { topic, partition, offset, .. } = message;
    tracing::warn!(lane = shared.name, %topic, partition, offset, reason = refusal.reason,
        detail = refusal.detail, "refused a message: it goes to the dead letters");
    (Fate::Dead(refusal.reason), vec![shared.scribe.letter(message, refusal)])
}

/// What the batch has become so far.
struct Sheet {
    outgoing: Vec<Outgoing>,
    decided: Vec<Decided>,
    partitions: BTreeMap<i32, Account>,
}

/// What became of one partition's messages.
struct Account {
    first: i64,
    last: i64,
    first_at_ms: i64,
    tally: Tally,
}

impl Sheet {
    /// For so many messages. Few become more than one, and each range of them a page.
    fn of(messages: usize) -> Self {
        Self {
            outgoing: Vec::with_capacity(messages + messages / 8),
            decided: Vec::with_capacity(messages),
            partitions: BTreeMap::new(),
        }
    }

    fn enter(&mut self, Stepped { partition, offset, timestamp_ms, receipt, fate, outgoing }: Stepped) {
        let account = self.partitions.entry(partition).or_insert_with(|| Account {
            first: offset,
            last: offset,
            first_at_ms: timestamp_ms,
            tally: Tally::default(),
        });
        account.last = offset;
        account.tally.note(timestamp_ms, fate);
        self.outgoing.extend(outgoing);
        self.decided.push(receipt.decide(fate));
    }

    /// Adds the pages, and reads from the ledgers how far each partition is done.
    fn close<L, St, Sc: Scribe>(
        self,
        shared: &Shared<L, St, Sc>,
        topic: &Arc<str>,
        ledgers: &BTreeMap<i32, SharedLedger>,
    ) -> Result<Prepared, Fault> {
        let Self { outgoing: mut messages, decided, partitions } = self;
        let mut offsets = Vec::new();
        for (partition, Account { first, last, first_at_ms, tally }) in partitions {
            let next = ledgers.get(&partition).and_then(SharedLedger::frontier);
            let Some(next) = next.filter(|next| *next == last + 1) else {
                // What comes after it would go out, and again with the next start: better nothing goes.
                let detail = format!("{topic}:{partition}: a message before {last} was lost without a fate");
                return Err(Fault::new("no_fate", detail));
            };
            offsets.push((partition, next));
            let range = PlannedRange { topic: Arc::clone(topic), partition, first, last, first_at_ms };
            messages.push(shared.scribe.page(&Page { lane: shared.name, range, tally }));
        }
        Ok(Prepared { transaction: Arc::new(Transaction { messages, offsets }), decided })
    }
}
