//! The ways to the broker: a producer, what keeps while it is away, and what counts both.

use crate::{
    admit::accounts::Accounts,
    config::{EdgeConfig, RedirectConfig},
    keep::{Fallback, Way, Writer},
    ledger::{Booked, Books, Of},
    links::{self, Links, Redirects, UnderWay, follow::Reading},
    outage::Outage,
    spool::{Lane, Outlet},
};
use std::{sync::Arc, time::Duration};
use tracker_schemas::{Decoder, Encoder, Record, Redirect, Topic};
use tracker_stream::{
    config::{Settings, Size},
    fault::Fault,
    kafka::{Follower, KafkaConfig, Producer, ProducerOptions},
    process::Failure,
    registry,
    telemetry::Health,
};

/// The broker, and the spool for when it is away; both in the books.
pub(super) type Safe = Booked<Fallback<Producer>>;

/// The client of events that come alone: its name in metrics and logs.
const PROMPT: &str = "events_prompt";

/// What every way is made from.
pub(super) struct Ways<'a> {
    pub(super) config: &'a EdgeConfig,
    pub(super) kafka: &'a KafkaConfig,
    pub(super) settings: &'a Settings,
    pub(super) books: &'a Arc<Books>,
}

impl Ways<'_> {
    /// What the broker has not acknowledged by then is not sent any more: the client is about to be told no.
    fn timeout(&self) -> Duration {
        self.config.produce_timeout * 3 / 4
    }

    /// A producer, which is a part of `health`. One that lingers does so only for company.
    pub(super) fn producer(
        &self,
        name: &'static str,
        (linger, buffer): (Duration, Size),
        health: &Health,
    ) -> Result<Producer, Failure> {
        let options = ProducerOptions { name, linger, timeout: self.timeout(), buffer };
        let started = if linger.is_zero() {
            Producer::start(self.kafka, &options, health)
        } else {
            Producer::start_prompt(self.kafka, &options, PROMPT, health)
        };
        Ok(started?)
    }

    /// The way to a topic by `broker`, or into `lane`.
    pub(super) fn safe(&self, broker: Producer, topic: Topic, lane: Option<&Lane>) -> Safe {
        let patience = self.config.spool.as_ref().map_or_else(|| self.timeout(), |spool| spool.after);
        let way = Arc::new(Way::new(topic.name()));
        let keep = Fallback { broker, way, lane: lane.cloned(), patience };
        Booked { keep, books: Arc::clone(self.books), topic: topic.name(), of: Of::Requests }
    }

    /// What writes records on that way.
    pub(super) async fn writer<R: Record>(
        &self,
        keep: Safe,
        outage: Outage,
    ) -> Result<Writer<Safe, R>, Failure> {
        Ok(Writer {
            keep,
            topic: self.kafka.topic(R::TOPIC.name()),
            encoder: encoder(self.settings, self.kafka).await?,
            timeout: self.config.produce_timeout,
            outage,
        })
    }
}

impl Ways<'_> {
    /// What sends visitors on, and where its links are read. A change of a link is not spooled: who makes it is told, and
    /// makes it again.
    pub(super) async fn redirects(
        &self,
        config: RedirectConfig,
        broker: Producer,
    ) -> Result<(Redirects<Safe>, Reading), Failure> {
        let topic = self.kafka.topic(Topic::Redirects.name());
        let follower = Follower::new(self.kafka, &topic);
        let writer = links::Writer {
            keep: self.safe(broker, Topic::Redirects, None),
            topic,
            encoder: encoder(self.settings, self.kafka).await?,
            timeout: self.config.produce_timeout,
        };
        let reading = Reading { follower, decoder: decoder(self.settings, self.kafka).await? };
        let (links, under_way) = (Arc::new(Links::default()), UnderWay::default());
        Ok((Redirects { config, links, writer, under_way, accounts: Accounts::default() }, reading))
    }
}

/// Reads values in either framing, and by every schema that the registry knows for them.
async fn decoder(settings: &Settings, kafka: &KafkaConfig) -> Result<Decoder<Redirect>, Failure> {
    let mut decoder = Decoder::new();
    for known in registry::versions(settings, &kafka.topic(Topic::Redirects.name())).await? {
        let registered = decoder.register(known.id, &known.schema);
        registered.map_err(|malformed| Fault::new("schema_registry", malformed.to_string()))?;
    }
    Ok(decoder)
}

/// What drains `lane` by the producer of its way.
pub(super) fn outlet(lane: Lane, safe: &Safe) -> Outlet<Booked<Producer>> {
    let Booked { keep, books, topic, .. } = safe;
    let drained = Booked { keep: keep.broker.clone(), books: Arc::clone(books), topic, of: Of::Spool };
    Outlet::new(lane, drained, Arc::clone(&keep.way))
}

/// How values are framed: with the registry's id for the schema, where there is a registry.
pub(super) async fn encoder<R: Record>(
    settings: &Settings,
    kafka: &KafkaConfig,
) -> Result<Encoder<R>, Failure> {
    let id = registry::id(settings, &kafka.topic(R::TOPIC.name()), R::TOPIC.avsc()).await?;
    Ok(Encoder::framed(id))
}
