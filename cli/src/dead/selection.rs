//! Which letters, as it was typed.

use crate::{Failure, moment};
use tracker_processors::dead::letters::Wanted;
use tracker_schemas::{Timestamp, Topic};
use tracker_stream::kafka::KafkaConfig;

/// Conditions; all of them must hold.
#[derive(Debug, Default, clap::Args)]
pub struct Selection {
    /// Only with this reason, such as `malformed` or `refused_by_clickhouse`.
    #[arg(long, value_name = "TAG")]
    reason: Option<String>,
    /// Only from this topic: events, enriched, messages, payments, ….
    #[arg(long)]
    topic: Option<Topic>,
    /// Only refused by this process: enrich, load or payments.
    #[arg(long, value_name = "PROCESS")]
    origin: Option<String>,
    /// Only refused since then: a time (`2026-11-24T08:00:00Z`), or a span ago (`24h`).
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Only refused before then.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
}

impl Selection {
    /// What it means.
    ///
    /// # Errors
    /// A time that is none.
    pub fn wanted(&self, kafka: &KafkaConfig, now_ms: i64) -> Result<Wanted, Failure> {
        let moment = |text: &Option<String>| -> Result<Option<Timestamp>, Failure> {
            text.as_deref().map(|text| moment::parse(text, now_ms)).transpose().map_err(Failure::Usage)
        };
        Ok(Wanted {
            ids: Vec::new(),
            reason: self.reason.clone(),
            topic: self.topic.map(|topic| kafka.topic(topic.name()).to_string()),
            origin: self.origin.clone(),
            from: moment(&self.from)?,
            to: moment(&self.to)?,
        })
    }
}
