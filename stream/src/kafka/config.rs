//! Section `[kafka]`, and what every client is given.

use crate::config::{Mistake, Mistakes};
use rdkafka::ClientConfig;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// Section `[kafka]`.
#[derive(Debug, Clone, Deserialize)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas; empty: the local broker.
    pub brokers: String,
    /// Stands before every topic and every group.
    pub prefix: String,
    /// librdkafka properties, passed through.
    pub properties: BTreeMap<String, String>,
}

/// Where the local broker of `tracker up` listens.
const LOCAL: &str = "127.0.0.1:9092";

/// Properties on which a promise rests, with the reason why they are not to be set.
const PROMISED: [(&str, &str); 10] = [
    ("bootstrap.servers", "is what `kafka.brokers` sets"),
    ("group.id", "is what `kafka.prefix` sets"),
    ("acks", "stays `all`: 200 means kept"),
    ("request.required.acks", "stays `all`: 200 means kept"),
    ("enable.idempotence", "stays on: a retry must not store twice"),
    ("enable.auto.commit", "stays off: no offset moves before its rows are stored"),
    ("enable.auto.offset.store", "stays off: no offset moves before its rows are stored"),
    ("auto.offset.reset", "stays `error`: a gap in a topic is an operator's decision"),
    (
        "message.max.bytes",
        "stays what the topics take: one large message must not fail the batch it travels in",
    ),
    ("partitioner", "stays `murmur2_random`: all clients must agree on a key's partition"),
];

impl KafkaConfig {
    /// Refuses properties that would break a promise.
    pub(crate) fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        for (name, reason) in PROMISED.iter().filter(|(name, _)| self.properties.contains_key(*name)) {
            mistakes.add(Mistake::new(format!("kafka.properties.{name}"), *reason));
        }
        mistakes.or(())
    }

    /// The brokers given, else the local one.
    #[must_use]
    pub fn brokers(&self) -> &str {
        if self.brokers.is_empty() { LOCAL } else { &self.brokers }
    }

    /// A topic's name on the broker.
    #[must_use]
    pub fn topic(&self, name: &str) -> Arc<str> {
        format!("{}{name}", self.prefix).into()
    }

    /// A consumer group's name on the broker.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What every client starts from: the properties passed through, then Tracker's own.
    pub(super) fn client(&self, name: &str) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("client.id", format!("tracker-{name}"))
            .set("socket.timeout.ms", "5000")
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("statistics.interval.ms", "1000");
        for (key, value) in &self.properties {
            client.set(key, value);
        }
        client.set("bootstrap.servers", self.brokers());
        client
    }
}
