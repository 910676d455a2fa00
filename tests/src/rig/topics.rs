//! What goes past the edge: records put on their topic, and what a topic holds.

use super::Site;
use std::{collections::BTreeMap, time::Duration};
use tracker_schemas::{Encoder, Record, Topic};
use tracker_stream::{
    config::Size,
    envelope::{Headers, Message},
    kafka::{From, KafkaConfig, Outgoing, Producer, ProducerOptions, Reader, Reading},
    telemetry::Health,
};

impl Site {
    /// The broker and the prefix of its topics.
    pub fn kafka(&self) -> KafkaConfig {
        let brokers = self.environment["TRACKER_KAFKA__BROKERS"].clone();
        let stall = Duration::from_secs(30);
        KafkaConfig { brokers, prefix: self.prefix.clone(), stall, properties: BTreeMap::new() }
    }

    /// Puts records on their topic, each with its key.
    pub async fn produce<R: Record>(&self, records: impl IntoIterator<Item = (String, R)>) {
        let encoder = Encoder::<R>::single_object();
        let values = records.into_iter().map(|(key, record)| (key, encoder.encode(&record)));
        self.put(R::TOPIC, values).await;
    }

    /// Puts values on a topic, whatever they are.
    pub async fn put(&self, topic: Topic, values: impl IntoIterator<Item = (String, Vec<u8>)>) {
        let kafka = self.kafka();
        let options = ProducerOptions {
            name: "test",
            linger: Duration::from_millis(1),
            timeout: Duration::from_secs(30),
            buffer: Size(8 << 20),
        };
        let producer = Producer::start(&kafka, &options, &Health::default()).expect("a producer");
        let topic = kafka.topic(topic.name());
        let outgoing = |(key, payload): (String, _)| Outgoing {
            topic: topic.clone(),
            key: key.into_bytes(),
            payload,
            headers: Headers::new(),
            timestamp_ms: tracker_stream::clock::now_ms(),
        };
        for verdict in producer.send(values.into_iter().map(outgoing).collect()).await {
            verdict.expect("the broker takes it");
        }
    }

    /// Every message that a topic holds now.
    pub async fn messages(&self, topic: Topic) -> Vec<Message> {
        let kafka = self.kafka();
        let mut reader =
            Reader::open(&kafka, &kafka.topic(topic.name()), From::Beginning).await.expect("a reader");
        let mut messages = Vec::new();
        while let Reading::Message(message) = reader.next().await.expect("the topic is read") {
            messages.push(message);
        }
        messages
    }
}
