//! Sends, and says of each message whether the broker has it.

use super::{
    config::KafkaConfig,
    context::Watch,
    delivery::{Latch, Shared, Ticket},
    died, rebuild,
    rebuild::Clients,
    seldom::Seldom,
};
use crate::{config::Size, envelope::Headers, fault::Fault, metrics::ProducerMeter, telemetry::Health};
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::BaseRecord,
    util::IntoOpaque,
};
use std::{
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

/// What framing adds to a message on the wire, at most, besides a few bytes for each header.
const FRAMING: usize = 512;

/// One message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Name of the topic on the broker.
    pub topic: Arc<str>,
    /// Key: the same key goes to the same partition.
    pub key: Vec<u8>,
    /// Value; empty: a tombstone, which removes what its key had from a compacted topic.
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

    /// As librdkafka takes it, with what comes back with its delivery report.
    pub(super) fn record<O: IntoOpaque>(&self, opaque: O) -> BaseRecord<'_, Vec<u8>, Vec<u8>, O> {
        let headers = self.headers.iter();
        let headers = headers
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
        let record = BaseRecord::with_opaque_to(&self.topic, opaque)
            .key(&self.key)
            .timestamp(self.timestamp_ms)
            .headers(headers);
        // A value of no bytes is a value: only one that is not there lets the broker forget the key.
        if self.payload.is_empty() { record } else { record.payload(&self.payload) }
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

/// So many calls in the time of one linger are still seldom: with all of them alone the broker has a few hundred requests more a
/// second from one producer, and never thousands.
const SELDOM: u32 = 2;

/// Messages of calls that came alone which may wait for the broker when another one comes.
const UNDER_WAY: usize = 4;

/// How often a flush looks whether anything is left.
const LOOK: Duration = Duration::from_millis(20);

/// Sends with `acks=all`, idempotently. Clones share it.
///
/// Its client is watched by its deliveries: one that has messages and delivers none is replaced, and so is one that fails
/// for good. The new one sends again what the old one held, so a message may be in its topic twice, under one id, and
/// after messages that were sent later; its sender only waits a little longer.
#[derive(Clone)]
pub struct Producer {
    meter: ProducerMeter,
    clients: Arc<Clients>,
    prompt: Option<Prompt>,
}

/// A client that waits for no company, for what comes so seldom that there would be none: the broker's requests are as few then
/// as the others' company makes them. One client cannot do both: librdkafka has one linger for all that it is given.
#[derive(Clone)]
struct Prompt {
    seldom: Arc<Seldom>,
    clients: Arc<Clients>,
}

impl Prompt {
    /// Counts a call; whether it is for this client. One whose own messages wait is no faster, and must not hold many: the bound
    /// of bytes is the other's.
    fn takes(&self, now: Instant) -> bool {
        self.seldom.is_alone(now) && self.clients.queued() < UNDER_WAY
    }
}

impl Producer {
    /// Starts a client; it connects by itself, and again whenever it has to. Must be called within a runtime.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn start(config: &KafkaConfig, options: &ProducerOptions, health: &Health) -> Result<Self, Fault> {
        let clients = clients(config, options, health)?;
        Ok(Self { meter: ProducerMeter::new(options.name), clients, prompt: None })
    }

    /// The same, but what comes seldom is sent at once, by a client of its own named `prompt`. That one is no part of `health`:
    /// it has the same brokers, and without it messages are late and not lost.
    ///
    /// # Errors
    /// As [`Producer::start`].
    pub fn start_prompt(
        config: &KafkaConfig,
        options: &ProducerOptions,
        prompt: &'static str,
        health: &Health,
    ) -> Result<Self, Fault> {
        let seldom = Arc::new(Seldom::new(Instant::now(), options.linger / SELDOM));
        let at_once = ProducerOptions { name: prompt, linger: Duration::ZERO, ..*options };
        let clients = clients(config, &at_once, &Health::default())?;
        Ok(Self { prompt: Some(Prompt { seldom, clients }), ..Self::start(config, options, health)? })
    }

    /// Sends all of them at once and waits until the broker has, or has not, each. One verdict a message, in
    /// order; one wake-up a call, however many they are.
    pub async fn send(&self, messages: Vec<Outgoing>) -> Vec<Result<(), Fault>> {
        self.send_each(messages.iter()).await
    }

    /// The same for messages that the caller keeps: librdkafka copies them anyway.
    pub async fn send_each(
        &self,
        messages: impl ExactSizeIterator<Item = &Outgoing>,
    ) -> Vec<Result<(), Fault>> {
        let sent = messages.len();
        if sent == 0 {
            return Vec::new();
        }
        let clients = self.clients_for_now();
        let latch = Arc::new(Latch::new(sent, &clients.shared.open));
        let ticket = |(index, message): (usize, &Outgoing)| Ticket::new(&latch, index, message.timestamp_ms);
        clients.send(messages.enumerate().map(|sent| (sent.1, Box::new(ticket(sent)))));
        self.meter.queued(self.queued());
        let verdicts = latch.wait().await;
        let failed = verdicts.iter().filter(|verdict| verdict.is_err()).count();
        self.meter.acknowledged(sent - failed, latch.age(Instant::now()));
        self.meter.unacknowledged(failed);
        verdicts
    }

    fn clients_for_now(&self) -> &Clients {
        match &self.prompt {
            Some(prompt) if prompt.takes(Instant::now()) => &prompt.clients,
            _ => &self.clients,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Clients>> {
        iter::once(&self.clients).chain(self.prompt.iter().map(|prompt| &prompt.clients))
    }

    /// Messages that wait for the broker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.all().map(|clients| clients.queued()).sum()
    }

    /// Whether a broker answers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.clients.shared.watch.is_up()
    }

    /// Whether the broker acknowledges what was sent lately; also where nothing was.
    #[must_use]
    pub fn acknowledges(&self) -> bool {
        self.clients.acknowledges(Instant::now())
    }

    /// Waits until nothing waits any more.
    ///
    /// # Errors
    /// When `grace` is over first.
    pub async fn flush(&self, grace: Duration) -> Result<(), Fault> {
        let until = Instant::now() + grace;
        for clients in self.all() {
            flush(clients, until).await?;
        }
        Ok(())
    }
}

