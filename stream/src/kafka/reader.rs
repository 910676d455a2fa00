//! Reads a topic without a group: a whole one for tools that look, or a range of one partition for who carries it again.
//! Commits nothing, ever.

use super::{WAIT, config::KafkaConfig, context::Quiet, detach, died, missing, offset};
use crate::{envelope::Message, fault::Fault};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::Message as _,
};
use std::{collections::HashSet, sync::Arc, time::Duration, vec};
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
    /// The end of every partition, or of the range, was reached, once.
    CaughtUp,
}

/// A range of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub first: i64,
    /// The offset after the last.
    pub end: i64,
}

/// Reads all partitions of a topic, or a range of one.
pub struct Reader {
    chunks: mpsc::Receiver<Result<Vec<Reading>, Fault>>,
    chunk: vec::IntoIter<Reading>,
}

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Defaults that an operator may change: the end of a topic is noticed soon, and little is fetched ahead.
const TUNED: [(&str, &str); 3] =
    [("fetch.wait.max.ms", "50"), ("queued.max.messages.kbytes", "16384"), ("fetch.queue.backoff.ms", "10")];
/// What is read ahead: so many chunks, each closed by the message that brings it to so many bytes, or when no more has arrived.
const AHEAD: usize = 8;
const CHUNK_BYTES: usize = 256 << 10;

impl Reader {
    /// Finds the partitions and where each begins. Only looks: what has gone is passed over.
    ///
    /// # Errors
    /// No broker, or no such topic.
    pub async fn open(config: &KafkaConfig, topic: &str, from: From) -> Result<Self, Fault> {
        Self::open_with(config, topic, from, "earliest").await
    }

    /// The same from the beginning, and nothing that has gone is passed over: then it ends with the fault `offset_gone`.
    pub(super) async fn open_whole(config: &KafkaConfig, topic: &str) -> Result<Self, Fault> {
        Self::open_with(config, topic, From::Beginning, "error").await
    }

    async fn open_with(config: &KafkaConfig, topic: &str, from: From, reset: &str) -> Result<Self, Fault> {
        let consumer = consumer(config, reset)?;
        let topic: Arc<str> = topic.into();
        let name = Arc::clone(&topic);
        let opened =
            tokio::task::spawn_blocking(move || assign(&consumer, &name, from).map(|all| (consumer, all)));
        let (consumer, partitions) = opened.await.map_err(died)??;
        Self::start(consumer, topic, Scope::Whole { partitions, at_end: HashSet::new() })
    }

    /// Reads these offsets, and nothing that has gone is passed over: then it ends with the fault `offset_gone`.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn range(config: &KafkaConfig, topic: &str, offsets: Offsets) -> Result<Self, Fault> {
        let Offsets { partition, first, end } = offsets;
        if first >= end {
            let (_, chunks) = mpsc::channel(1);
            return Ok(Self { chunks, chunk: vec![Reading::CaughtUp].into_iter() });
        }
        let consumer = consumer(config, "error")?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(first))
            .and_then(|()| consumer.assign(&list))
            .map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        Self::start(consumer, topic.into(), Scope::Range { end })
    }

    fn start(consumer: BaseConsumer<Quiet>, topic: Arc<str>, scope: Scope) -> Result<Self, Fault> {
        let (sender, chunks) = mpsc::channel(AHEAD);
        std::thread::Builder::new()
            .name("kafka-reader".to_owned())
            .spawn(move || read(&consumer, &topic, scope, &sender))
            .map_err(|error| Fault::new("kafka_thread", error.to_string()))?;
        Ok(Self { chunks, chunk: Vec::new().into_iter() })
    }

    /// The next message, or that there are no more for now; behind the end of a range there is nothing to ask for.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// What the client says when it cannot go on.
    pub async fn next(&mut self) -> Result<Reading, Fault> {
        loop {
            if let Some(reading) = self.chunk.next() {
                return Ok(reading);
            }
            let ended = || Err(Fault::new("kafka_thread", "the reader has ended"));
            self.chunk = self.chunks.recv().await.unwrap_or_else(ended)?.into_iter();
        }
    }
}

