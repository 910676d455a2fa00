//! The pages of the books, on their way to the topic `ledger`; from there `load.ledger` stores them.
//!
//! What one lane did with one range is one page: it has the same id whenever it is written. Enrichment writes its pages
//! into the transaction that they tell of ([`Pages`]); the lanes that load write theirs after the range is stored and before
//! anything further is committed ([`LedgerBooks`]). [`verify`] says whether the books close.

pub mod verify;

use crate::codec;
use std::{sync::Arc, time::Duration};
use tracker_schemas::{Encoder, LedgerCount, LedgerPage, Timestamp, Topic};
use tracker_stream::{
    books::{Books, Count, Page},
    clock,
    config::{Settings, Size},
    envelope::Headers,
    fault::Fault,
    kafka::{Outgoing, Producer, ProducerOptions},
    process::Failure,
    telemetry::Health,
};
use uuid::Uuid;

/// Name of the producer in metrics, logs and readiness.
pub const PRODUCER: &str = "ledger";

/// A lane waits for each of its pages.
const LINGER: Duration = Duration::ZERO;
/// Below the lane's own patience: it tries again.
const TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER: Size = Size(8 << 20);

/// How the pages of one process are written. Pure.
pub struct Pages {
    process: &'static str,
    prefix: String,
    topic: Arc<str>,
    encoder: Encoder<LedgerPage>,
}

impl Pages {
    /// Those of `process`: `enrich`, `load`, `payments`.
    ///
    /// # Errors
    /// Wrong settings, or a registry that does not answer.
    pub async fn of(settings: &Settings, process: &'static str) -> Result<Self, Failure> {
        let kafka = settings.kafka()?;
        Ok(Self {
            process,
            topic: kafka.topic(Topic::Ledger.name()),
            encoder: codec::encoder(settings).await?,
            prefix: kafka.prefix,
        })
    }

    /// The message of a page.
    #[must_use]
    pub fn outgoing(&self, page: &Page, written_at: Timestamp) -> Outgoing {
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: self.process.into(),
            payload: self.encoder.encode(&self.record(page, written_at)),
            headers: Headers::new(),
            timestamp_ms: written_at.0,
        }
    }

    fn record(&self, page: &Page, written_at: Timestamp) -> LedgerPage {
        let topic = &*page.range.topic;
        LedgerPage {
            id: Uuid::new_v5(&Uuid::NAMESPACE_URL, page.name().as_bytes()),
            process: self.process.to_owned(),
            lane: page.lane.to_owned(),
            written_at,
            topic: topic.strip_prefix(&self.prefix).unwrap_or(topic).to_owned(),
            partition: Some(page.range.partition),
            first: Some(page.range.first),
            last: Some(page.range.last),
            token: page.range.token(),
            counts: page.tally.counts().map(counted).collect(),
        }
    }
}

fn counted(count: Count) -> LedgerCount {
    LedgerCount {
        minute: Timestamp(count.minute_ms),
        fate: count.fate.to_owned(),
        reason: count.reason.to_owned(),
        count: i64::try_from(count.count).unwrap_or(i64::MAX),
    }
}

/// The books of the lanes of one process, by a producer of their own.
#[derive(Clone)]
pub struct LedgerBooks {
    pages: Arc<Pages>,
    producer: Producer,
}

impl LedgerBooks {
    /// Starts the producer, with the part [`PRODUCER`] of `health`.
    ///
    /// # Errors
    /// Settings that librdkafka does not take, or a registry that does not answer.
    pub async fn start(settings: &Settings, process: &'static str, health: &Health) -> Result<Self, Failure> {
        let options = ProducerOptions { name: PRODUCER, linger: LINGER, timeout: TIMEOUT, buffer: BUFFER };
        Ok(Self {
            pages: Arc::new(Pages::of(settings, process).await?),
            producer: Producer::start(&settings.kafka()?, &options, health)?,
        })
    }
}

impl Books for LedgerBooks {
    async fn note(&self, page: &Page) -> Result<(), Fault> {
        let message = self.pages.outgoing(page, Timestamp(clock::now_ms()));
        self.producer.send(vec![message]).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_schemas::Decoder;
    use tracker_stream::{
        books::Tally,
        envelope::{Fate, PlannedRange},
    };

    fn pages() -> Pages {
        Pages {
            process: "load",
            prefix: "t.".to_owned(),
            topic: "t.ledger".into(),
            encoder: Encoder::single_object(),
        }
    }

    fn page() -> Page {
        let mut tally = Tally::default();
        tally.note(60_001, Fate::Delivered);
        tally.note(60_002, Fate::Dead("content"));
        let range =
            PlannedRange { topic: "t.enriched".into(), partition: 2, first: 5, last: 9, first_at_ms: 60_001 };
        Page { lane: "load.events", range, tally }
    }

    #[test]
    fn a_page_says_which_range_it_accounts_for_and_how_each_message_ended() {
        let message = pages().outgoing(&page(), Timestamp(7));
        let record = Decoder::<LedgerPage>::new().decode(&message.payload).unwrap();
        assert_eq!(
            (&*message.topic, message.key.as_slice(), message.timestamp_ms),
            ("t.ledger", &b"load"[..], 7)
        );
        assert_eq!((record.topic.as_str(), record.partition), ("enriched", Some(2)));
        assert_eq!((record.first, record.last), (Some(5), Some(9)));
        assert_eq!(record.token, "t.enriched:2:5-9@60001", "the insert bears the same");
        let counts: Vec<_> = record
            .counts
            .iter()
            .map(|one| (one.minute.0, one.fate.as_str(), one.reason.as_str(), one.count))
            .collect();
        assert_eq!(counts, [(60_000, "dead", "content", 1), (60_000, "delivered", "", 1)]);
    }

    #[test]
    fn a_page_that_is_written_again_is_the_same_page() {
        let (pages, page) = (pages(), page());
        let id = |page: &Page, at| pages.record(page, Timestamp(at)).id;
        assert_eq!(id(&page, 1), id(&page, 2));
        assert_ne!(id(&page, 1), id(&Page { lane: "load.other", ..page.clone() }, 1));
        let longer = PlannedRange { last: 10, ..page.range.clone() };
        assert_ne!(id(&page, 1), id(&Page { range: longer, ..page.clone() }, 1));
    }
}
