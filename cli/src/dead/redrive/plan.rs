//! What becomes of each letter: decided here, done elsewhere.

use crate::{
    Failure,
    dead::{
        edit::{Correctable, Filter, corrected},
        topic_of,
    },
};
use std::collections::HashSet;
use tracker_processors::{
    clickhouse::Client,
    codec,
    dead::{is_cut, letters},
};
use tracker_schemas::{Agreement, DeadLetter, Decoder, Encoder, Enriched, Event, Payment, Record, Topic};
use tracker_stream::{
    config::Settings,
    envelope::{Headers, REDRIVE, TRACEPARENT},
    fault::Fault,
    kafka::{KafkaConfig, Outgoing},
};
use uuid::Uuid;

/// What becomes of a letter.
pub enum Outcome {
    /// It is sent, as this.
    Send(Box<Outgoing>),
    /// It was, before.
    SentBefore,
    /// Another copy of its event is stored: sending this one would count it twice.
    Stored,
    /// It cannot be, for this reason.
    Refused(String),
}

/// Reads and writes one kind of record.
struct Codec<R> {
    decoder: Decoder<R>,
    encoder: Encoder<R>,
}

impl<R: Record> Codec<R> {
    async fn new(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self { decoder: codec::decoder(settings).await?, encoder: codec::encoder(settings).await? })
    }
}

/// Decides.
pub struct Planner {
    kafka: KafkaConfig,
    filter: Option<Filter>,
    events: Codec<Event>,
    enriched: Codec<Enriched>,
    payments: Codec<Payment>,
    agreements: Codec<Agreement>,
}

impl Planner {
    /// Corrects by `filter`, if there is one.
    ///
    /// # Errors
    /// A registry that does not answer.
    pub async fn new(settings: &Settings, filter: Option<Filter>) -> Result<Self, Failure> {
        Ok(Self {
            kafka: settings.kafka()?,
            filter,
            events: Codec::new(settings).await?,
            enriched: Codec::new(settings).await?,
            payments: Codec::new(settings).await?,
            agreements: Codec::new(settings).await?,
        })
    }

    /// Whether records are corrected.
    pub const fn edits(&self) -> bool {
        self.filter.is_some()
    }

    /// Which events of these letters are stored by now.
    ///
    /// # Errors
    /// A ClickHouse that does not answer.
    pub async fn stored(&self, client: &Client, letters: &[DeadLetter]) -> Result<HashSet<Uuid>, Fault> {
        let events: Vec<Uuid> = letters.iter().filter_map(|letter| self.event(letter)).collect();
        letters::stored_events(client, &events).await
    }

    /// What is to become of a letter, by the marks of those that were sent and the events that are stored.
    pub fn plan(&self, letter: DeadLetter, marked: &HashSet<Uuid>, stored: &HashSet<Uuid>) -> Outcome {
        if marked.contains(&letter.id) {
            return Outcome::SentBefore;
        }
        if self.event(&letter).is_some_and(|event| stored.contains(&event)) {
            return Outcome::Stored;
        }
        let Some(topic) = topic_of(&letter, &self.kafka) else {
            return Outcome::Refused(format!("{} is no topic of this prefix (kafka.prefix)", letter.topic));
        };
        if is_cut(&letter) {
            return Outcome::Refused("its message was too large to be kept whole".to_owned());
        }
        match self.payload(topic, &letter) {
            Ok(payload) => Outcome::Send(Box::new(outgoing(letter, payload))),
            Err(why) => Outcome::Refused(why),
        }
    }

    /// The event that a letter tells of: by its record, else by its key.
    fn event(&self, letter: &DeadLetter) -> Option<Uuid> {
        match topic_of(letter, &self.kafka)? {
            Topic::Events => Uuid::try_parse_ascii(&letter.key.as_ref()?.0).ok(),
            Topic::Enriched => Some(self.enriched.decoder.decode(&letter.payload.0).ok()?.fact.eid),
            _ => None,
        }
    }

    fn payload(&self, topic: Topic, letter: &DeadLetter) -> Result<Vec<u8>, String> {
        let Some(filter) = &self.filter else { return Ok(letter.payload.0.clone()) };
        match topic {
            Topic::Events => edited(&self.events, filter, letter),
            Topic::Enriched | Topic::Messages => edited(&self.enriched, filter, letter),
            Topic::Payments => edited(&self.payments, filter, letter),
            Topic::Agreements => edited(&self.agreements, filter, letter),
            other => Err(format!("a message of {other} cannot be edited")),
        }
    }
}

fn edited<R: Correctable>(codec: &Codec<R>, filter: &Filter, letter: &DeadLetter) -> Result<Vec<u8>, String> {
    corrected((&codec.decoder, &codec.encoder), filter, &letter.payload.0)
}

/// The message to be sent: as it was, and with the id of its letter, by which enrichment lets it pass once.
fn outgoing(letter: DeadLetter, payload: Vec<u8>) -> Outgoing {
    let headers = Headers::new().with(REDRIVE, letter.id.to_string());
    Outgoing {
        topic: letter.topic.into(),
        key: letter.key.map(|key| key.0).unwrap_or_default(),
        payload,
        headers: match letter.traceparent {
            Some(trace) => headers.with(TRACEPARENT, trace),
            None => headers,
        },
        timestamp_ms: letter.received_at.unwrap_or(letter.failed_at).0,
    }
}
