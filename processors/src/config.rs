//! What the processors that load are told: read and checked, every mistake together.

use crate::{
    clickhouse::{ClickHouseConfig, Client, MOST_ROWS},
    groups::GuardConfig,
};
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use tracker_stream::{
    batch::Limits,
    config::{Mistake, Mistakes, Settings, Size, span},
    kafka::KafkaConfig,
    lane::Work,
    registry,
    strategy::{Pace, Strategy},
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
        mistakes.collect(GuardConfig::read(settings));
        for lane in lanes {
            mistakes.collect(work(settings, lane));
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

/// When a batch goes: `[load.events]`, `[load.dead_letters]`, `[payments]`.
#[derive(Debug, Clone, Deserialize)]
struct BatchConfig {
    strategy: Strategy,
    batch_rows: usize,
    #[serde(with = "span")]
    batch_time: Duration,
    batch_bytes: Size,
    /// Zero: as many as come.
    inserts_per_second: u32,
}

/// What the lanes of a process share, by the section of their process.
#[derive(Deserialize)]
struct SharedConfig {
    fetch_buffer: Size,
    #[serde(with = "span")]
    breaker_pause: Duration,
}

/// How the lane of `section` gives ClickHouse work.
///
/// # Errors
/// No rows at all, or more than ClickHouse stores as one block; no bytes; a fetch buffer that no batch of so many
/// bytes fits in; less than no inserts.
pub fn work(settings: &Settings, section: &str) -> Result<Work, Mistakes> {
    let BatchConfig { strategy, batch_rows: rows, batch_time: time, batch_bytes: bytes, inserts_per_second } =
        settings.section(section)?;
    let process = section.split_once('.').map_or(section, |(process, _)| process);
    let SharedConfig { fetch_buffer, breaker_pause } = settings.section(process)?;
    let mut mistakes = Mistakes::default();
    if !(1..=MOST_ROWS).contains(&rows) {
        let detail = format!("must be between 1 and {MOST_ROWS}: an insert must be one block");
        mistakes.add(Mistake::new(format!("{section}.batch_rows"), detail));
    }
    if bytes.0 == 0 {
        mistakes.add(Mistake::new(format!("{section}.batch_bytes"), "must be at least 1"));
    }
    if fetch_buffer.0 == 0 {
        mistakes.add(Mistake::new(format!("{process}.fetch_buffer"), "must be at least 1"));
    } else if fetch_buffer < bytes {
        let detail = format!("must be at least {section}.batch_bytes, or no batch is ever full");
        mistakes.add(Mistake::new(format!("{process}.fetch_buffer"), detail));
    }
    let pace = Pace::new(strategy, Limits { rows, bytes: bytes.0, time }, MOST_ROWS);
    mistakes.or(Work { pace, per_second: f64::from(inserts_per_second), breaker_pause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn settings(text: &str) -> Settings {
        Settings::merge(text, "test", std::iter::empty()).unwrap()
    }

    fn limits(section: &str) -> Limits {
        work(&settings(""), section).unwrap().pace.limits()
    }

    #[test]
    fn payments_wait_for_nothing_and_for_nobody() {
        let limits = limits("payments");
        assert_eq!((limits.rows, limits.time), (1000, Duration::ZERO));
        assert_eq!(work(&settings(""), "payments").unwrap().per_second, 0.0);
    }

    #[test]
    fn events_adapt_and_their_inserts_are_governed() {
        let work = work(&settings(""), "load.events").unwrap();
        assert!(matches!(work.pace, Pace::Adaptive(_)) && work.per_second > 0.0, "{work:?}");
    }

    #[test]
    fn consents_wait_a_second_for_company() {
        let limits = limits("load.agreed");
        assert_eq!((limits.rows, limits.time, limits.bytes), (100, Duration::from_secs(1), 2 << 20));
    }

    #[rstest]
    fn an_insert_that_would_not_be_one_block_is_a_mistake(#[values(0, 1_000_001)] rows: usize) {
        let settings = settings(&format!("[load.events]\nbatch_rows = {rows}"));
        let mistakes = work(&settings, "load.events").unwrap_err();
        assert!(mistakes.to_string().contains("load.events.batch_rows"), "{mistakes}");
    }

    #[rstest]
    #[case(
        "[load.events]\nbatch_bytes = \"0B\"",
        "load.events",
        "load.events.batch_bytes must be at least 1"
    )]
    #[case("[load]\nfetch_buffer = \"0B\"", "load.dead_letters", "load.fetch_buffer must be at least 1")]
    #[case("[payments]\nbatch_rows = 0", "payments", "payments.batch_rows must be between 1 and")]
    #[case("[payments]\nbatch_bytes = \"0B\"", "payments", "payments.batch_bytes must be at least 1")]
    #[case("[payments]\nfetch_buffer = \"0B\"", "payments", "payments.fetch_buffer must be at least 1")]
    #[case(
        "[load]\nfetch_buffer = \"31MiB\"",
        "load.events",
        "load.fetch_buffer must be at least load.events.batch_bytes"
    )]
    fn bounds_that_no_batch_reaches_are_a_mistake(
        #[case] text: &str,
        #[case] lane: &str,
        #[case] wanted: &str,
    ) {
        let mistakes = work(&settings(text), lane).unwrap_err().to_string();
        assert!(mistakes.starts_with(wanted), "{mistakes}");
    }

    #[test]
    fn a_batch_of_each_partition_fits_in_the_fetch_buffer() {
        #[derive(Deserialize)]
        struct Topics {
            partitions: usize,
        }
        let settings = settings("");
        let Topics { partitions } = settings.section("topics").unwrap();
        let ProcessConfig { fetch_buffer, .. } = settings.section("load").unwrap();
        assert!(limits("load.events").bytes * partitions <= fetch_buffer.0);
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
