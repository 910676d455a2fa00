//! The life of the edge: build, serve, drain, flush.

use crate::{
    admit::{Keys, Limiter},
    budget::Budget,
    collect::Collector,
    config::EdgeConfig,
    http::{self, Connections, Edge},
    keep::Writer,
    outage::Outage,
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracker_schemas::{Encoder, Event, Payment, Record};
use tracker_stream::{
    config::{Mistakes, Settings},
    kafka::{KafkaConfig, Producer, ProducerOptions},
    process::Failure,
    registry,
    telemetry::Health,
};

/// What the settings mean, before anything is started.
pub struct Setup {
    /// Sections `[edge]`, `[privacy]`, `[keys]`.
    pub config: EdgeConfig,
    kafka: KafkaConfig,
    keys: Keys,
    settings: Settings,
}

impl Setup {
    /// Reads them.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let config = mistakes.collect(EdgeConfig::read(settings));
        let kafka = mistakes.collect(settings.kafka());
        mistakes.collect(registry::configured(settings));
        let keys = config.as_ref().and_then(|config| mistakes.collect(Keys::load(&config.keys)));
        match (config, kafka, keys) {
            (Some(config), Some(kafka), Some(keys)) => {
                mistakes.or(Self { config, kafka, keys, settings: settings.clone() })
            }
            _ => Err(mistakes),
        }
    }
}

/// The events' producer waits this long for company; payments wait for none.
const LINGER: Duration = Duration::from_millis(5);
/// How often what only grows is made small again: histograms that nobody reads, senders that owe nothing.
const UPKEEP: Duration = Duration::from_secs(10);

/// Serves on `listener` until `shutdown`, then ends within the grace period.
///
/// # Errors
/// When it cannot start.
pub async fn run(
    setup: Setup,
    listener: TcpListener,
    metrics: PrometheusHandle,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let rendered = metrics.clone();
    let edge = Arc::new(build(setup, Box::new(move || rendered.render())).await?);
    let watched = Arc::clone(&edge);
    let ending = shutdown.clone();
    tokio::spawn(async move { watched.collector.keys.watch(ending).await });
    let (ending, swept) = (shutdown.clone(), Arc::clone(&edge));
    tokio::spawn(async move {
        while ending.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            metrics.run_upkeep();
            swept.collector.limiter.sweep();
            swept.collector.events.outage.lapse(Instant::now());
            swept.collector.payments.outage.lapse(Instant::now());
        }
    });
    http::serve(listener, &edge, shutdown).await;
    flush(&edge.collector).await;
    Ok(())
}

async fn build(
    setup: Setup,
    metrics: Box<dyn Fn() -> String + Send + Sync>,
) -> Result<Edge<Producer>, Failure> {
    let Setup { config, kafka, keys, settings } = setup;
    let health = Health::default();
    // What the broker has not acknowledged by then is not sent any more: the client is about to be told no.
    let timeout = config.produce_timeout * 3 / 4;
    let options = |name, linger| ProducerOptions { name, linger, timeout, buffer: config.produce_buffer };
    let collector = Collector {
        events: Writer {
            keep: Producer::start(&kafka, &options("events", LINGER), &health)?,
            topic: kafka.topic(Event::TOPIC.name()),
            encoder: encoder(&settings, &kafka).await?,
            timeout: config.produce_timeout,
            outage: Outage::new("events_topic", health.clone()),
        },
        payments: Writer {
            keep: Producer::start(&kafka, &options("payments", Duration::ZERO), &health)?,
            topic: kafka.topic(Payment::TOPIC.name()),
            encoder: encoder(&settings, &kafka).await?,
            timeout: config.produce_timeout,
            outage: Outage::new("payments_topic", health.clone()),
        },
        limiter: Limiter::new(config.rate),
        budget: Budget::new(config.inflight.0),
        keys,
        config,
    };
    let connections = Connections::new(collector.config.connection.most);
    Ok(Edge { collector, health, metrics, connections })
}

/// How values are framed: with the registry's id for the schema, where there is a registry.
async fn encoder<R: Record>(settings: &Settings, kafka: &KafkaConfig) -> Result<Encoder<R>, Failure> {
    let id = registry::id(settings, &kafka.topic(R::TOPIC.name()), R::TOPIC.avsc()).await?;
    Ok(Encoder::framed(id))
}

/// Nobody waits for what is still queued: its callers were told no. It is given its time all the same.
async fn flush(collector: &Collector<Producer>) {
    let grace = collector.config.produce_timeout;
    for (name, producer) in [("events", &collector.events.keep), ("payments", &collector.payments.keep)] {
        if let Err(fault) = producer.flush(grace).await {
            tracing::warn!(producer = name, %fault, "some messages were not acknowledged");
        }
    }
}
