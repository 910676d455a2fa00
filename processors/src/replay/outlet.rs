//! Where a replay goes: a table, or the end of a topic.

use super::Store;
use std::sync::Arc;
use tracker_stream::{
    envelope::{Message, PlannedRange},
    fault::Fault,
    kafka::{Outgoing, Producer, TOO_LARGE},
};

/// Header of a message that a replay sent again: the replay's name.
pub const REPLAY: &str = "replay";

/// The end of a replay. Both kinds ask the same tables what is stored already.
pub enum Outlet {
    /// Rows into a table.
    Table(Store),
    /// Messages into their topic, as they were, with the header `REPLAY`. Nothing of that is repeated blindly: what a
    /// killed replay had sent is stored by its loader before the next one asks what is missing.
    Topic {
        /// What is stored.
        store: Store,
        /// Sends.
        producer: Producer,
        /// Name of the replay.
        id: String,
    },
    /// Nowhere: a dry run. Without a store there is nothing yet that could have anything.
    Nowhere(Option<Store>),
}

impl Outlet {
    /// What knows which rows are stored.
    #[must_use]
    pub const fn store(&self) -> Option<&Store> {
        match self {
            Self::Table(store) | Self::Topic { store, .. } => Some(store),
            Self::Nowhere(store) => store.as_ref(),
        }
    }

    /// Carries messages on, and says how many were refused. Those that are safe are taken from `messages`, so that the
    /// same call again goes on where this one failed.
    ///
    /// # Errors
    /// The world's.
    pub async fn write(&self, range: &PlannedRange, messages: &mut Vec<&Message>) -> Result<u64, Fault> {
        match self {
            Self::Nowhere(_) => Ok(0),
            Self::Table(store) => store.insert(range, messages).await,
            Self::Topic { producer, id, .. } => send(producer, id, messages).await,
        }
    }
}

async fn send(producer: &Producer, id: &str, messages: &mut Vec<&Message>) -> Result<u64, Fault> {
    let verdicts = producer.send(messages.iter().map(|message| again(message, id)).collect()).await;
    let (mut failed, mut refused, mut last) = (Vec::new(), Vec::new(), None);
    for (message, verdict) in messages.iter().zip(verdicts) {
        match verdict {
            Ok(()) => {}
            Err(fault) if fault.tag == TOO_LARGE => refused.push(*message), // by the header, at most
            Err(fault) => {
                failed.push(*message);
                last = Some(fault);
            }
        }
    }
    let count = refused.len() as u64;
    // While any failed, those that were refused stay too: the call that succeeds is the one that counts them.
    messages.clear();
    match last {
        None => Ok(count),
        Some(fault) => {
            messages.extend(failed.into_iter().chain(refused));
            Err(fault)
        }
    }
}

/// The message as it was, by whose key and time it meets its like.
fn again(message: &Message, id: &str) -> Outgoing {
    Outgoing {
        topic: Arc::clone(&message.topic),
        key: message.key.clone().unwrap_or_default(),
        payload: message.payload.clone(),
        headers: message.headers.clone().with(REPLAY, id),
        timestamp_ms: message.timestamp_ms,
    }
}
