//! The role of a broker, played by memory: what it is given is read again, so that what is shown is what would have been
//! produced.

use super::{
    store::{Good, Store},
    test_id,
};
use crate::{
    keep::{Keep, Kept, Stamped},
    links::Links,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use std::sync::Arc;
use tracker_schemas::{Decoder, Malformed, Record, Redirect, Timestamp};
use tracker_stream::{fault::Fault, kafka::Outgoing};
use uuid::Uuid;

/// Reads a message again: the id of its record, and the record.
type Reader = Arc<dyn Fn(&Outgoing) -> Result<(Uuid, String), Malformed> + Send + Sync>;

/// Keeps the messages of one topic.
#[derive(Clone)]
pub struct InMemory {
    store: Arc<Store>,
    read: Reader,
}

impl InMemory {
    /// Those of records.
    #[must_use]
    pub fn of<R: Stamped + Serialize + 'static>(store: &Arc<Store>) -> Self {
        let decoder = Decoder::<R>::new();
        let read = move |message: &Outgoing| {
            let record = decoder.decode(&message.payload)?;
            Ok((record.id(), json(&record)))
        };
        Self { store: Arc::clone(store), read: Arc::new(read) }
    }

    /// Changes of links, which are made in `links` at once: no topic brings them round.
    #[must_use]
    pub fn of_links(store: &Arc<Store>, links: Arc<Links>) -> Self {
        let decoder = Decoder::<Redirect>::new();
        let read = move |message: &Outgoing| {
            let link = decoder.decode(&message.payload)?;
            links.table().put(&link);
            Ok((link.id, json(&link)))
        };
        Self { store: Arc::clone(store), read: Arc::new(read) }
    }

    fn take(&self, message: &Outgoing) -> Result<Kept, Fault> {
        let unreadable = |why: String| Fault::new("unreadable", why);
        let (id, json) = (self.read)(message).map_err(|malformed| unreadable(malformed.to_string()))?;
        let test_id = serde_json::from_str::<Value>(&json).ok().and_then(|record| test_id::of_json(&record));
        let record = RawValue::from_string(json).map_err(|error| unreadable(error.to_string()))?;
        self.store.accept(Good {
            topic: Arc::clone(&message.topic),
            key: String::from_utf8_lossy(&message.key).into_owned(),
            at: Timestamp(message.timestamp_ms),
            test_id,
            record,
            id,
        });
        Ok(Kept::Memory)
    }
}

/// A record that cannot be written as JSON is none: the store refuses the empty text.
fn json<R: Record + Serialize>(record: &R) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

impl Keep for InMemory {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        messages.iter().map(|message| self.take(message)).collect()
    }

    fn queued(&self) -> usize {
        0
    }

    /// There is none that could be away.
    fn is_up(&self) -> bool {
        true
    }
}
