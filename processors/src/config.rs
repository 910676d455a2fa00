//! What the processors that load are told: read and checked, every mistake together.

use crate::clickhouse::{ClickHouseConfig, Client, MOST_ROWS};
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use tracker_stream::{
    batch::Limits,
    config::{Mistake, Mistakes, Settings, Size, span},
    kafka::KafkaConfig,
    registry,
};

/// All that a processor which loads is told.
pub struct LoaderConfig {
    /// Its own section.
    pub process: ProcessConfig,
    /// Where rows go.
    pub client: Client,
    /// Where messages come from.
    pub kafka: KafkaConfig,
}

impl LoaderConfig {
    /// Reads `section` and what it stands on. `lanes` name the sections that bound their batches.
    ///
    /// # Errors
    /// Every mistake in any of them.
    pub fn read(settings: &Settings, section: &str, lanes: &[&str]) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let process = mistakes.collect(settings.section(section));
        let client =
            mistakes.collect(ClickHouseConfig::read(settings).and_then(|config| Client::new(&config)));
        let kafka = mistakes.collect(settings.kafka());
        mistakes.collect(registry::configured(settings));
        for lane in lanes {
            mistakes.collect(limits(settings, lane));
        }
        match (process, client, kafka) {
            (Some(process), Some(client), Some(kafka)) => mistakes.or(Self { process, client, kafka }),
            _ => Err(mistakes),
        }
    }
}

/// The life of a processor: `[load]`, `[payments]`.
#[derive(Debug, Clone, Deserialize)]
pub struct ProcessConfig {
    /// Where health, readiness and metrics are served.
    pub listen: SocketAddr,
    /// Bytes fetched ahead of each lane.
    pub fetch_buffer: Size,
    /// How long storing may take after SIGTERM.
    #[serde(with = "span")]
    pub grace: Duration,
}

/// When a batch is full: `[load.events]`, `[load.dead_letters]`, `[payments]`.
#[derive(Debug, Clone, Deserialize)]
struct BatchConfig {
    batch_rows: usize,
    #[serde(with = "span")]
    batch_time: Duration,
    batch_bytes: Size,
}

/// The bounds of the batches that `section` sets.
///
/// # Errors
/// No rows at all, or more than ClickHouse stores as one block.
pub fn limits(settings: &Settings, section: &str) -> Result<Limits, Mistakes> {
    let BatchConfig { batch_rows: rows, batch_time: time, batch_bytes: bytes } = settings.section(section)?;
    if (1..=MOST_ROWS).contains(&rows) {
        Ok(Limits { rows, bytes: bytes.0, time })
    } else {
        let detail = format!("must be between 1 and {MOST_ROWS}: an insert must be one block");
        Err(Mistake::new(format!("{section}.batch_rows"), detail).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn settings(text: &str) -> Settings {
        Settings::merge(text, "test", std::iter::empty()).unwrap()
    }

    #[test]
    fn payments_wait_for_nothing() {
        let limits = limits(&settings(""), "payments").unwrap();
        assert_eq!((limits.rows, limits.time), (1000, Duration::ZERO));
    }

    #[rstest]
    fn an_insert_that_would_not_be_one_block_is_a_mistake(#[values(0, 1_000_001)] rows: usize) {
        let settings = settings(&format!("[load.events]\nbatch_rows = {rows}"));
        let mistakes = limits(&settings, "load.events").unwrap_err();
        assert!(mistakes.to_string().contains("load.events.batch_rows"), "{mistakes}");
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let text =
            "[clickhouse]\ndatabase = \"my-db\"\n[load.events]\nbatch_rows = 0\n[load]\nlisten = \"nowhere\"";
        let Err(mistakes) = LoaderConfig::read(&settings(text), "load", &["load.events"]) else {
            panic!("three mistakes were made")
        };
        for key in ["clickhouse.database", "load.events.batch_rows", "load.listen"] {
            assert!(mistakes.to_string().contains(key), "{key} is missing in: {mistakes}");
        }
    }

    #[test]
    fn each_process_has_its_own_address() {
        let settings = settings("");
        let listen = |section| settings.section::<ProcessConfig>(section).unwrap().listen.port();
        assert_eq!((listen("load"), listen("payments")), (9102, 9103));
    }
}
