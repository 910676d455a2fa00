//! Messages straight into their topics, encoded as the edge encodes them: what the processors then drain.

use super::ask::failed;
use crate::{reference::raw, sample, site::Site};
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tracker_cli::Failure;
use tracker_schemas::{Decimal, Encoder, Event, Fact, JsonText, Kind, Payment, Record, Timestamp};
use tracker_stream::clock;
use uuid::Uuid;

/// What the events are like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many names they have.
    pub kinds: u64,
    /// What browsers sent them.
    pub agents: Agents,
}

/// Of which browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agents {
    /// A few hundred User-Agents, as people have them.
    Usual,
    /// Each event has one that nobody has seen before.
    Distinct,
}

/// As they usually are.
pub const USUAL: Shape = Shape { kinds: 5, agents: Agents::Usual };

/// No number is given out twice in a run: a repeated id would be dropped.
static NEXT: AtomicU64 = AtomicU64::new(1 << 32);

/// Fills the topic of raw events with so many.
///
/// # Errors
/// A broker that does not take them.
pub async fn fill(site: &Site, events: u64, shape: Shape) -> Result<(), Failure> {
    let now = Timestamp(clock::now_ms());
    produce(site, events, move |number| {
        let event = event(number, shape, now);
        (event.fact.eid, event)
    })
    .await
}

/// Fills the topic of payments with so many.
///
/// # Errors
/// As [`fill`].
pub async fn fill_payments(site: &Site, payments: u64) -> Result<(), Failure> {
    let now = Timestamp(clock::now_ms());
    produce(site, payments, move |number| {
        let payment = payment(number, now);
        (payment.id, payment)
    })
    .await
}

/// Records of new numbers, each with its key.
async fn produce<R: Record + 'static>(
    site: &Site,
    count: u64,
    record: impl Fn(u64) -> (Uuid, R) + Send + 'static,
) -> Result<(), Failure> {
    let kafka = site.kafka()?;
    let topic = kafka.topic(R::TOPIC.name());
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    raw::blocking(move || {
        let producer = producer(&kafka.brokers)?;
        send(&producer, &topic, first..first + count, record)?;
        producer.flush(Duration::from_secs(60)).map_err(failed)
    })
    .await
}

fn producer(brokers: &str) -> Result<BaseProducer, Failure> {
    let mut client = raw::client(brokers);
    client.set("compression.type", "lz4").set("partitioner", "murmur2_random");
    client.set("linger.ms", "20").set("batch.size", "1000000").create().map_err(failed)
}

fn send<R: Record>(
    producer: &BaseProducer,
    topic: &str,
    numbers: Range<u64>,
    record: impl Fn(u64) -> (Uuid, R),
) -> Result<(), Failure> {
    let encoder = Encoder::<R>::single_object();
    for number in numbers {
        let (id, record) = record(number);
        let (key, payload) = (id.hyphenated().to_string(), encoder.encode(&record));
        let trace = format!("00-{:032x}-{number:016x}-01", id.as_u128());
        let headers = OwnedHeaders::new().insert(Header { key: "traceparent", value: Some(&trace) });
        raw::put(producer, BaseRecord::to(topic).key(&key).payload(&payload).headers(headers))?;
    }
    Ok(())
}

fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair((kind << 32) | 0x4000, (1 << 63) | number)
}

/// The event of a number, as [`sample::event`] looks when an edge has stamped it.
fn event(number: u64, shape: Shape, now: Timestamp) -> Event {
    let text = |text: &str| Some(text.to_owned());
    let visitor = number % 5_000;
    let fact = Fact {
        eid: id(1, number),
        vid: Some(id(2, visitor)),
        sid: Some(id(3, (visitor << 16) | (number / 50_000 % 65_536))),
        oid: Some(id(4, 1)),
        app: text("shop"),
        rel: text("4.2.0"),
        ptyp: text("product"),
        ename: Some(format!("view-{}", number % shape.kinds.max(1))),
        etyp: text("page"),
        url: Some(format!("https://shop.example.com/shoes/trail-runner?item={}", number % 977)),
        last: text("https://shop.example.com/"),
        source: text("newsletter"),
        medium: text("email"),
        campaign: text("winter-2026"),
        culture: text("de-CH"),
        tz: text("Europe/Zurich"),
        w: Some(1920),
        h: Some(1080),
        cflags: Some(5377),
        duration: Some((1_000 + number % 9_000).cast_signed()),
        params: Some(JsonText(format!(r#"{{"position":{},"list":"related","variant":"b"}}"#, number % 24))),
        created_at: now,
        received_at: now,
        kind: Kind::Client,
        host: text("shop.example.com"),
        hhash: text("imdezq"),
        edge: text("bench").unwrap_or_default(),
        schema: 1,
        ..Fact::default()
    };
    Event {
        fact,
        ip: Some(sample::address(number)),
        opt_out: false,
        user_agent: Some(agent(number, shape.agents)),
        accept_language: text("de-CH,de;q=0.9,en;q=0.8"),
        referer: text("https://shop.example.com/"),
    }
}

fn payment(number: u64, now: Timestamp) -> Payment {
    Payment {
        id: id(5, number),
        uid: Some(id(6, number % 5_000)),
        oid: Some(id(4, 1)),
        product: Some("trail-runner".to_owned()),
        currency: "EUR".to_owned(),
        revenue: Decimal::from_units(i128::from(199_000 + number % 1_000)),
        created_at: now,
        received_at: now,
        host: Some("shop.example.com".to_owned()),
        edge: "bench".to_owned(),
        schema: 1,
        ..Payment::default()
    }
}

fn agent(number: u64, agents: Agents) -> String {
    let (major, build) = match agents {
        Agents::Usual => (120 + number % 20, number % 15),
        Agents::Distinct => (100 + number % 40, number),
    };
    format!(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{build}.0 Safari/537.36"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn an_invented_user_agent_is_never_the_same_and_a_usual_one_often() {
        let different = |agents| (0..3_000).map(|number| agent(number, agents)).collect::<HashSet<_>>().len();
        assert_eq!((different(Agents::Distinct), different(Agents::Usual)), (3_000, 60));
    }

    #[test]
    fn each_number_has_an_id_of_its_own_and_its_kind() {
        let of = |number| event(number, Shape { kinds: 2, agents: Agents::Usual }, Timestamp(0)).fact;
        assert_ne!(of(1).eid, of(2).eid);
        assert_eq!((of(1).ename, of(2).ename), (Some("view-1".to_owned()), Some("view-0".to_owned())));
    }
}
