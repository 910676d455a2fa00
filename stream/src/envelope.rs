//! A value that entered cannot vanish: it travels with a receipt, and the receipt wants a fate.

use crate::{fault::Refusal, ledger::Ledger, metrics, plan::Plan};
use ::metrics::Counter;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OwnedSemaphorePermit;

/// Name of the header that carries the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Name of the header that says where the message stood that this one was made of: `partition:offset`.
pub const ORIGIN: &str = "origin";

/// Name of the header of a message that was sent again from the dead letters: the id of its letter.
pub const REDRIVE: &str = "redrive";

/// The headers of a message, in order; names may repeat. One piece of memory, however many there are: a message is made and
/// freed by other threads, and each piece of it costs them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<u8>);

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One header more.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let pieces = [name.as_ref().as_bytes(), value.as_ref()];
        self.0.reserve(pieces.iter().map(|piece| size_of::<usize>() + piece.len()).sum());
        for piece in pieces {
            self.0.extend_from_slice(&piece.len().to_le_bytes());
            self.0.extend_from_slice(piece);
        }
        self
    }

    /// The first header of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (name, value) = (piece(&mut rest)?, piece(&mut rest)?);
            Some((std::str::from_utf8(name).ok()?, value))
        })
    }

    /// Bytes that they take.
    const fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Takes a piece, which has its length in front.
fn piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (piece, behind) = behind.split_at_checked(usize::from_le_bytes(*length))?;
    *rest = behind;
    Some(piece)
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One message as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Name of the topic on the broker, prefix included.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since the epoch, as the producer or the broker stamped it.
    pub timestamp_ms: i64,
    /// Key, if any.
    pub key: Option<Vec<u8>>,
    /// Value; empty for a tombstone.
    pub payload: Vec<u8>,
    /// Headers.
    pub headers: Headers,
}

impl Message {
    /// What it weighs in memory, in bytes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        const OVERHEAD: usize = 256;
        OVERHEAD + self.payload.len() + self.key.as_ref().map_or(0, Vec::len) + self.headers.weight()
    }
}

