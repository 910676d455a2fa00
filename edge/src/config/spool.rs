//! Section `[edge.spool]`.

use crate::spool::Marks;
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};
use tracker_stream::config::{Mistake, Mistakes, Settings, Size, span};

/// Where messages are kept while the broker is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// The folder.
    pub path: PathBuf,
    /// How long a message waits for the broker first.
    pub after: Duration,
    /// Bytes of events.
    pub events: Marks,
    /// Bytes of consents.
    pub agreements: Marks,
    /// Bytes of payments.
    pub payments: Marks,
    /// Bytes of a segment.
    pub segment: u64,
    /// Messages a second that are drained.
    pub drain_rate: u32,
}

impl SpoolConfig {
    /// Reads it, whether it is switched on or not.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let written: Written = settings.section("edge.spool")?;
        written.meant(Duration::MAX)
    }
}

/// The section as it is written.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) enabled: bool,
    path: PathBuf,
    #[serde(with = "span")]
    after: Duration,
    high_water: Size,
    low_water: Size,
    payments_room: Size,
    agreements_room: Size,
    segment: Size,
    drain_rate: u32,
}

/// Smaller files than this would be mostly names.
const SMALLEST_SEGMENT: usize = 64 << 10;
/// A segment is read as a whole to be drained.
const LARGEST_SEGMENT: usize = 256 << 20;
/// Below this nothing would ever be acknowledged in time.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

impl Written {
    /// What is meant, where a request waits for `produce_timeout` in all.
    pub(super) fn meant(self, produce_timeout: Duration) -> Result<SpoolConfig, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut wrong =
            |key: &str, detail: String| mistakes.add(Mistake::new(format!("edge.spool.{key}"), detail));
        if self.path.as_os_str().is_empty() {
            wrong("path", "must name a folder".to_owned());
        }
        if self.after < SHORTEST_WAIT {
            wrong("after", format!("must be at least {SHORTEST_WAIT:?}, not {:?}", self.after));
        }
        if self.low_water >= self.high_water {
            wrong("low_water", "must be less than edge.spool.high_water".to_owned());
        }
        if !(SMALLEST_SEGMENT..=LARGEST_SEGMENT).contains(&self.segment.0) {
            let detail =
                format!("must be from {SMALLEST_SEGMENT} to {LARGEST_SEGMENT} bytes, not {}", self.segment.0);
            wrong("segment", detail);
        }
        if self.drain_rate == 0 {
            wrong("drain_rate", "must be at least 1".to_owned());
        }
        let (high, low) = (self.high_water.0 as u64, self.low_water.0 as u64);
        let room = |size: Size| Marks { high: size.0 as u64, low: size.0 as u64 / 4 * 3 };
        let config = SpoolConfig {
            path: self.path,
            after: self.after.min(produce_timeout / 2),
            events: Marks { high, low },
            agreements: room(self.agreements_room),
            payments: room(self.payments_room),
            segment: self.segment.0 as u64,
            drain_rate: self.drain_rate,
        };
        mistakes.or(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SpoolConfig, Mistakes> {
        SpoolConfig::read(&Settings::merge(&format!("[edge.spool]\n{text}"), "test", std::iter::empty())?)
    }

    #[test]
    fn the_defaults_are_right() {
        let config = read("").unwrap();
        assert_eq!(config.events, Marks { high: 4 << 30, low: 3 << 30 });
        assert_eq!(config.payments, Marks { high: 256 << 20, low: 192 << 20 });
        assert_eq!(config.agreements, Marks { high: 64 << 20, low: 48 << 20 });
        let small = read("agreements_room = \"4MiB\"").unwrap();
        assert_eq!(small.agreements, Marks { high: 4 << 20, low: 3 << 20 });
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let text = "path = \"\"\nafter = \"0ms\"\nlow_water = \"4GiB\"\nsegment = \"1B\"\ndrain_rate = 0";
        let mistakes = read(text).unwrap_err();
        let keys: Vec<_> =
            mistakes.iter().map(|mistake| mistake.key.trim_start_matches("edge.spool.")).collect();
        assert_eq!(keys, ["path", "after", "low_water", "segment", "drain_rate"]);
    }

    #[test]
    fn a_request_waits_for_the_broker_half_of_its_time_at_most() {
        let written: Written =
            Settings::merge("", "", std::iter::empty()).unwrap().section("edge.spool").unwrap();
        assert_eq!(written.meant(Duration::from_secs(2)).unwrap().after, Duration::from_secs(1));
    }
}