async fn flush(clients: &Arc<Clients>, until: Instant) -> Result<(), Fault> {
    loop {
        let (flushing, left) = (Arc::clone(clients), until.saturating_duration_since(Instant::now()));
        let flushed = tokio::task::spawn_blocking(move || flushing.flush(left)).await.map_err(died)?;
        // A client that was replaced meanwhile has nothing left, and the new one has it all.
        match (clients.queued(), flushed) {
            (0, _) => return Ok(()),
            (queued, _) if left.is_zero() => {
                return Err(Fault::new("flush", format!("{queued} messages still wait for the broker")));
            }
            _ => tokio::time::sleep(LOOK.min(left)).await,
        }
    }
}

/// Starts the first client of a producer, and what watches it.
fn clients(config: &KafkaConfig, options: &ProducerOptions, health: &Health) -> Result<Arc<Clients>, Fault> {
    let mut client = config.writer(options.name);
    client
        .set("linger.ms", options.linger.as_millis().to_string())
        .set("message.timeout.ms", options.timeout.as_millis().to_string())
        .set("queue.buffering.max.kbytes", (options.buffer.0 / 1024).max(1).to_string())
        .set("queue.buffering.max.messages", "0"); // bytes are the bound
    let shared = Shared::new(Watch::new(options.name, options.name, health));
    let clients = Arc::new(Clients::start(client, *options, shared)?);
    tokio::spawn(rebuild::watch(Arc::downgrade(&clients), config.stall));
    Ok(clients)
}

#[cfg(test)]
impl Producer {
    /// For tests of the rebuild.
    pub(super) fn clients(&self) -> &Clients {
        &self.clients
    }
}
