//! From what the edge took in to what data teams may have: `events` to `enriched`.
//!
//! The path of one event: [`Enrich`] decodes the message and [`step::enrich`] carries it through the verbs: [`locate`] its country
//! ([`tracker_geo`]), weigh the consent ([`privacy`]), locate it in the country, identify the device ([`agent`]), name its [`culture`] and
//! its channel ([`referrer`]), keep of the [`address`] what may be kept, and filter by consent. What comes out goes to
//! `enriched`, keyed by visitor where consent left one, else by event: one visitor is in one partition, as long as it is not
//! [`hot`]. An event of a message thread goes to `messages` as well, keyed by thread.
//!
//! A message that cannot be read goes to the dead letters as `malformed`; one whose event was there before is dropped as
//! `duplicate`. Nothing else stops an event here: what a lookup does not know stays empty.
//!
//! All that a batch becomes, its page of the ledger and its offsets are one Kafka transaction
//! ([`tracker_stream::transact`]): nothing is lost and nothing is there twice, whoever dies. The transactional id names this
//! process by node and port, so that its next start takes back at once what a killed one left open.

pub mod address;
pub mod agent;
mod config;
pub mod culture;
#[cfg(test)]
mod hostile;
// Named twice: clippy lets tests unwrap only where `cfg(test)` stands alone.
#[cfg(all(fuzzing, not(test)))]
pub mod hostile;
pub mod hot;
pub mod locate;
pub mod places;
pub mod privacy;
pub mod referrer;
pub mod step;
#[cfg(test)]
mod tests;

pub use config::EnrichConfig;

use crate::{
    codec,
    dead::{Letters, Reader},
    groups,
    ledger::Pages,
    metrics,
};
use agent::Agents;
use config::Config;
use hot::{Heat, Hot};
use places::Places;
use referrer::Referrers;
use std::sync::Arc;
use step::Lookups;
use tokio::task::{JoinError, spawn_blocking};
use tracker_geo::Geo;
use tracker_schemas::{Decoder, Encoder, Enriched, Event, Timestamp, Topic};
use tracker_stream::{
    books::Page,
    clock,
    config::{Mistakes, Settings, Size},
    envelope::{Headers, Message, ORIGIN, TRACEPARENT, Verdict},
    fault::{Fault, Refusal},
    kafka::{KafkaLog, Outgoing, SourceOptions, TransactorOptions},
    lane::Step,
    process::{Failure, Start},
    telemetry::{self, Health, trace},
    transact::{Scribe, TransactLane},
};

/// Name of the lane, and of its consumer group behind the prefix.
pub const LANE: &str = "enrich";
/// Name of its producer in metrics and readiness.
const PRODUCER: &str = "enriched";
/// Name of the header of an event whose visitor is spread over partitions: its key is the visitor's id and a number.
pub const HOT: &str = "hot";
/// Bytes that enriching adds to an event, at most as a rule.
const ADDED: usize = 256;
/// Of what comes one by one each edge's request would be a fetch of its own. What waits for others waits up to 50 ms at the
/// broker, before a transaction gathers for `batch_time`.
const FETCH_LEAST: Size = Size(256 << 10);
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
    pub enriched: Arc<str>,
    /// Where those of a thread go as well.
    pub messages: Arc<str>,
    /// Which visitors are spread.
    pub hot: Hot,
}

impl Step for Enrich {
    type Out = Vec<Outgoing>;

    fn step(&self, message: &Message) -> Verdict<Vec<Outgoing>> {
        match self.decoder.decode(&message.payload) {
            Ok(event) => Verdict::Keep(
                self.address(&step::enrich(event, &self.lookups, Timestamp(clock::now_ms())), message),
            ),
            Err(malformed) => Verdict::Refuse(Refusal::new(MALFORMED, malformed.detail)),
        }
    }
}

impl Enrich {
    /// The messages that carry the event on.
    fn address(&self, event: &Enriched, read: &Message) -> Vec<Outgoing> {
        let incoming = read.headers.get(TRACEPARENT).and_then(|header| std::str::from_utf8(header).ok());
        // An event is one trace: without one from the edge its id is, and a repeat belongs to the same.
        let (_, low) = event.fact.eid.as_u64_pair();
        let trace = trace::traceparent(incoming, event.fact.eid.as_u128(), low.rotate_left(32));
        let mut payload = Vec::with_capacity(read.payload.len() + ADDED);
        self.encoder.encode_into(event, &mut payload);
        let mut enriched = Outgoing {
            topic: Arc::clone(&self.enriched),
            key: Vec::new(),
            payload,
            headers: Headers::new()
                .with(TRACEPARENT, trace)
                .with(ORIGIN, format!("{}:{}", read.partition, read.offset)),
            timestamp_ms: read.timestamp_ms,
        };
        let message = event.fact.tid.map(|thread| Outgoing {
            topic: Arc::clone(&self.messages),
            key: thread.hyphenated().to_string().into_bytes(),
            ..enriched.clone()
        });
        self.key(&mut enriched, event);
        std::iter::once(enriched).chain(message).collect()
    }

