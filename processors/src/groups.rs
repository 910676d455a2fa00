//! Every consumer group of Tracker, and the watch over them. Each processor watches all of them, not its own alone: whoever
//! is alive tells how far behind those are that are not.

use crate::{enrich, load, payments};
use serde::Deserialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracker_schemas::Topic;
use tracker_stream::{
    config::{Mistake, Mistakes, Settings, span},
    kafka::{Guard, KafkaConfig, Watched},
    process::Failure,
};

/// The lanes, whose names are those of their groups, and the topics that they read.
pub const GROUPS: [(&str, Topic); 7] = [
    (enrich::LANE, Topic::Events),
    (load::EVENTS, Topic::Enriched),
    (load::AGREED, Topic::Agreements),
    (load::DEAD_LETTERS, Topic::DeadLetters),
    (load::REDIRECTS, Topic::Redirects),
    (load::LEDGER, Topic::Ledger),
    (payments::PAYMENTS, Topic::Payments),
];

/// Section `[guard]`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct GuardConfig {
    /// How often the groups are looked at.
    #[serde(with = "span")]
    pub every: Duration,
}

impl GuardConfig {
    /// Reads it.
    ///
    /// # Errors
    /// No time at all.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let config: Self = settings.section("guard")?;
        if config.every.is_zero() {
            return Err(Mistake::new("guard.every", "must be more than nothing").into());
        }
        Ok(config)
    }
}

/// All of them, as the broker names them.
#[must_use]
pub fn watched(kafka: &KafkaConfig) -> Vec<Watched> {
    let watched =
        |(lane, topic): (&str, Topic)| Watched { group: kafka.group(lane), topic: kafka.topic(topic.name()) };
    GROUPS.map(watched).to_vec()
}

/// Tells in the metrics how they stand, until the shutdown.
///
/// # Errors
/// Wrong settings.
pub fn watch(settings: &Settings, shutdown: &CancellationToken) -> Result<(), Failure> {
    let (kafka, config) = (settings.kafka()?, GuardConfig::read(settings)?);
    let guard = Guard::new(&kafka, watched(&kafka))?;
    tokio::spawn(guard.watch(config.every, shutdown.clone()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_with_the_prefix_as_its_lane_names_it() {
        let settings = Settings::merge("", "test", std::iter::empty()).unwrap();
        let watched = watched(&settings.kafka().unwrap());
        assert_eq!((watched[0].group.as_str(), &*watched[0].topic), ("tracker.enrich", "tracker.events"));
        assert_eq!(
            (watched[1].group.as_str(), &*watched[1].topic),
            ("tracker.load.events", "tracker.enriched")
        );
    }

    #[test]
    fn a_watch_that_never_pauses_is_a_mistake() {
        let settings = Settings::merge("[guard]\nevery = \"0s\"", "test", std::iter::empty()).unwrap();
        assert!(GuardConfig::read(&settings).unwrap_err().to_string().contains("guard.every"));
    }
}
