//! Reads a topic without a group: for tools that look and do not carry.

use super::{config::KafkaConfig, context::Quiet, detach, died};
use crate::{envelope::Message, fault::Fault};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The first message that is still there.
    Beginning,
    /// Only what comes from now on.
    End,
    /// The first message of that time or later: milliseconds since the epoch.
    Time(i64),
}

/// What a reader says.
#[derive(Debug)]
pub enum Reading {
    /// The next message of some partition.
    Message(Message),
    /// The end of every partition was reached, once.
    CaughtUp,
}

/// Reads all partitions of a topic.
pub struct Reader {
    readings: mpsc::Receiver<Result<Reading, Fault>>,
}

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Defaults that an operator may change: the end of a topic is noticed soon, and little is fetched ahead.
const TUNED: [(&str, &str); 2] = [("fetch.wait.max.ms", "50"), ("queued.max.messages.kbytes", "16384")];
/// How often the thread looks whether anybody still reads.
const TICK: Duration = Duration::from_millis(100);
/// Messages read ahead.
const AHEAD: usize = 64;

impl Reader {
    /// Finds the partitions and where each begins.
    ///
    /// # Errors
    /// No broker, or no such topic.
    pub async fn open(config: &KafkaConfig, topic: &str, from: From) -> Result<Self, Fault> {
        let consumer: BaseConsumer<Quiet> = config
            .client("reader", &TUNED)
            .set("group.id", config.group("reader")) // wanted by librdkafka; nothing is joined or committed
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest") // only looks: what has gone is passed over
            .create_with_context(Quiet)
            .map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        let topic: Arc<str> = topic.into();
        let name = Arc::clone(&topic);
        let opened =
            tokio::task::spawn_blocking(move || assign(&consumer, &name, from).map(|all| (consumer, all)));
        let (consumer, partitions) = opened.await.map_err(died)??;
        let (sender, readings) = mpsc::channel(AHEAD);
        std::thread::Builder::new()
            .name("kafka-reader".to_owned())
            .spawn(move || read(&consumer, &topic, partitions, &sender))
            .map_err(|error| Fault::new("kafka_thread", error.to_string()))?;
        Ok(Self { readings })
    }

    /// The next message, or that there are no more for now. Cancelling it loses nothing.
    ///
    /// # Errors
    /// What the client says when it cannot go on.
    pub async fn next(&mut self) -> Result<Reading, Fault> {
        self.readings.recv().await.unwrap_or_else(|| Err(Fault::new("kafka_thread", "the reader has ended")))
    }
}

/// Assigns every partition, and says how many there are.
fn assign(consumer: &BaseConsumer<Quiet>, topic: &str, from: From) -> Result<usize, Fault> {
    let fault = |error: KafkaError| Fault::new("broker_unreachable", error.to_string());
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).map_err(fault)?;
    let numbers: Vec<i32> = metadata
        .topics()
        .iter()
        .flat_map(|topic| topic.partitions())
        .map(rdkafka::metadata::MetadataPartition::id)
        .collect();
    if numbers.is_empty() {
        return Err(Fault::new(
            "topic_missing",
            format!("no topic {topic}: `tracker topics apply` makes it"),
        ));
    }
    let start = match from {
        From::Beginning => Offset::Beginning,
        From::End => Offset::End,
        From::Time(ms) => Offset::Offset(ms),
    };
    let mut list = TopicPartitionList::new();
    for number in &numbers {
        list.add_partition_offset(topic, *number, start).map_err(fault)?;
    }
    if let From::Time(_) = from {
        list = consumer.offsets_for_times(list, ANSWER).map_err(fault)?;
    }
    consumer.assign(&list).map_err(fault)?;
    Ok(numbers.len())
}

/// Reads until nobody listens. Faults that the client mends by itself are not reported.
fn read(
    consumer: &BaseConsumer<Quiet>,
    topic: &Arc<str>,
    partitions: usize,
    sender: &mpsc::Sender<Result<Reading, Fault>>,
) {
    let mut at_end = HashSet::new();
    while !sender.is_closed() {
        let reading = match consumer.poll(TICK) {
            None => continue,
            Some(Ok(message)) => Ok(Reading::Message(detach(&message, topic))),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if !at_end.insert(partition) || at_end.len() != partitions {
                    continue;
                }
                Ok(Reading::CaughtUp)
            }
            Some(Err(error)) if lasts(&error) => {
                Err(Fault::new("kafka_refused", format!("{topic}: {error}")))
            }
            Some(Err(error)) => {
                tracing::debug!(%topic, %error, "the reader goes on");
                continue;
            }
        };
        if sender.blocking_send(reading).is_err() {
            return;
        }
    }
}

/// Whether waiting does not mend it.
fn lasts(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || matches!(
            error.rdkafka_error_code(),
            Some(
                Code::Authentication
                    | Code::SaslAuthenticationFailed
                    | Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::UnknownTopicOrPartition
                    | Code::UnknownTopic
            )
        )
}
