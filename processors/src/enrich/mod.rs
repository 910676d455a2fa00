//! From what the edge took in to what data teams may have: `events` to `enriched`.
//!
//! The path of one event: [`Enrich`] decodes the message and [`step::enrich`] carries it through the verbs: [`locate`] its country
//! ([`geo`]), weigh the consent ([`privacy`]), locate it in the country, identify the device ([`agent`]), name its [`culture`] and
//! its channel ([`referrer`]), keep of the [`address`] what may be kept, and filter by consent. What comes out goes to
//! `enriched`, keyed by visitor where consent left one, else by event: one visitor is in one partition.
//!
//! A message that cannot be read goes to the dead letters as `malformed`. Nothing else stops an event here: what a
//! lookup does not know stays empty.

pub mod address;
pub mod agent;
mod config;
pub mod culture;
pub mod geo;
pub mod locate;
pub mod privacy;
pub mod referrer;
pub mod step;
#[cfg(test)]
mod tests;

pub use config::EnrichConfig;

use crate::{
    codec,
    dead::{DeadLetters, Reader},
};
use agent::Agents;
use config::Config;
use geo::Geo;
use referrer::Referrers;
use std::{sync::Arc, time::Duration};
use step::Lookups;
use tracker_schemas::{Decoder, Encoder, Enriched, Event, Timestamp, Topic};
use tracker_stream::{
    clock,
    config::{Mistakes, Settings},
    envelope::{Headers, Message, TRACEPARENT, Verdict},
    fault::Refusal,
    kafka::{Outgoing, Producer, ProducerOptions, Source, SourceOptions},
    lane::{Lane, Step},
    process::{Failure, Start},
    telemetry::{self, Health, trace},
};

/// Name of the lane, and of its consumer group behind the prefix.
const LANE: &str = "enrich";
/// Name of its producer in metrics and readiness.
const PRODUCER: &str = "enriched";
/// A batch comes in one go; without a wait its first messages would go in requests of their own.
const LINGER: Duration = Duration::from_millis(5);
/// Then the lane tries again.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The tag of a message that is no event.
pub const MALFORMED: &str = "malformed";

/// The lane's step: bytes to bytes, and [`step::enrich`] between them.
pub struct Enrich {
    /// What enriching looks things up in.
    pub lookups: Lookups,
    /// Reads events.
    pub decoder: Decoder<Event>,
    /// Writes enriched ones.
    pub encoder: Encoder<Enriched>,
    /// Where they go.
    pub topic: Arc<str>,
}

impl Step for Enrich {
    type Out = Outgoing;

    fn step(&self, message: &Message) -> Verdict<Outgoing> {
        match self.decoder.decode(&message.payload) {
            Ok(event) => Verdict::Keep(
                self.address(&step::enrich(event, &self.lookups, Timestamp(clock::now_ms())), message),
            ),
            Err(malformed) => Verdict::Refuse(Refusal::new(MALFORMED, malformed.detail)),
        }
    }
}

impl Enrich {
    /// The message that carries the event on.
    fn address(&self, event: &Enriched, read: &Message) -> Outgoing {
        let key = event.fact.vid.unwrap_or(event.fact.eid);
        let incoming = read.headers.get(TRACEPARENT).and_then(|header| std::str::from_utf8(header).ok());
        // An event is one trace: without one from the edge its id is, and a repeat belongs to the same.
        let (_, low) = event.fact.eid.as_u64_pair();
        let trace = trace::traceparent(incoming, event.fact.eid.as_u128(), low.rotate_left(32));
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: key.hyphenated().to_string().into_bytes(),
            payload: self.encoder.encode(event),
            headers: Headers::new().with(TRACEPARENT, trace),
            timestamp_ms: read.timestamp_ms,
        }
    }
}

/// Checks the settings without starting.
///
/// # Errors
/// Every mistake in them.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    Config::read(settings).map(drop)
}

/// Runs the lane until the shutdown.
///
/// # Errors
/// Mistakes in the settings, all together; a fault that waiting does not mend.
pub async fn run(start: Start) -> Result<(), Failure> {
    let Start { settings, metrics, shutdown } = start;
    let config = Config::read(&settings)?;
    let health = Health::of(&[LANE, PRODUCER]);
    telemetry::serve(config.enrich.listen, health.clone(), metrics, shutdown.clone()).await?;

    let geo = Arc::new(Geo::open(config.enrich.geoip_city.iter().chain(&config.enrich.geoip_asn)));
    for missing in geo.missing() {
        tracing::warn!(file = %missing.display(), "no GeoIP database here: what it would know stays empty");
    }
    tokio::spawn(Arc::clone(&geo).watch(config.enrich.geoip_poll, health.clone(), shutdown.clone()));

    let topic = |topic: Topic| config.kafka.topic(topic.name());
    let source = SourceOptions {
        lane: LANE,
        group: config.kafka.group(LANE),
        topic: topic(Topic::Events),
        fetch_buffer: config.enrich.fetch_buffer,
    };
    let producer = ProducerOptions {
        name: PRODUCER,
        linger: LINGER,
        timeout: TIMEOUT,
        buffer: config.enrich.producer_buffer(),
    };
    let lane = Lane {
        name: LANE,
        source: Source::start(&config.kafka, source, &health)?,
        sink: Producer::start(&config.kafka, &producer, &health)?,
        dead: DeadLetters::start(&settings, Reader { process: LANE, lane: LANE }, &health).await?,
        limits: config.enrich.limits(),
        grace: config.enrich.grace,
        step: Enrich {
            topic: topic(Topic::Enriched),
            decoder: codec::decoder(&settings).await?,
            encoder: codec::encoder(&settings).await?,
            lookups: Lookups {
                geo,
                agents: Agents::new(config.enrich.agent_cache),
                referrers: Referrers::new(),
                privacy: config.privacy,
                address_hash: config.address_hash,
                addresses: config.addresses,
            },
        },
        health,
    };
    Ok(lane.run(shutdown).await?)
}
