//! Section `[replay]`.

use super::Bounds;
use crate::clickhouse::MOST_ROWS;
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};
use tracker_stream::config::{Mistake, Mistakes, Settings, Size, span};

/// How replays work.
#[derive(Debug, Clone, Deserialize)]
pub struct ReplayConfig {
    /// Where their states are kept.
    pub folder: PathBuf,
    block_rows: usize,
    block_bytes: Size,
    /// Least time between two blocks.
    #[serde(with = "span")]
    pub block_every: Duration,
    /// Messages that a loader may be behind before a replay waits for it.
    pub yield_lag: u64,
    /// Parts of one partition of a table before a replay waits for ClickHouse.
    pub yield_parts: u64,
    /// Longest wait of one block.
    #[serde(with = "span")]
    pub yield_time: Duration,
    /// How long a loader may take to store what is there at the start.
    #[serde(with = "span")]
    pub settle_time: Duration,
}

impl ReplayConfig {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let config: Self = settings.section("replay")?;
        let mut mistakes = Mistakes::default();
        if !(1..=MOST_ROWS).contains(&config.block_rows) {
            let detail = format!("must be between 1 and {MOST_ROWS}: an insert must be one block");
            mistakes.add(Mistake::new("replay.block_rows", detail));
        }
        if config.block_bytes.0 == 0 {
            mistakes.add(Mistake::new("replay.block_bytes", "must be at least 1"));
        }
        mistakes.or(config)
    }

    /// How blocks are cut; at a rate, none is more than a second of it.
    #[must_use]
    pub fn bounds(&self, rate: Option<f64>) -> Bounds {
        let of_a_second = rate.map_or(usize::MAX, |rate| rate.max(1.0) as usize);
        Bounds { rows: self.block_rows.min(of_a_second), bytes: self.block_bytes.0 }
    }
}
