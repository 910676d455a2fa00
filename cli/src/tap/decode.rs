//! From a message's bytes to a line.

use super::Line;
use crate::Failure;
use serde::Serialize;
use tracker_schemas::{
    Agreement, DeadLetter, Decoder, Enriched, Erasure, Event, LedgerPage, Payment, Record, Redirect, Redrive,
    Topic,
};
use tracker_stream::{fault::Fault, registry::Registered};

/// Reads the values of one topic.
pub trait Decode {
    /// A value as a line.
    ///
    /// # Errors
    /// Words for why it is none.
    fn decode(&mut self, value: &[u8]) -> Result<Line, String>;
}

impl<R: Record + Serialize> Decode for Decoder<R> {
    fn decode(&mut self, value: &[u8]) -> Result<Line, String> {
        let record = Self::decode(self, value).map_err(|malformed| malformed.to_string())?;
        Line::of(&record).map_err(|error| error.to_string())
    }
}

/// The decoder of a topic, with the schemas that a registry knows.
///
/// # Errors
/// A schema of the registry that is none.
pub fn of(topic: Topic, registered: Vec<Registered>) -> Result<Box<dyn Decode>, Failure> {
    match topic {
        Topic::Events => decoder::<Event>(registered),
        Topic::Enriched | Topic::Messages => decoder::<Enriched>(registered),
        Topic::Payments => decoder::<Payment>(registered),
        Topic::Agreements => decoder::<Agreement>(registered),
        Topic::Redirects => decoder::<Redirect>(registered),
        Topic::DeadLetters => decoder::<DeadLetter>(registered),
        Topic::Ledger => decoder::<LedgerPage>(registered),
        Topic::Erasures => decoder::<Erasure>(registered),
        Topic::Redrives => decoder::<Redrive>(registered),
    }
}

fn decoder<R: Record + Serialize + 'static>(registered: Vec<Registered>) -> Result<Box<dyn Decode>, Failure> {
    let mut decoder = Decoder::<R>::new();
    for Registered { id, schema } in registered {
        let known = decoder.register(id, &schema);
        known.map_err(|malformed| Fault::new("registry_schema", format!("schema {id}: {malformed}")))?;
    }
    Ok(Box::new(decoder))
}
