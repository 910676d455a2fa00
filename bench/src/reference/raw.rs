//! librdkafka alone: as it comes, or with the edge's settings.

use crate::{
    bench::Extent,
    cpu,
    latency::{Latencies, us},
    sample,
};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::ToBytes,
    producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer as _},
};
use std::{fmt::Display, time::Duration};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// Linger of the plain producer, as of the edge's.
pub const LINGER: Duration = Duration::from_millis(5);

/// How long the broker may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A plain producer: acknowledged by all in-sync replicas, which is librdkafka's default.
///
/// # Errors
/// None that is known.
pub fn producer(brokers: &str, linger: Duration) -> Result<FutureProducer, Failure> {
    client(brokers).set("linger.ms", linger.as_millis().to_string()).create().map_err(failed)
}

/// What every plain client starts from.
pub fn client(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers);
    client
}

/// How long acknowledgements take at so many messages a second, one after the other.
///
/// # Errors
/// A message that is not acknowledged.
pub async fn acknowledgements(
    producer: &FutureProducer,
    topic: &str,
    rate: f64,
    extent: &Extent,
) -> Result<Latencies, Failure> {
    let value = sample::event(0).to_string();
    let mut beat = interval(Duration::from_secs_f64(1.0 / rate));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (warm_at, mut took) = (Instant::now() + extent.warming, Vec::new());
    while Instant::now() < warm_at + extent.stretch {
        beat.tick().await;
        let began = Instant::now();
        let record = FutureRecord::<str, str>::to(topic).payload(&value);
        producer.send(record, Duration::ZERO).await.map_err(|(error, _)| failed(error))?;
        if began > warm_at {
            took.push(began.elapsed());
        }
    }
    Ok(Latencies::of(took))
}

/// Messages that differ: enough that no compression finds the same one twice in a batch.
const DIFFERENT: u64 = 2_048;

/// Keys and values of 600 bytes.
fn messages() -> Vec<(String, String)> {
    (0..DIFFERENT).map(|number| (number.to_string(), sample::event(number).to_string())).collect()
}

/// CPU of this process for a message that is produced from memory, microseconds. Idempotent, lz4 and with the edge's linger, as
/// the edge's own producer.
///
/// # Errors
/// A broker that does not take them.
pub async fn produce(brokers: &str, topic: &str, extent: &Extent) -> Result<f64, Failure> {
    let (brokers, topic, extent, own) = (brokers.to_owned(), topic.to_owned(), *extent, std::process::id());
    blocking(move || {
        let (producer, messages) = (like_the_edge(&brokers)?, messages());
        send_for(&producer, &topic, &messages, extent.warming)?;
        let before = cpu::used(own)?;
        let sent = send_for(&producer, &topic, &messages, extent.stretch)?;
        Ok(us(cpu::used(own)?.saturating_sub(before)) / sent.max(1.0))
    })
    .await
}

/// Fills a topic with so many such messages.
///
/// # Errors
/// A broker that does not take them.
pub async fn fill(brokers: &str, topic: &str, count: u64) -> Result<(), Failure> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    blocking(move || {
        let (producer, messages) = (like_the_edge(&brokers)?, messages());
        for ((key, value), _) in messages.iter().cycle().zip(0..count) {
            put(&producer, BaseRecord::to(&topic).key(key).payload(value))?;
        }
        producer.flush(PATIENCE).map_err(failed)
    })
    .await
}

fn like_the_edge(brokers: &str) -> Result<BaseProducer, Failure> {
    let mut client = client(brokers);
    client.set("compression.type", "lz4").set("enable.idempotence", "true");
    client.set("linger.ms", LINGER.as_millis().to_string()).create().map_err(failed)
}

/// Sends for so long, and waits for the acknowledgements; how many.
fn send_for(
    producer: &BaseProducer,
    topic: &str,
    messages: &[(String, String)],
    span: Duration,
) -> Result<f64, Failure> {
    let (until, mut sent) = (Instant::now() + span, 0.0);
    while Instant::now() < until {
        for (key, value) in messages {
            put(producer, BaseRecord::to(topic).key(key).payload(value))?;
        }
        sent += messages.len() as f64;
    }
    producer.flush(PATIENCE).map_err(failed)?;
    Ok(sent)
}

/// Hands a message over, and waits where there is no room for it.
///
/// # Errors
/// A message that librdkafka does not take.
pub fn put<K: ToBytes + ?Sized, V: ToBytes + ?Sized>(
    producer: &BaseProducer,
    mut record: BaseRecord<'_, K, V>,
) -> Result<(), Failure> {
    while let Err((error, back)) = producer.send(record) {
        if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
            return Err(failed(error));
        }
        producer.poll(Duration::from_millis(10));
        record = back;
    }
    Ok(())
}

/// CPU of this process for a message that is consumed into memory, microseconds: the first so many of a topic, with the
/// loader's fetch settings.
///
/// # Errors
/// A broker that does not give them.
pub async fn consume(brokers: &str, topic: &str, count: u64) -> Result<f64, Failure> {
    let (brokers, topic, own) = (brokers.to_owned(), topic.to_owned(), std::process::id());
    blocking(move || {
        let mut client = client(&brokers);
        client.set("group.id", "raw").set("enable.auto.commit", "false");
        client.set("queued.max.messages.kbytes", "65536").set("fetch.queue.backoff.ms", "20");
        let consumer: BaseConsumer = client.create().map_err(failed)?;
        let (before, mut bytes) = (cpu::used(own)?, 0);
        consumer.assign(&all_of(&consumer, &topic)?).map_err(failed)?;
        for read in 0..count {
            let message = consumer.poll(PATIENCE);
            let message = message.ok_or_else(|| failed(format!("{read} of {count} messages came")))?;
            bytes += message.map_err(failed)?.payload().map_or(0, <[u8]>::len);
        }
        std::hint::black_box(bytes);
        Ok(us(cpu::used(own)?.saturating_sub(before)) / (count as f64).max(1.0))
    })
    .await
}

/// The beginning of each partition.
fn all_of(consumer: &BaseConsumer, topic: &str) -> Result<TopicPartitionList, Failure> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(failed)?;
    let mut all = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        all.add_partition_offset(topic, partition.id(), Offset::Beginning).map_err(failed)?;
    }
    Ok(all)
}

/// librdkafka's plain clients wait by themselves: not on a thread that others need.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(failed)?
}

/// A client that could not be made, or a message that could not be sent.
fn failed(error: impl Display) -> Failure {
    Fault::new("reference", error.to_string()).into()
}
