//! Where an event or a payment is: received when and where, read by whom, stored in which table by which insert, or which
//! dead letter it became, or by which rule it was dropped.
//!
//! [`Tracer`] gathers what the tables, the topics and the groups know of an id; `judge` makes the answer of it, and
//! claims nothing that was not found. Reads only: it joins no group and commits nothing.

mod found;
mod http;
mod judge;
mod tables;
mod topics;

pub use found::{Copy, Fate, Letter, Searched, Stored, Trace, Verdict};
pub use http::TraceRoute;

use crate::{clickhouse::Client, codec};
use found::Findings;
use std::time::Duration;
use tokio::time::Instant;
use topics::Search;
use tracker_schemas::{Decoder, Enriched, Event, Payment, Timestamp};
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{Admin, KafkaConfig},
    process::Failure,
};
use uuid::Uuid;

/// Looks for ids.
pub struct Tracer {
    client: Client,
    kafka: KafkaConfig,
    admin: Admin,
    decoders: Decoders,
}

struct Decoders {
    events: Decoder<Event>,
    enriched: Decoder<Enriched>,
    payments: Decoder<Payment>,
}

/// How to look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Look on the topics from there; `None`: from when the tables or the id itself say that it came.
    pub since: Option<Timestamp>,
    /// How long to read topics.
    pub patience: Duration,
}

/// An id of version 7 was made at the time that it holds, by a clock that may have been ahead by so much.
const AHEAD: i64 = 60_000;

impl Tracer {
    /// Connects when it is asked.
    ///
    /// # Errors
    /// Wrong settings, or a registry that does not answer.
    pub async fn new(settings: &Settings, client: Client) -> Result<Self, Failure> {
        let kafka = settings.kafka()?;
        Ok(Self {
            client,
            admin: Admin::connect(&kafka)?,
            kafka,
            decoders: Decoders {
                events: codec::decoder(settings).await?,
                enriched: codec::decoder(settings).await?,
                payments: codec::decoder(settings).await?,
            },
        })
    }

    /// What is known of `id`.
    ///
    /// # Errors
    /// A ClickHouse or a broker that does not answer.
    pub async fn trace(&self, id: Uuid, look: Look) -> Result<Trace, Fault> {
        let stored = tables::stored(&self.client, id).await?;
        let mut letters = tables::letters(&self.client, id).await?;
        for letter in &mut letters {
            if let Some(name) = letter.topic.strip_prefix(&self.kafka.prefix) {
                letter.topic = name.to_owned();
            }
        }
        let mut findings = Findings { id, stored, letters, ..Findings::default() };
        findings.since = look.since.or_else(|| findings.first_seen()).or_else(|| made_at(id));
        if let Some(since) = findings.since {
            let search = Search { tracer: self, id, since, until: Instant::now() + look.patience };
            search.topics(&mut findings).await?;
        }
        Ok(judge::judge(findings))
    }
}

/// When an id of version 7 was made, at the earliest.
fn made_at(id: Uuid) -> Option<Timestamp> {
    Timestamp::of_id(id).map(|Timestamp(ms)| Timestamp(ms - AHEAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_version_7_tells_when_it_was_made() {
        let at = uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000, 5_000_000);
        assert_eq!(made_at(Uuid::new_v7(at)), Some(Timestamp(1_700_000_000_005 - AHEAD)));
        assert_eq!(made_at(Uuid::new_v4()), None);
    }
}
