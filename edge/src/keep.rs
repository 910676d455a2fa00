//! Where accepted records are made safe: with the broker, or on disk while it is away. Nothing here decides what is
//! accepted.

mod fallback;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod way;

pub use fallback::Fallback;
pub use way::Way;

use crate::{outage::Outage, spool::Depth};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tracker_schemas::{Agreement, Encoder, Erasure, Event, Payment, Record, Timestamp};
use tracker_stream::{
    envelope::{Headers, TRACEPARENT},
    fault::{Fault, Refusal},
    kafka::{Outgoing, Producer},
};
use uuid::Uuid;

/// Where a message is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// With the broker, on its in-sync replicas.
    Broker,
    /// On this machine's disk; the broker gets it later, under the same id, and may have it already.
    Spool,
    /// In the memory of an edge that has no broker, for who tests with it.
    Memory,
}

/// Makes messages safe: the role of a broker.
pub trait Keep: Send + Sync + 'static {
    /// Returns when each message is safe, or will not be: one verdict a message, in order.
    fn keep(&self, messages: &[Outgoing]) -> impl Future<Output = Vec<Result<Kept, Fault>>> + Send;
    /// Messages that wait for the broker.
    fn queued(&self) -> usize;
    /// Whether the broker can be reached.
    fn is_up(&self) -> bool;
    /// What waits on disk; `None`: nothing is kept there.
    fn spooled(&self) -> Option<Depth> {
        None
    }
    /// Whether messages are kept while the broker is away.
    fn has_room(&self) -> bool {
        false
    }
}

impl Keep for Producer {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        let verdicts = self.send_each(messages.iter()).await;
        verdicts.into_iter().map(|verdict| verdict.map(|()| Kept::Broker)).collect()
    }

    fn queued(&self) -> usize {
        Self::queued(self)
    }

    fn is_up(&self) -> bool {
        Self::is_up(self)
    }
}

/// A record as the edge has stamped it.
pub trait Stamped: Record {
    /// Its id.
    fn id(&self) -> Uuid;
    /// The key of its message: its id, where nothing else keeps what belongs together in one partition. Text, not the 16 bytes:
    /// whoever reads the topic with other tools sees the id, and can look for it.
    fn key(&self) -> String {
        self.id().hyphenated().to_string()
    }
    /// When it was received: the time of its message.
    fn received_at(&self) -> Timestamp;
}

impl Stamped for Event {
    fn id(&self) -> Uuid {
        self.fact.eid
    }

    fn received_at(&self) -> Timestamp {
        self.fact.received_at
    }
}

impl Stamped for Payment {
    fn id(&self) -> Uuid {
        self.id
    }

    fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

/// In order, one visitor's.
impl Stamped for Agreement {
    fn id(&self) -> Uuid {
        self.id
    }

    fn key(&self) -> String {
        self.vid.hyphenated().to_string()
    }

    fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

impl Stamped for Erasure {
    fn id(&self) -> Uuid {
        self.request
    }

    fn key(&self) -> String {
        Self::key(self)
    }

    fn received_at(&self) -> Timestamp {
        self.erased_at
    }
}

/// Writes records of one kind to their topic.
pub struct Writer<K, R> {
    /// Where they are made safe.
    pub keep: K,
    /// The topic's name on the broker.
    pub topic: Arc<str>,
    /// How they are written.
    pub encoder: Encoder<R>,
    /// How long to wait for the verdicts.
    pub timeout: Duration,
    /// What the operator is told of those that are not safe.
    pub outage: Outage,
}

impl<K: Keep, R: Stamped> Writer<K, R> {
    /// The fault of a record whose verdict did not come in time.
    pub const LATE: &'static str = "produce_timeout";

    /// Keeps the records among `stamped`; tells the id of each that is safe, in order. They are encoded before this returns, and
    /// need not be there while it waits.
    pub fn write<'a>(
        &'a self,
        stamped: &[Result<R, Refusal>],
        traceparent: &str,
    ) -> impl Future<Output = Vec<Result<Uuid, Fault>>> + Send + use<'a, K, R> {
        let records = stamped.iter().flatten();
        let (ids, messages): (Vec<_>, Vec<_>) =
            records.map(|record| (record.id(), self.message(record, traceparent))).unzip();
        self.write_messages(ids, messages)
    }

    async fn write_messages(&self, ids: Vec<Uuid>, messages: Vec<Outgoing>) -> Vec<Result<Uuid, Fault>> {
        let verdicts: Vec<_> = match tokio::time::timeout(self.timeout, self.keep.keep(&messages)).await {
            Ok(verdicts) => ids.into_iter().zip(verdicts).map(|(id, verdict)| verdict.map(|_| id)).collect(),
            Err(_) => {
                let late = Fault::new(Self::LATE, "the broker did not acknowledge in time");
                vec![Err(late); ids.len()]
            }
        };
        self.outage.note(&self.topic, &verdicts, Instant::now());
        verdicts
    }

    fn message(&self, record: &R, traceparent: &str) -> Outgoing {
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: record.key().into_bytes(),
            payload: self.encoder.encode(record),
            headers: Headers::new().with(TRACEPARENT, traceparent.as_bytes()),
            timestamp_ms: record.received_at().0,
        }
    }
}
