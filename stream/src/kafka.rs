//! The only place that names rdkafka.
//!
//! [`Producer`] sends and waits for acknowledgements; [`Source`] feeds a lane from a consumer group; [`Reader`]
//! reads a topic without a group, [`Follower`] a whole one for ever; [`Admin`] creates and inspects topics. All of them take their addresses and
//! pass-through properties from [`KafkaConfig`].

mod admin;
mod assign;
mod config;
mod context;
mod delivery;
mod follow;
mod guard;
mod log;
mod membership;
mod partitioner;
mod past;
mod polled;
mod producer;
mod reader;
mod rebuild;
mod seldom;
mod sink;
mod source;
mod together;
mod topics;
mod transaction;
mod watchdog;

pub use admin::Admin;
pub use config::KafkaConfig;
pub use follow::{Follower, Following};
pub use guard::{Guard, Standing, Watched};
pub use log::KafkaLog;
pub use partitioner::partition_of;
pub use producer::{MESSAGE_BYTES, Outgoing, Producer, ProducerOptions, TOPIC_MESSAGE_BYTES};
pub use reader::{From, Offsets, Reader, Reading, offsets_at};
pub use source::{Source, SourceOptions};
pub use together::Together;
pub use topics::{TopicDifference, TopicSpec};
pub use transaction::{Transactor, TransactorOptions};

use crate::{
    envelope::{Headers, Message},
    fault::{Fault, in_full},
};
use rdkafka::{
    Offset,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Message as _},
};
use std::{sync::Arc, time::Duration};

/// The tag of a fault: too many bytes wait for the broker already.
pub const QUEUE_FULL: &str = "queue_full";
/// The tag of a fault, and the reason of a refusal: no broker would take a message of this length.
pub const TOO_LARGE: &str = "too_large";
/// The tag of a fault: the topic is not there.
const TOPIC_MISSING: &str = "topic_missing";

/// How long one wait for a client is, where it is waited for again and again; between two of them it is looked whether to go on.
/// librdkafka waits whole milliseconds, and what is left of the last one is spent turning round: here that is less than a wait
/// is late by anyway.
const WAIT: Duration = Duration::from_micros(100_020);

/// The fault of a blocking call that did not come back: its thread has died.
fn died(error: tokio::task::JoinError) -> Fault {
    Fault::new("kafka_thread", error.to_string())
}

/// The fault of a topic that is not there.
fn missing(topic: &str) -> Fault {
    Fault::new(TOPIC_MISSING, format!("no topic {topic}: `tracker topics apply` makes it"))
}

/// The fault of a transactional call. `fenced` says what it means that another client has the same transactional id.
fn transactional(tag: &'static str, error: &KafkaError, fenced: &str) -> Fault {
    match error.rdkafka_error_code() {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            Fault::new("fenced", format!("{error}: {fenced}"))
        }
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => {
            Fault::new(TOPIC_MISSING, format!("{error}: `tracker topics apply` makes it"))
        }
        _ => Fault::new(tag, in_full(error)),
    }
}

/// An offset that is a number.
const fn offset(offset: Offset) -> Option<i64> {
    if let Offset::Offset(offset) = offset { Some(offset) } else { None }
}

/// The headers of a message in librdkafka's memory.
fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let all = message.headers().into_iter().flat_map(rdkafka::message::Headers::iter);
    all.fold(Headers::new(), |all, header| all.with(header.key, header.value.unwrap_or_default()))
}

/// Copies a message out of librdkafka's memory.
fn detach(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
    Message {
        topic: Arc::clone(topic),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers: headers(message),
    }
}
