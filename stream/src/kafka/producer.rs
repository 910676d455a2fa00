//! Sends, and says of each message whether the broker has it.

use super::{
    config::KafkaConfig,
    context::{Watch, log},
    died,
};
use crate::{config::Size, envelope::Headers, fault::Fault, metrics, telemetry::Health};
use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// What framing adds to a message on the wire, at most, besides a few bytes for each header.
const FRAMING: usize = 512;

/// One message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Name of the topic on the broker.
    pub topic: Arc<str>,
    /// Key: the same key goes to the same partition.
    pub key: Vec<u8>,
    /// Value.
    pub payload: Vec<u8>,
    /// Headers.
    pub headers: Headers,
    /// When what it tells of was received, milliseconds since the epoch: by this the books count and lag is measured.
    pub timestamp_ms: i64,
}

impl Outgoing {
    /// Whether no broker will take it.
    pub(super) fn is_too_large(&self) -> bool {
        let headers: usize = self.headers.iter().map(|(key, value)| key.len() + value.len() + 10).sum();
        self.payload.len() + self.key.len() + headers + FRAMING > MESSAGE_BYTES
    }
}

/// How a producer works.
#[derive(Debug, Clone, Copy)]
pub struct ProducerOptions {
    /// Name in metrics, logs and readiness.
    pub name: &'static str,
    /// How long a message may wait for company.
    pub linger: Duration,
    /// How long a message is tried; then it counts as not sent, and will not be.
    pub timeout: Duration,
    /// Bytes that may wait for the broker.
    pub buffer: Size,
}

/// Largest message, bytes. Checked here, where one that is larger is refused alone: the broker would refuse the whole
/// batch it travels in. Topics must take a little more: [`TOPIC_MESSAGE_BYTES`].
pub const MESSAGE_BYTES: usize = 1_000_000;

/// What `max.message.bytes` of every topic must be at least: a full batch and its framing.
pub const TOPIC_MESSAGE_BYTES: usize = MESSAGE_BYTES + (64 << 10);

/// A client that sends with `acks=all`, idempotently. Clones share it.
#[derive(Clone)]
pub struct Producer {
    name: &'static str,
    client: Arc<ThreadedProducer<Deliveries>>,
}

impl Producer {
    /// Starts a client; it connects by itself, and again whenever it has to.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn start(config: &KafkaConfig, options: &ProducerOptions, health: &Health) -> Result<Self, Fault> {
        let client = config
            .client(options.name, &[("compression.type", "lz4")])
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", options.linger.as_millis().to_string())
            .set("message.timeout.ms", options.timeout.as_millis().to_string())
            .set("queue.buffering.max.kbytes", (options.buffer.0 / 1024).max(1).to_string())
            .set("queue.buffering.max.messages", "0") // bytes are the bound
            .set("message.max.bytes", MESSAGE_BYTES.to_string())
            .create_with_context(Deliveries { watch: Watch::new(options.name, options.name, health) })
            .map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        Ok(Self { name: options.name, client: Arc::new(client) })
    }

    /// Sends all of them at once and waits until the broker has, or has not, each. One verdict a message, in
    /// order; one wake-up a call, however many they are.
    pub async fn send(&self, messages: Vec<Outgoing>) -> Vec<Result<(), Fault>> {
        self.send_each(messages.len(), messages.iter()).await
    }

    /// The same for messages that the caller keeps: librdkafka copies them anyway.
    pub(super) async fn send_each(
        &self,
        sent: usize,
        messages: impl Iterator<Item = &Outgoing>,
    ) -> Vec<Result<(), Fault>> {
        if sent == 0 {
            return Vec::new();
        }
        let started_at = Instant::now();
        let latch = Arc::new(Latch::new(sent));
        for (index, message) in messages.enumerate() {
            self.enqueue(message, Box::new(Ticket { latch: Arc::clone(&latch), index }));
        }
        metrics::producer_queue(self.name, self.queued());
        let verdicts = latch.wait().await;
        let failed = verdicts.iter().filter(|verdict| verdict.is_err()).count();
        metrics::acknowledged(self.name, sent - failed, started_at.elapsed());
        metrics::unacknowledged(self.name, failed);
        verdicts
    }

    fn enqueue(&self, message: &Outgoing, ticket: Box<Ticket>) {
        let headers = message
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
        let record = BaseRecord::with_opaque_to(&message.topic, ticket)
            .key(&message.key)
            .payload(&message.payload)
            .timestamp(message.timestamp_ms)
            .headers(headers);
        if let Err((error, record)) = self.client.send(record) {
            record.delivery_opaque.settle(Err(fault(&error)));
        }
    }

    /// Messages that wait for the broker.
    #[must_use]
    pub fn queued(&self) -> usize {
        usize::try_from(self.client.in_flight_count()).unwrap_or(0)
    }

    /// Whether a broker answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.client.context().watch.is_up()
    }

    /// Waits until nothing waits any more.
    ///
    /// # Errors
    /// When `grace` is over first.
    pub async fn flush(&self, grace: Duration) -> Result<(), Fault> {
        let client = Arc::clone(&self.client);
        let flushed = tokio::task::spawn_blocking(move || client.flush(grace)).await.map_err(died)?;
        flushed.map_err(|error| Fault::new("flush", error.to_string()))
    }
}

/// The fault in librdkafka's words. A message that was never sent, or may have been, is sent again under the same
/// id by whoever asked.
fn fault(error: &KafkaError) -> Fault {
    let tag = match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => Producer::QUEUE_FULL,
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => "too_large",
        Some(RDKafkaErrorCode::MessageTimedOut) => "unacknowledged",
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => "topic_missing",
        Some(RDKafkaErrorCode::NotEnoughReplicas | RDKafkaErrorCode::NotEnoughReplicasAfterAppend) => {
            "not_enough_replicas"
        }
        _ => "produce",
    };
    Fault::new(tag, error.to_string())
}

impl Producer {
    /// The tag of the fault that says: too many bytes wait already.
    pub(super) const QUEUE_FULL: &'static str = "queue_full";
}

/// What one call of [`Producer::send`] waits for.
#[derive(Debug)]
struct Latch {
    left: AtomicUsize,
    verdicts: Mutex<Vec<Result<(), Fault>>>,
    done: Notify,
}

impl Latch {
    fn new(messages: usize) -> Self {
        Self {
            left: AtomicUsize::new(messages),
            verdicts: Mutex::new(vec![Ok(()); messages]),
            done: Notify::new(),
        }
    }

    async fn wait(&self) -> Vec<Result<(), Fault>> {
        while self.left.load(Ordering::Acquire) > 0 {
            self.done.notified().await; // keeps a notice that came before it
        }
        std::mem::take(&mut *self.verdicts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One message of a latch; travels through librdkafka with the message.
#[derive(Debug)]
struct Ticket {
    latch: Arc<Latch>,
    index: usize,
}

impl Ticket {
    fn settle(&self, verdict: Result<(), Fault>) {
        if verdict.is_err()
            && let Some(place) =
                self.latch.verdicts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(self.index)
        {
            *place = verdict;
        }
        if self.latch.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.latch.done.notify_one();
        }
    }
}

/// Hands each delivery report to its ticket.
struct Deliveries {
    watch: Watch,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        self.watch.statistics(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        match result {
            Ok(_) => ticket.settle(Ok(())),
            Err((error, _)) => ticket.settle(Err(fault(error))),
        }
    }
}
