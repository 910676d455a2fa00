//! The life of the edge: build, serve, drain, flush.

mod listeners;
mod micro;
mod serving;
mod ways;

pub use listeners::Listeners;

use crate::{
    admit::{Keys, Rates},
    budget::Budget,
    collect::Collector,
    config::{EdgeConfig, MicroConfig, RedirectConfig, VisitConfig},
    http::{Connections, Edge, Tls, Upkeep},
    ledger::{Booked, Books, Sender},
    links::follow::Reading,
    loader::Loader,
    outage::Outage,
    spool::{Drain, Kind, Lane, Spool},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serving::{Rendered, Serving};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracker_geo::Geo;
use tracker_schemas::{LedgerPage, Record, Topic};
use tracker_stream::{
    config::{Mistakes, Settings, Size},
    kafka::{KafkaConfig, Producer, ProducerOptions},
    process::Failure,
    registry,
    telemetry::Health,
};
use ways::{Safe, Ways, encoder, outlet};

/// What the settings mean, before anything is started.
pub struct Setup {
    front: Front,
    behind: Means,
    tls: Option<(Tls, Upkeep)>,
}

/// What every edge is told, whatever stands behind it.
struct Front {
    config: EdgeConfig,
    visits: VisitConfig,
    redirects: RedirectConfig,
    keys: Keys,
    settings: Settings,
}

/// What stands behind an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// A broker.
    Broker,
    /// Nothing but this process's memory, which everybody may look into: for who tests the tracking code of a site.
    Memory,
}

/// What the settings say of that.
enum Means {
    Broker(KafkaConfig),
    Memory(MicroConfig),
}

impl Means {
    fn read(settings: &Settings, behind: Behind) -> Result<Self, Mistakes> {
        if behind == Behind::Memory {
            return MicroConfig::read(settings).map(Self::Memory);
        }
        let mut mistakes = Mistakes::default();
        let kafka = mistakes.collect(settings.kafka());
        mistakes.collect(registry::configured(settings));
        match kafka {
            Some(kafka) => mistakes.or(Self::Broker(kafka)),
            None => Err(mistakes),
        }
    }
}

impl Setup {
    /// Reads them.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings, behind: Behind) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let config = mistakes.collect(EdgeConfig::read(settings));
        let visits = mistakes.collect(VisitConfig::read(settings));
        let redirects = mistakes.collect(RedirectConfig::read(settings));
        let means = mistakes.collect(Means::read(settings, behind));
        let load = if behind == Behind::Memory { Keys::load_if_there } else { Keys::load };
        let keys = config.as_ref().and_then(|config| mistakes.collect(load(&config.keys)));
        let tls = config
            .as_ref()
            .and_then(|config| mistakes.collect(config.tls.as_ref().map(Tls::load).transpose()));
        match (config, visits, redirects, means, keys, tls) {
            (Some(config), Some(visits), Some(redirects), Some(behind), Some(keys), Some(tls)) => {
                let front = Front { config, visits, redirects, keys, settings: settings.clone() };
                mistakes.or(Self { front, behind, tls })
            }
            _ => Err(mistakes),
        }
    }

    /// Sections `[edge]`, `[privacy]`, `[keys]`.
    #[must_use]
    pub const fn config(&self) -> &EdgeConfig {
        &self.front.config
    }
}

/// The events' producer waits this long for company, where there may be some; payments wait for none.
const LINGER: Duration = Duration::from_millis(5);

/// Serves until `shutdown`, then ends within the grace period.
///
/// # Errors
/// When it cannot start.
pub async fn run(
    setup: Setup,
    listeners: Listeners,
    metrics: PrometheusHandle,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let Setup { front, behind, tls } = setup;
    let serving = Serving { listeners, tls, metrics, shutdown };
    match behind {
        Means::Broker(kafka) => before_a_broker(front, kafka, serving).await,
        Means::Memory(most) => micro::run(front, most, serving).await,
    }
}

async fn before_a_broker(front: Front, kafka: KafkaConfig, serving: Serving) -> Result<(), Failure> {
    let Built { edge, drain, reading, sender } = build(front, kafka, serving.rendered()).await?;
    let (edge, shutdown) = (Arc::new(edge), serving.shutdown.clone());
    let closing = CancellationToken::new();
    let writing = tokio::spawn(sender.run(closing.clone()));
    let draining = drain.map(|drain| tokio::spawn(drain.run(shutdown.clone())));
    let (links, health) = (Arc::clone(&edge.redirects.links), edge.health.clone());
    links.wait(&health);
    tokio::spawn(async move { links.follow(reading, health, shutdown).await });
    serving.serve(&edge).await;
    if let Some(draining) = draining {
        // It ends with what it was sending; if it has died instead, the spool is there at the next start.
        let _died = draining.await;
    }
    flush(&edge.collector).await;
    closing.cancel();
    let _died = writing.await; // the books are never a reason to fail
    Ok(())
}

