//! Section `[kafka]`, and what every client is given.

use super::{MESSAGE_BYTES, context::Quiet};
use crate::{
    config::{Mistake, Mistakes, span},
    fault::Fault,
};
use rdkafka::{ClientConfig, consumer::BaseConsumer};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Section `[kafka]`.
#[derive(Debug, Clone, Deserialize)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas; [`Settings::kafka`](crate::config::Settings::kafka) fills in the local
    /// broker where none is given.
    pub brokers: String,
    /// Stands before every topic and every group.
    pub prefix: String,
    /// How long a producer may have messages and no acknowledgement, or a consumer no group, while the broker answers
    /// others, before it is rebuilt.
    #[serde(with = "span")]
    pub stall: Duration,
    /// librdkafka properties, passed through.
    pub properties: BTreeMap<String, String>,
}

/// Properties on which a promise rests, or that another key sets, with the reason why they are not to be set here.
/// Anything else that is passed through wins over Tracker's own value.
const PROMISED: [(&str, &str); 23] = [
    ("bootstrap.servers", "is what `kafka.brokers` sets"),
    ("metadata.broker.list", "is what `kafka.brokers` sets"),
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
    ("isolation.level", "stays `read_committed`: what was taken back was never there"),
    ("partition.assignment.strategy", "stays `cooperative-sticky`: partitions are let go one by one"),
    ("linger.ms", "is set for each producer: payments wait for no company"),
    ("queue.buffering.max.ms", "is set for each producer: payments wait for no company"),
    (
        "message.timeout.ms",
        "is what `edge.produce_timeout` sets: no message is sent after its sender was told no",
    ),
    (
        "delivery.timeout.ms",
        "is what `edge.produce_timeout` sets: no message is sent after its sender was told no",
    ),
    ("queue.buffering.max.kbytes", "is what `edge.produce_buffer` sets"),
    ("queue.buffering.max.messages", "stays off: bytes are the bound"),
    ("queued.max.messages.kbytes", "is what each `fetch_buffer` sets"),
    ("statistics.interval.ms", "stays 1000: readiness is read from the statistics"),
    ("compression.codec", "is another name of `compression.type`: set that"),
    ("fetch.message.max.bytes", "is another name of `max.partition.fetch.bytes`: set that"),
    ("partitioner", "stays `murmur2_random`: all clients must agree on a key's partition"),
];

impl KafkaConfig {
    /// Refuses properties that would break a promise.
    pub(crate) fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        if self.stall.is_zero() {
            mistakes.add(Mistake::new("kafka.stall", "must be more than nothing"));
        }
        for (name, reason) in PROMISED.iter().filter(|(name, _)| self.properties.contains_key(*name)) {
            mistakes.add(Mistake::new(format!("kafka.properties.{name}"), *reason));
        }
        mistakes.or(())
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

    /// What every client starts from: Tracker's own properties and `tuned`, and what is passed through over them.
    pub(super) fn client(&self, name: &str, tuned: &[(&str, &str)]) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("client.id", format!("tracker-{name}"))
            .set("socket.timeout.ms", "5000")
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("statistics.interval.ms", "1000");
        for (key, value) in tuned {
            client.set(*key, *value);
        }
        for (key, value) in &self.properties {
            client.set(key, value);
        }
        client.set("bootstrap.servers", &self.brokers);
        client
    }

    /// What every client that writes starts from: acknowledged by all in-sync replicas, once, and in its key's partition.
    pub(super) fn writer(&self, name: &str) -> ClientConfig {
        let mut client = self.client(name, &[("compression.type", "lz4")]);
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", MESSAGE_BYTES.to_string());
        client
    }

    /// A client that only reads: `group` is wanted by librdkafka, or asked after; nothing is joined or committed. `reset`:
    /// what to do where an offset has gone.
    pub(super) fn reader(
        &self,
        name: &str,
        tuned: &[(&str, &str)],
        group: &str,
        reset: &str,
    ) -> Result<BaseConsumer<Quiet>, Fault> {
        self.client(name, tuned)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", reset)
            .create_with_context(Quiet)
            .map_err(|error| Fault::new("kafka_config", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_through_wins_over_what_is_only_tuned() {
        let properties = BTreeMap::from([("compression.type".to_owned(), "zstd".to_owned())]);
        let (brokers, prefix) = ("b:9092".to_owned(), String::new());
        let config = KafkaConfig { brokers, prefix, stall: Duration::from_secs(30), properties };
        let client = config.client("events", &[("compression.type", "lz4"), ("fetch.wait.max.ms", "50")]);
        assert_eq!(client.get("compression.type"), Some("zstd"));
        assert_eq!(client.get("fetch.wait.max.ms"), Some("50"));
        assert_eq!(client.get("bootstrap.servers"), Some("b:9092"));
    }
}