    /// By visitor, where there is one; one that is hot, by several keys and with a header that says so.
    fn key(&self, enriched: &mut Outgoing, event: &Enriched) {
        let heat = event.fact.vid.map_or(Heat::Calm, |visitor| self.hot.note(visitor, enriched.timestamp_ms));
        if let Heat::Hot(turn) = heat {
            metrics::hot_event(turn == 0);
            enriched.headers = std::mem::take(&mut enriched.headers).with(HOT, "1");
        }
        enriched.key = heat.key(event.fact.vid.unwrap_or(event.fact.eid)).into_bytes();
    }
}

/// Writes dead letters and pages of the ledger.
struct Clerk {
    letters: Letters,
    pages: Pages,
}

impl Scribe for Clerk {
    fn letter(&self, message: &Message, refusal: &Refusal) -> Outgoing {
        self.letters.outgoing(message, refusal, Timestamp(clock::now_ms()))
    }

    fn page(&self, page: &Page) -> Outgoing {
        self.pages.outgoing(page, Timestamp(clock::now_ms()))
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
    let Start { settings, metrics, shutdown, .. } = start;
    let config = Config::read(&settings)?;
    let health = Health::of(&[LANE, PRODUCER]);
    groups::watch(&settings, &shutdown)?;
    telemetry::serve(config.enrich.listen, health.clone(), metrics, shutdown.clone()).await?;

    let geo = Geo::opening(config.enrich.geoip_city.iter().chain(&config.enrich.geoip_asn));
    tokio::spawn(Arc::clone(&geo).watch(config.enrich.geoip_poll, health.clone(), shutdown.clone()));

    let topic = |topic: Topic| config.kafka.topic(topic.name());
    let log = KafkaLog {
        source: SourceOptions {
            lane: LANE,
            group: config.kafka.group(LANE),
            topic: topic(Topic::Events),
            fetch_buffer: config.enrich.fetch_buffer,
            fetch_least: FETCH_LEAST,
        },
        transactor: TransactorOptions {
            name: PRODUCER,
            id: config.transactional_id(),
            timeout: config.enrich.transaction_timeout,
            buffer: config.enrich.producer_buffer(),
        },
        health: health.clone(),
        config: config.kafka.clone(),
    };
    let (enriched, messages) = (topic(Topic::Enriched), topic(Topic::Messages));
    let (decoder, encoder) = (codec::decoder(&settings).await?, codec::encoder(&settings).await?);
    let lane = TransactLane {
        name: LANE,
        log,
        scribe: Clerk {
            letters: Letters::of(&settings, Reader { process: LANE, lane: LANE }).await?,
            pages: Pages::of(&settings, LANE).await?,
        },
        limits: config.enrich.limits(),
        window: config.enrich.duplicate_window,
        grace: config.enrich.grace,
        step: async {
            let hot = Hot::new(config.enrich.hot_visitor_rate);
            let lookups = lookups(config, geo).await?;
            Ok(Enrich { lookups, decoder, encoder, enriched, messages, hot })
        },
        health,
    };
    Ok(lane.run(shutdown).await?)
}

/// Reads what enriching looks things up in, each on a thread that may wait.
async fn lookups(config: Config, geo: Arc<Geo>) -> Result<Lookups, Fault> {
    let remembered = config.enrich.agent_cache;
    let agents = spawn_blocking(move || Agents::new(remembered));
    let referrers = spawn_blocking(Referrers::new);
    let (agents, referrers, ()) = tokio::join!(agents, referrers, geo.opened());
    for missing in geo.missing() {
        tracing::warn!(file = %missing.display(), "no GeoIP database here: what it would know stays empty");
    }
    let died = |error: JoinError| Fault::new("lookups", error.to_string());
    Ok(Lookups {
        places: Places::new(geo),
        agents: agents.map_err(died)?,
        referrers: referrers.map_err(died)?,
        privacy: config.privacy,
        address_hash: config.address_hash,
        addresses: config.addresses,
    })
}