/// What an edge is made of.
struct Built {
    edge: Edge<Safe>,
    drain: Option<Drain<Booked<Producer>>>,
    reading: Reading,
    sender: Sender<Producer>,
}

/// Pages are small, and few; one that the broker does not take now is sent again in a second.
const PAGES: ProducerOptions = ProducerOptions {
    name: LedgerPage::TOPIC.name(),
    linger: Duration::ZERO,
    timeout: Duration::from_secs(5),
    buffer: Size(8 << 20),
};

/// The producer of consents and erasures, of which there are few.
const RIGHTS: &str = "rights";
const RIGHTS_BUFFER: Size = Size(8 << 20);

async fn build(front: Front, kafka: KafkaConfig, metrics: Rendered) -> Result<Built, Failure> {
    let Front { config, visits, redirects, keys, settings } = front;
    let geo = Geo::opening(&visits.geoip_city);
    let (health, books) = (Health::default(), Arc::new(Books::default()));
    let spool = match &config.spool {
        Some(spool) => Some(Spool::open(spool, |kind| kafka.topic(topic(kind).name()))?),
        None => None,
    };
    let ways = Ways { config: &config, kafka: &kafka, settings: &settings, books: &books };
    let safe = |kind: Kind, linger, lane: Option<&Lane>| -> Result<Safe, Failure> {
        let producer = ways.producer(kind.name(), (linger, config.produce_buffer), &health)?;
        Ok(ways.safe(producer, topic(kind), lane))
    };
    let events = safe(Kind::Events, LINGER, spool.as_ref().map(|spool| &spool.events))?;
    let payments = safe(Kind::Payments, Duration::ZERO, spool.as_ref().map(|spool| &spool.payments))?;
    // No part of readiness: an edge that cannot keep these just now can keep events.
    let apart = Health::default();
    let rights = ways.producer(RIGHTS, (Duration::ZERO, RIGHTS_BUFFER), &apart)?;
    let lane = spool.as_ref().map(|spool| &spool.agreements);
    let agreements = ways.safe(rights.clone(), Topic::Agreements, lane);
    // Not spooled: who asks is a server, and asks again.
    let erasures = ways.safe(rights.clone(), Topic::Erasures, None);
    let (redirects, reading) = ways.redirects(redirects, rights).await?;
    let drain = spool.zip(config.spool.as_ref()).map(|(spool, config)| {
        let outlets = vec![
            outlet(spool.payments, &payments),
            outlet(spool.agreements, &agreements),
            outlet(spool.events, &events),
        ];
        Drain::new(outlets, spool.work, config.drain_rate)
    });
    let collector = Collector {
        events: ways.writer(events, Outage::new("events_topic", health.clone())).await?,
        payments: ways.writer(payments, Outage::new("payments_topic", health.clone())).await?,
        agreements: ways.writer(agreements, Outage::new("agreements_topic", apart.clone())).await?,
        erasures: ways.writer(erasures, Outage::new("erasures_topic", apart)).await?,
        rates: Rates::new(&config.rates),
        budget: Budget::new(config.inflight),
        keys,
        books,
        micro: None,
        config,
        geo,
        visits,
    };
    let sender = sender(&collector, &settings, &kafka).await?;
    let connections = Connections::new(collector.config.connection.most);
    let sockets = Connections::new(collector.config.socket.most);
    let loader = Loader::at(collector.config.load_url.clone())?;
    let edge = Edge { collector, redirects, health, loader, metrics, connections, sockets };
    Ok(Built { edge, drain, reading, sender })
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

/// The topic that a spool of this kind is drained to.
const fn topic(kind: Kind) -> Topic {
    match kind {
        Kind::Events => Topic::Events,
        Kind::Payments => Topic::Payments,
        Kind::Agreements => Topic::Agreements,
    }
}

/// Nobody waits for what is still queued: its callers were told no. It is given its time all the same.
async fn flush(collector: &Collector<Safe>) {
    let grace = collector.config.produce_timeout;
    let Collector { events, payments, agreements, .. } = collector;
    // Erasures go by the producer of consents.
    let producers = [("events", &events.keep), ("payments", &payments.keep), (RIGHTS, &agreements.keep)];
    for (name, producer) in producers {
        if let Err(fault) = producer.keep.broker.flush(grace).await {
            tracing::warn!(producer = name, %fault, "some messages were not acknowledged");
        }
    }
}