/// For each partition, the offset of its first message of that time or later; `None` where there is none.
///
/// # Errors
/// No broker, or no such topic.
pub async fn offsets_at(
    config: &KafkaConfig,
    topic: &str,
    ms: i64,
) -> Result<Vec<(i32, Option<i64>)>, Fault> {
    let (consumer, topic) = (consumer(config, "error")?, topic.to_owned());
    let asked = tokio::task::spawn_blocking(move || {
        let list = starts(&consumer, &topic, From::Time(ms))?;
        Ok(list.elements().iter().map(|each| (each.partition(), offset(each.offset()))).collect())
    });
    asked.await.map_err(died)?
}

/// A client of this module. `reset`: what to do where an offset has gone.
fn consumer(config: &KafkaConfig, reset: &str) -> Result<BaseConsumer<Quiet>, Fault> {
    config.reader("reader", &TUNED, &config.group("reader"), reset)
}

/// Assigns every partition, and says how many there are.
fn assign(consumer: &BaseConsumer<Quiet>, topic: &str, from: From) -> Result<usize, Fault> {
    let list = starts(consumer, topic, from)?;
    consumer.assign(&list).map_err(|error| unreachable(&error))?;
    Ok(list.count())
}

/// Every partition with where it begins.
fn starts(consumer: &BaseConsumer<Quiet>, topic: &str, from: From) -> Result<TopicPartitionList, Fault> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).map_err(|error| unreachable(&error))?;
    let start = match from {
        From::Beginning => Offset::Beginning,
        From::End => Offset::End,
        From::Time(ms) => Offset::Offset(ms),
    };
    let mut list = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        list.add_partition_offset(topic, partition.id(), start).map_err(|error| unreachable(&error))?;
    }
    if list.count() == 0 {
        return Err(missing(topic));
    }
    match from {
        From::Time(_) => consumer.offsets_for_times(list, ANSWER).map_err(|error| unreachable(&error)),
        From::Beginning | From::End => Ok(list),
    }
}

fn unreachable(error: &KafkaError) -> Fault {
    Fault::new("broker_unreachable", error.to_string())
}

/// What is read, and how its end is known.
enum Scope {
    Whole { partitions: usize, at_end: HashSet<i32> },
    Range { end: i64 },
}

impl Scope {
    /// Whether the end of a partition is the end of all.
    fn ends_with(&mut self, partition: i32) -> bool {
        match self {
            Self::Whole { partitions, at_end } => at_end.insert(partition) && at_end.len() == *partitions,
            Self::Range { .. } => true,
        }
    }

    /// Whether nothing that stands at `offset` or behind is wanted.
    const fn is_over(&self, offset: i64) -> bool {
        matches!(self, Self::Range { end } if offset >= *end)
    }
}

type Chunk = Result<Vec<Reading>, Fault>;

/// Reads until nobody listens, or the range ends. Faults that the client mends by itself are not reported.
fn read(consumer: &BaseConsumer<Quiet>, topic: &Arc<str>, mut scope: Scope, sender: &mpsc::Sender<Chunk>) {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while !sender.is_closed() {
        let polled = consumer.poll(if chunk.is_empty() { WAIT } else { Duration::ZERO });
        let waited = polled.is_none();
        match polled {
            None => {}
            Some(Ok(message)) if scope.is_over(message.offset()) => chunk.push(Reading::CaughtUp),
            Some(Ok(message)) => {
                let message = detach(&message, topic);
                let over = scope.is_over(message.offset + 1);
                bytes += message.weight();
                chunk.push(Reading::Message(message));
                chunk.extend(over.then_some(Reading::CaughtUp));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                chunk.extend(scope.ends_with(partition).then_some(Reading::CaughtUp));
            }
            Some(Err(error)) => match lasting(&error, topic) {
                Some(fault) => {
                    let _unheard =
                        sender.blocking_send(Ok(chunk)).is_err() || sender.blocking_send(Err(fault)).is_err();
                    return;
                }
                None => tracing::debug!(%topic, %error, "the reader goes on"),
            },
        }
        let over = matches!((&scope, chunk.last()), (Scope::Range { .. }, Some(Reading::CaughtUp)));
        if (waited || over || bytes >= CHUNK_BYTES) && !chunk.is_empty() {
            bytes = 0;
            if sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() || over {
                return;
            }
        }
    }
}

/// The fault of an error that waiting does not mend.
fn lasting(error: &KafkaError, topic: &str) -> Option<Fault> {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
        let detail = format!("{topic}: {error}: the topic does not keep these messages any more");
        return Some(Fault::new("offset_gone", detail));
    }
    lasts(error).then(|| Fault::new("kafka_refused", format!("{topic}: {error}")))
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
