//! The only place that names rdkafka.
//!
//! [`Producer`] sends and waits for acknowledgements; [`Source`] feeds a lane from a consumer group; [`Reader`]
//! reads a topic without a group; [`Admin`] creates and inspects topics. All of them take their addresses and
//! pass-through properties from [`KafkaConfig`].

mod admin;
mod assign;
mod config;
mod context;
mod delivery;
mod guard;
mod log;
mod partitioner;
mod past;
mod producer;
mod reader;
mod rebuild;
mod sink;
mod source;
mod together;
mod topics;
mod transaction;
mod watchdog;

pub use admin::Admin;
pub use config::KafkaConfig;
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
    fault::Fault,
};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use std::sync::Arc;

/// The fault of a blocking call that did not come back: its thread has died.
fn died(error: tokio::task::JoinError) -> Fault {
    Fault::new("kafka_thread", error.to_string())
}

/// Copies a message out of librdkafka's memory.
fn detach(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> Message {
    let headers = message.headers().map_or_else(Headers::new, |headers| {
        headers
            .iter()
            .fold(Headers::new(), |all, header| all.with(header.key, header.value.unwrap_or_default()))
    });
    Message {
        topic: Arc::clone(topic),
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers,
    }
}
