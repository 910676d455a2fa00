//! What was accepted and what was refused, as much of it as may be kept.

use super::shelf::{Item, Shelf};
use crate::config::MicroConfig;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracker_schemas::{JsonText, Timestamp};
use uuid::Uuid;

/// What would have been produced.
#[derive(Debug, Clone, Serialize)]
pub struct Good {
    /// The topic on the broker.
    pub topic: Arc<str>,
    /// The message's key.
    pub key: String,
    /// The message's time: that of the receipt.
    pub at: Timestamp,
    /// The name of its test.
    pub test_id: Option<String>,
    /// The record, read again from the message's bytes.
    pub record: Box<RawValue>,
    /// Id of the record, as its sender is told it.
    #[serde(skip)]
    pub id: Uuid,
}

/// What was refused.
#[derive(Debug, Clone, Serialize)]
pub struct Bad {
    /// The tag of the reason.
    pub reason: &'static str,
    /// What was wrong and what to change.
    pub detail: String,
    /// Where it came in, as metrics name it.
    pub route: &'static str,
    /// When.
    pub at: Timestamp,
    /// The name of its test.
    pub test_id: Option<String>,
    /// The method of its request.
    pub method: String,
    /// What stood in the path behind the route.
    pub path: String,
    /// The query.
    pub query: String,
    /// Its part of the body, as far as that was read; JSON as it came, anything else as a text.
    pub input: Option<JsonText>,
}

/// What an item takes besides its texts.
const OVERHEAD: usize = 256;

impl Item for Good {
    fn test_id(&self) -> Option<&str> {
        self.test_id.as_deref()
    }

    fn weight(&self) -> usize {
        OVERHEAD + self.key.len() + self.record.get().len() + self.test_id.as_ref().map_or(0, String::len)
    }
}

impl Item for Bad {
    fn test_id(&self) -> Option<&str> {
        self.test_id.as_deref()
    }

    fn weight(&self) -> usize {
        let input = self.input.as_ref().map_or(0, |input| input.0.len());
        let texts = self.detail.len() + self.path.len() + self.query.len() + input;
        OVERHEAD + texts + self.test_id.as_ref().map_or(0, String::len)
    }
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Good and bad.
    pub total: usize,
    /// Accepted.
    pub good: usize,
    /// Refused.
    pub bad: usize,
    /// Those that there was no room for any more, of every test.
    pub fell_out: FellOut,
}

/// How many fell out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FellOut {
    /// Accepted.
    pub good: u64,
    /// Refused.
    pub bad: u64,
}

/// All of it.
pub struct Store(Mutex<Shelves>);

struct Shelves {
    good: Shelf<Good>,
    bad: Shelf<Bad>,
}

impl Store {
    /// Nothing yet; and never more than this.
    #[must_use]
    pub const fn new(most: MicroConfig) -> Self {
        Self(Mutex::new(Shelves { good: Shelf::new(most), bad: Shelf::new(most) }))
    }

    /// Keeps what was accepted.
    pub fn accept(&self, good: Good) {
        self.lock().good.push(good);
    }

    /// Keeps what was refused.
    pub fn refuse(&self, bad: Bad) {
        self.lock().bad.push(bad);
    }

    /// Says of which test these records are, where they do not say it themselves.
    pub fn name(&self, ids: &[Uuid], test: &str) {
        let unnamed = |good: &Good| good.test_id.is_none() && ids.contains(&good.id);
        self.lock().good.change(ids.len(), unnamed, |good| good.test_id = Some(test.to_owned()));
    }

    /// What was accepted of a test, or of all; the newest last.
    #[must_use]
    pub fn good(&self, test: Option<&str>) -> Vec<Arc<Good>> {
        self.lock().good.of(test)
    }

    /// What was refused, likewise.
    #[must_use]
    pub fn bad(&self, test: Option<&str>) -> Vec<Arc<Bad>> {
        self.lock().bad.of(test)
    }

    /// How many there are of a test, or in all.
    #[must_use]
    pub fn counts(&self, test: Option<&str>) -> Counts {
        self.lock().counts(test)
    }

    /// Forgets a test, or everything, and says how many there are of it then.
    pub fn reset(&self, test: Option<&str>) -> Counts {
        let mut shelves = self.lock();
        shelves.good.reset(test);
        shelves.bad.reset(test);
        shelves.counts(test)
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn counts(&self, test: Option<&str>) -> Counts {
        let (good, bad) = (self.good.count(test), self.bad.count(test));
        let fell_out = FellOut { good: self.good.fell_out(), bad: self.bad.fell_out() };
        Counts { total: good + bad, good, bad, fell_out }
    }
}
