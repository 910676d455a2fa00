//! librdkafka as it comes, but for its linger.

use crate::{bench::Extent, latency::Latencies, sample};
use rdkafka::{
    ClientConfig,
    error::KafkaError,
    producer::{FutureProducer, FutureRecord},
};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// Linger of the plain producer, as of the edge's.
pub const LINGER: Duration = Duration::from_millis(5);

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

/// A client that could not be made, or a message that could not be sent.
fn failed(error: KafkaError) -> Failure {
    Fault::new("reference", error.to_string()).into()
}
