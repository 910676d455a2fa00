//! `tracker topics`: what the broker's topics should be, made so or compared.

use crate::{Failure, Out, drift::Telling};
use serde::Deserialize;
use tracker_schemas::{Retention, Topic};
use tracker_stream::{
    config::{Mistake, Mistakes, Settings},
    kafka::{Admin, TOPIC_MESSAGE_BYTES, TopicSpec},
};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tracker topics apply\n  tracker topics check --json")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create what is missing, add partitions, set properties. Safe to repeat; takes nothing away.
    #[command(after_help = "Example:\n  tracker topics apply")]
    Apply,
    /// Compare, and exit with 1 when something differs.
    #[command(after_help = "Example:\n  tracker topics check || tracker topics apply")]
    Check,
}

/// Runs it.
///
/// # Errors
/// A broker that does not answer; with `check`, a difference.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let telling = Telling { of: "topics", json: arguments.json, out };
    match arguments.action {
        Action::Apply => telling.done(&apply(settings).await?),
        Action::Check => {
            telling.differences(&Admin::connect(&settings.kafka()?)?.check(&specs(settings)?).await?)
        }
    }
}

/// Makes the topics what they should be, and says what it did; nothing to do is no line.
///
/// # Errors
/// Wrong settings, or a broker that does not answer or refuses.
pub async fn apply(settings: &Settings) -> Result<Vec<String>, Failure> {
    let (kafka, specs) = (settings.kafka()?, specs(settings)?);
    Ok(Admin::connect(&kafka)?.apply(&specs).await?)
}

#[derive(Deserialize)]
struct Section {
    partitions: i32,
    small_partitions: i32,
    replication: i32,
}

/// Every topic as the settings want it.
///
/// # Errors
/// Numbers that no broker takes.
pub fn specs(settings: &Settings) -> Result<Vec<TopicSpec>, Mistakes> {
    let mut mistakes = Mistakes::default();
    let kafka = mistakes.collect(settings.kafka());
    let section: Option<Section> = mistakes.collect(settings.section("topics"));
    let (Some(kafka), Some(section)) = (kafka, section) else {
        return mistakes.or(Vec::new());
    };
    let least = [
        ("topics.partitions", section.partitions),
        ("topics.small_partitions", section.small_partitions),
        ("topics.replication", section.replication),
    ];
    for (key, _) in least.iter().filter(|(_, number)| *number < 1) {
        mistakes.add(Mistake::new(*key, "must be at least 1"));
    }
    let spec = |topic: Topic| TopicSpec {
        name: kafka.topic(topic.name()).to_string(),
        partitions: match topic {
            Topic::Events | Topic::Enriched => section.partitions,
            // One order of all changes, whatever partitions are added to others; and every edge reads all of it anyway.
            Topic::Redirects => 1,
            _ => section.small_partitions,
        },
        replication: section.replication,
        config: properties(topic, section.replication),
    };
    mistakes.or(Topic::ALL.map(spec).to_vec())
}

fn properties(topic: Topic, replication: i32) -> Vec<(&'static str, String)> {
    let mut properties = retention(topic.retention());
    properties.extend([
        // A message's time is that of its event's receipt, all along the way: books, lag and replay go by it. So retention
        // does too: what came out of a spool is kept for as long as what it was received with. The broker refuses what is an hour ahead of it
        // (its default): an edge whose clock is that wrong keeps its events in the spool until the clock is mended.
        ("message.timestamp.type", "CreateTime".to_owned()),
        ("compression.type", "producer".to_owned()),
        ("max.message.bytes", TOPIC_MESSAGE_BYTES.to_string()),
    ]);
    if replication >= 3 {
        properties.push(("min.insync.replicas", "2".to_owned()));
    }
    properties
}

/// A day: then a compacted partition's segment is closed, and can be compacted.
const COMPACTED_SEGMENT_MS: u64 = 24 * 60 * 60 * 1000;

fn retention(retention: Retention) -> Vec<(&'static str, String)> {
    match retention {
        Retention::For { time, bytes_per_partition } => vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", time.as_millis().to_string()),
            ("retention.bytes", bytes_per_partition.to_string()),
            // The last segment of a partition is not deleted while it is written: it must not stay open for its default week.
            ("segment.ms", (time / 24).as_millis().to_string()),
        ],
        Retention::LatestOfKey => {
            vec![("cleanup.policy", "compact".to_owned()), ("segment.ms", COMPACTED_SEGMENT_MS.to_string())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::merge(text, "test", std::iter::empty()).unwrap()
    }

    fn property<'a>(spec: &'a TopicSpec, key: &str) -> Option<&'a str> {
        spec.config.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_topic_has_its_partitions_and_its_retention() {
        let specs = specs(&settings("[kafka]\nprefix = \"t.\"\n[topics]\npartitions = 6")).unwrap();
        let shape: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.partitions)).collect();
        assert_eq!(shape[..4], [("t.events", 6), ("t.enriched", 6), ("t.messages", 1), ("t.payments", 1)]);
        assert!(shape[4..].iter().all(|(_, partitions)| *partitions == 1), "{shape:?}");
        let names = shape.iter().map(|(name, _)| name.trim_start_matches("t."));
        assert!(names.eq(Topic::ALL.map(Topic::name)));
        assert_eq!(property(&specs[0], "retention.ms"), Some("86400000"), "raw addresses stay for a day");
        assert_eq!(property(&specs[0], "segment.ms"), Some("3600000"), "and no segment keeps them longer");
    }

    #[test]
    fn what_must_not_be_forgotten_is_compacted_and_the_rest_deleted_with_age() {
        for (topic, spec) in Topic::ALL.into_iter().zip(specs(&settings("")).unwrap()) {
            let compacted = [Topic::Redirects, Topic::Erasures, Topic::Redrives].contains(&topic);
            let policy = if compacted { "compact" } else { "delete" };
            assert_eq!(property(&spec, "cleanup.policy"), Some(policy), "{topic}");
            assert_eq!(property(&spec, "retention.ms").is_none(), compacted, "{topic}");
        }
    }

    #[test]
    fn three_copies_want_two_in_sync() {
        let one = specs(&settings("")).unwrap();
        assert_eq!(property(&one[3], "min.insync.replicas"), None);
        let three = specs(&settings("[topics]\nreplication = 3")).unwrap();
        assert_eq!(property(&three[3], "min.insync.replicas"), Some("2"));
    }

    #[test]
    fn every_topic_takes_what_a_producer_sends() {
        for spec in specs(&settings("")).unwrap() {
            let bytes: usize = property(&spec, "max.message.bytes").unwrap().parse().unwrap();
            assert!(bytes >= TOPIC_MESSAGE_BYTES, "{}", spec.name);
        }
    }

    #[test]
    fn every_number_below_one_is_named() {
        let text = "[topics]\npartitions = 0\nsmall_partitions = 0\nreplication = 0";
        let mistakes = specs(&settings(text)).unwrap_err().to_string();
        assert_eq!(mistakes.lines().count(), 3, "{mistakes}");
    }
}