/// How a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// What it became is safe where it belongs.
    Delivered,
    /// A rule said that it goes no further.
    Dropped(&'static str),
    /// It is in the dead letters, for this reason.
    Dead(&'static str),
}

impl Fate {
    /// The tag of the fate, and of its reason.
    #[must_use]
    pub const fn tags(self) -> (&'static str, &'static str) {
        match self {
            Self::Delivered => ("delivered", ""),
            Self::Dropped(reason) => ("dropped", reason),
            Self::Dead(reason) => ("dead", reason),
        }
    }
}

/// The ledger of one assignment of one partition, shared by the receipts of its messages.
#[derive(Debug, Clone)]
pub struct SharedLedger(Arc<Assignment>);

#[derive(Debug)]
struct Assignment {
    lane: &'static str,
    ledger: Mutex<Ledger>,
    /// Found once: to look a counter up by its labels for each message costs as much as its step.
    received: Counter,
    delivered: Counter,
}

impl SharedLedger {
    /// An empty ledger, counted under the name of the lane.
    #[must_use]
    pub fn new(lane: &'static str) -> Self {
        let (received, delivered) = (metrics::received(lane), metrics::settled(lane, Fate::Delivered));
        Self(Arc::new(Assignment { lane, ledger: Mutex::default(), received, delivered }))
    }

    /// Takes a message in. `budget` is the room in memory that it holds until its fate.
    ///
    /// # Errors
    /// The message itself, when its offset is not after the last one: the source read it twice, and the first
    /// reading stands for both.
    pub fn receive(&self, message: Message, budget: OwnedSemaphorePermit) -> Result<Envelope, Message> {
        if self.lock().take(message.offset).is_err() {
            return Err(message);
        }
        self.0.received.increment(1);
        let receipt = Receipt { offset: message.offset, ledger: self.clone(), open: true, _budget: budget };
        Ok(Envelope { message, receipt })
    }

    /// The offset to commit; see [`Ledger::frontier`].
    #[must_use]
    pub fn frontier(&self) -> Option<i64> {
        self.lock().frontier()
    }

    /// Counts one message that has its fate.
    fn count(&self, fate: Fate) {
        match fate {
            Fate::Delivered => self.0.delivered.increment(1),
            rarer => metrics::settled(self.0.lane, rarer).increment(1),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message and the receipt that must be settled for it.
#[derive(Debug)]
pub struct Envelope {
    /// What was read.
    pub message: Message,
    /// What is owed.
    pub receipt: Receipt,
}

/// The duty to give a message its fate. Dropped unsettled it is counted, and its offset stays open.
#[derive(Debug)]
#[must_use = "a message without a fate keeps its partition from being committed"]
pub struct Receipt {
    offset: i64,
    ledger: SharedLedger,
    open: bool,
    _budget: OwnedSemaphorePermit,
}

impl Receipt {
    /// Ends the message.
    pub fn settle(mut self, fate: Fate) {
        self.open = false;
        self.ledger.count(fate);
        self.ledger.lock().settle(self.offset);
    }

    /// Notes the fate in the ledger, so that its offset can be committed with what the message became. It counts, and
    /// the room in memory is free, when that [stands](Decided::stand).
    pub fn decide(mut self, fate: Fate) -> Decided {
        self.open = false;
        self.ledger.lock().settle(self.offset);
        Decided { fate, receipt: self }
    }

    /// Gives the message back to the broker, knowingly: a shutdown or a rebalance took the time to store it.
    pub fn leave_open(mut self) {
        self.open = false;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if self.open {
            metrics::unsettled(self.ledger.0.lane);
        }
    }
}

/// A fate that is part of a transaction. Dropped, it never was.
#[derive(Debug)]
#[must_use = "a fate counts only when its transaction is committed"]
pub struct Decided {
    fate: Fate,
    receipt: Receipt,
}

impl Decided {
    /// The transaction is committed.
    pub fn stand(self) {
        self.receipt.ledger.count(self.fate);
    }
}

/// What a step makes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// It goes on, as this.
    Keep(T),
    /// A rule drops it; the reason is counted.
    Drop(&'static str),
    /// It is wrong: to the dead letters.
    Refuse(Refusal),
}

/// One contiguous range of offsets of one partition, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRange {
    /// Name of the topic on the broker.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub first: i64,
    /// Last offset.
    pub last: i64,
    /// When the first message was sent, milliseconds since the epoch. Offsets start over when a topic is made anew, on the
    /// same or on another broker: without it, new rows would be taken for a repeat of old ones.
    pub first_at_ms: i64,
}

impl PlannedRange {
    /// The same for the same range, whoever writes it and however often.
    #[must_use]
    pub fn token(&self) -> String {
        let Self { topic, partition, first, last, first_at_ms } = self;
        format!("{topic}:{partition}:{first}-{last}@{first_at_ms}")
    }

    /// What is kept at the broker while it is written.
    #[must_use]
    pub const fn plan(&self) -> Plan {
        Plan { first: self.first, last: self.last, first_at_ms: self.first_at_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_in_order_and_the_first_of_a_name_counts() {
        let headers = Headers::new().with("a", "1").with("", [0xff]).with("a", "2").with("b", "");
        let all: Vec<(&str, &[u8])> = headers.iter().collect();
        assert_eq!(all, [("a", &b"1"[..]), ("", &[0xff]), ("a", b"2"), ("b", b"")]);
        assert_eq!(
            (headers.get("a"), headers.get("b"), headers.get("c")),
            (Some(&b"1"[..]), Some(&[][..]), None)
        );
        assert_eq!(format!("{:?}", Headers::new().with("a", "1")), r#"[("a", [49])]"#);
    }
}
