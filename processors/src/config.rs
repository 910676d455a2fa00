//! What the sections of the processors have in common.

use crate::clickhouse::MOST_ROWS;
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use tracker_stream::{
    batch::Limits,
    config::{Mistake, Mistakes, Settings, Size, span},
};

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
    fn each_process_has_its_own_address() {
        let settings = settings("");
        let listen = |section| settings.section::<ProcessConfig>(section).unwrap().listen.port();
        assert_eq!((listen("load"), listen("payments")), (9102, 9103));
    }
}
