//! The life of the edge: build, serve, drain, flush.

use crate::{
    admit::{Keys, Limiter},
    budget::Budget,
    collect::Collector,
    config::{EdgeConfig, VisitConfig},
    http::{self, Connections, Edge},
    keep::{Fallback, Way, Writer},
    ledger::{Booked, Books, Of, Sender},
    outage::Outage,
    spool::{Drain, Kind, Lane, Outlet, Spool},
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracker_geo::Geo;
use tracker_schemas::{Encoder, Event, LedgerPage, Payment, Record};
use tracker_stream::{
    config::{Mistakes, Settings, Size},
    kafka::{KafkaConfig, Producer, ProducerOptions},
    process::Failure,
    registry,
    telemetry::Health,
};

/// What the settings mean, before anything is started.
pub struct Setup {
    /// Sections `[edge]`, `[privacy]`, `[keys]`.
    pub config: EdgeConfig,
    visits: VisitConfig,
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
        let visits = mistakes.collect(VisitConfig::read(settings));
        let kafka = mistakes.collect(settings.kafka());
        mistakes.collect(registry::configured(settings));
        let keys = config.as_ref().and_then(|config| mistakes.collect(Keys::load(&config.keys)));
        match (config, visits, kafka, keys) {
            (Some(config), Some(visits), Some(kafka), Some(keys)) => {
                mistakes.or(Self { config, visits, kafka, keys, settings: settings.clone() })
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
    let Built { edge, drain, sender } = build(setup, Box::new(move || rendered.render())).await?;
    let edge = Arc::new(edge);
    let closing = CancellationToken::new();
    let writing = tokio::spawn(sender.run(closing.clone()));
    let draining = drain.map(|drain| tokio::spawn(drain.run(shutdown.clone())));
    let watched = Arc::clone(&edge);
    let ending = shutdown.clone();
    tokio::spawn(async move { watched.collector.keys.watch(ending).await });
    let Collector { geo, visits, .. } = &edge.collector;
    for missing in geo.missing() {
        tracing::warn!(file = %missing.display(), "no GeoIP database here: what it would know of consent is unknown");
    }
    tokio::spawn(Arc::clone(geo).watch(visits.geoip_poll, edge.health.clone(), shutdown.clone()));
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
    if let Some(draining) = draining {
        // It ends with what it was sending; if it has died instead, the spool is there at the next start.
        let _died = draining.await;
    }
    flush(&edge.collector).await;
    closing.cancel();
    let _died = writing.await; // the books are never a reason to fail
    Ok(())
}

/// The broker, and the spool for when it is away; both in the books.
type Safe = Booked<Fallback<Producer>>;

/// What an edge is made of.
struct Built {
    edge: Edge<Safe>,
    drain: Option<Drain<Booked<Producer>>>,
    sender: Sender<Producer>,
}

/// Pages are small, and few; one that the broker does not take now is sent again in a second.
const PAGES: ProducerOptions = ProducerOptions {
    name: LedgerPage::TOPIC.name(),
    linger: Duration::ZERO,
    timeout: Duration::from_secs(5),
    buffer: Size(8 << 20),
};

async fn build(setup: Setup, metrics: Box<dyn Fn() -> String + Send + Sync>) -> Result<Built, Failure> {
    let Setup { config, visits, kafka, keys, settings } = setup;
    let (health, books) = (Health::default(), Arc::new(Books::default()));
    let spool = match &config.spool {
        Some(spool) => Some(Spool::open(spool, |kind| kafka.topic(topic(kind)))?),
        None => None,
    };
    // What the broker has not acknowledged by then is not sent any more: the client is about to be told no.
    let timeout = config.produce_timeout * 3 / 4;
    let keep = |kind: Kind, linger, lane: Option<&Lane>| -> Result<Safe, Failure> {
        let options = ProducerOptions { name: kind.name(), linger, timeout, buffer: config.produce_buffer };
        let keep = Fallback {
            broker: Producer::start(&kafka, &options, &health)?,
            way: Arc::new(Way::new(kind.name())),
            lane: lane.cloned(),
            patience: config.spool.as_ref().map_or(timeout, |spool| spool.after),
        };
        Ok(Booked { keep, books: Arc::clone(&books), topic: topic(kind), of: Of::Requests })
    };
    let events = keep(Kind::Events, LINGER, spool.as_ref().map(|spool| &spool.events))?;
    let payments = keep(Kind::Payments, Duration::ZERO, spool.as_ref().map(|spool| &spool.payments))?;
    let drain = spool.zip(config.spool.as_ref()).map(|(spool, config)| {
        let outlet = |lane, safe: &Safe| {
            let Booked { keep, books, topic, .. } = safe;
            let drained =
                Booked { keep: keep.broker.clone(), books: Arc::clone(books), topic, of: Of::Spool };
            Outlet::new(lane, drained, Arc::clone(&keep.way))
        };
        let outlets = vec![outlet(spool.payments, &payments), outlet(spool.events, &events)];
        Drain::new(outlets, spool.work, config.drain_rate)
    });
    let collector = Collector {
        events: Writer {
            keep: events,
            topic: kafka.topic(topic(Kind::Events)),
            encoder: encoder(&settings, &kafka).await?,
            timeout: config.produce_timeout,
            outage: Outage::new("events_topic", health.clone()),
        },
        payments: Writer {
            keep: payments,
            topic: kafka.topic(topic(Kind::Payments)),
            encoder: encoder(&settings, &kafka).await?,
            timeout: config.produce_timeout,
            outage: Outage::new("payments_topic", health.clone()),
        },
        limiter: Limiter::new(config.rate),
        budget: Budget::new(config.inflight.0),
        keys,
        books,
        config,
        geo: Arc::new(Geo::open(&visits.geoip_city)),
        visits,
    };
    let sender = sender(&collector, &settings, &kafka).await?;
    let connections = Connections::new(collector.config.connection.most);
    Ok(Built { edge: Edge { collector, health, metrics, connections }, drain, sender })
}

/// What sends the books. Not a part of readiness: no request waits for it.
async fn sender(
    collector: &Collector<Safe>,
    settings: &Settings,
    kafka: &KafkaConfig,
) -> Result<Sender<Producer>, Failure> {
    Ok(Sender {
        keep: Producer::start(kafka, &PAGES, &Health::default())?,
        books: Arc::clone(&collector.books),
        topic: kafka.topic(LedgerPage::TOPIC.name()),
        encoder: encoder(settings, kafka).await?,
        node: collector.config.node.clone(),
    })
}

/// The topic, without its prefix, that a spool of this kind is drained to.
const fn topic(kind: Kind) -> &'static str {
    match kind {
        Kind::Events => Event::TOPIC.name(),
        Kind::Payments => Payment::TOPIC.name(),
    }
}

/// How values are framed: with the registry's id for the schema, where there is a registry.
async fn encoder<R: Record>(settings: &Settings, kafka: &KafkaConfig) -> Result<Encoder<R>, Failure> {
    let id = registry::id(settings, &kafka.topic(R::TOPIC.name()), R::TOPIC.avsc()).await?;
    Ok(Encoder::framed(id))
}

/// Nobody waits for what is still queued: its callers were told no. It is given its time all the same.
async fn flush(collector: &Collector<Safe>) {
    let grace = collector.config.produce_timeout;
    for (name, producer) in [("events", &collector.events.keep), ("payments", &collector.payments.keep)] {
        if let Err(fault) = producer.keep.broker.flush(grace).await {
            tracing::warn!(producer = name, %fault, "some messages were not acknowledged");
        }
    }
}
