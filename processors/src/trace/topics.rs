//! What the topics and the groups know of an id: reads a stretch of a partition from a time on.

use super::{
    Tracer,
    found::{Copy, Fate, Findings, Reached, Searched},
};
use crate::{enrich, load, payments, rows};
use tokio::time::Instant;
use tracker_schemas::{Timestamp, Topic};
use tracker_stream::{
    envelope::{Message, ORIGIN, REDRIVE},
    fault::Fault,
    kafka::{Offsets, Reader, Reading, offsets_at, partition_of},
};
use uuid::Uuid;

/// One look for one id.
pub(super) struct Search<'a> {
    pub(super) tracer: &'a Tracer,
    pub(super) id: Uuid,
    pub(super) since: Timestamp,
    /// When to stop reading.
    pub(super) until: Instant,
}

/// Which partitions may hold a message.
enum Partitions {
    /// That of the key, the id.
    OfKey,
    /// Any: the key is another.
    All,
}

impl Search<'_> {
    /// Adds what the topics say.
    pub(super) async fn topics(&self, findings: &mut Findings) -> Result<(), Fault> {
        for (topic, group) in [(Topic::Events, enrich::LANE), (Topic::Payments, payments::PAYMENTS)] {
            self.topic(topic, group, Partitions::OfKey, findings).await?;
        }
        let is_payment = findings.copies.iter().any(|copy| copy.topic == Topic::Payments.name());
        // A row says where its message stood: only what has none is looked for among all the others.
        if findings.stored.is_empty() && !is_payment {
            self.topic(Topic::Enriched, load::EVENTS, Partitions::All, findings).await?;
        }
        Ok(())
    }

    async fn topic(
        &self,
        topic: Topic,
        group: &str,
        partitions: Partitions,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        let Tracer { kafka, admin, .. } = self.tracer;
        let (name, group) = (kafka.topic(topic.name()), kafka.group(group));
        let ends = admin.ends(&name).await?;
        let key = self.id.to_string();
        let home = partition_of(key.as_bytes(), i32::try_from(ends.len()).unwrap_or(i32::MAX));
        let starts = offsets_at(kafka, &name, self.since.0).await?;
        for (partition, low, high) in ends {
            if matches!(partitions, Partitions::OfKey) && partition != home {
                continue;
            }
            let start =
                starts.iter().find(|(number, _)| *number == partition).and_then(|(_, offset)| *offset);
            let Some(first) = start.map(|first| first.max(low)) else { continue };
            let offsets = Offsets { partition, first, end: high };
            let mut messages = Vec::new();
            let next = self.read(&name, offsets, &mut messages).await?;
            findings.copies.extend(messages.iter().map(|message| self.copy(topic, message)));
            let whole = next >= high;
            findings.searched.push(Searched { topic: topic.name(), partition, first, next, whole });
        }
        let next = admin.committed(&group, &name).await?;
        findings.reached.push(Reached { topic: topic.name(), group, next });
        Ok(())
    }

    /// Reads until the end, or until there is no more time, and keeps what holds the id. Gives the offset after the last.
    async fn read(&self, topic: &str, offsets: Offsets, found: &mut Vec<Message>) -> Result<i64, Fault> {
        let id = self.id.to_string();
        let mut reader = Reader::range(&self.tracer.kafka, topic, offsets)?;
        let mut next = offsets.first;
        loop {
            match tokio::time::timeout_at(self.until, reader.next()).await {
                Err(_) => return Ok(next),
                Ok(reading) => match reading? {
                    Reading::CaughtUp => return Ok(offsets.end),
                    Reading::Message(message) => {
                        next = message.offset + 1;
                        if holds(&message, id.as_bytes()) {
                            found.push(message);
                        }
                    }
                },
            }
        }
    }

    fn copy(&self, topic: Topic, message: &Message) -> Copy {
        let (edge, oid) = self.sender(topic, &message.payload).unzip();
        let header = |name| message.headers.get(name);
        Copy {
            topic: topic.name(),
            partition: message.partition,
            offset: message.offset,
            received_at: Timestamp(message.timestamp_ms),
            edge,
            oid: oid.flatten(),
            redrive: header(REDRIVE).map(|letter| String::from_utf8_lossy(letter).into_owned()),
            made_of: header(ORIGIN).and_then(rows::position),
            fate: Fate::Gone,
        }
    }

    /// Edge and tenant, if the message can be decoded.
    fn sender(&self, topic: Topic, payload: &[u8]) -> Option<(String, Option<Uuid>)> {
        let decoders = &self.tracer.decoders;
        match topic {
            Topic::Events => {
                decoders.events.decode(payload).ok().map(|event| (event.fact.edge, event.fact.oid))
            }
            Topic::Enriched => {
                decoders.enriched.decode(payload).ok().map(|event| (event.fact.edge, event.fact.oid))
            }
            Topic::Payments => {
                decoders.payments.decode(payload).ok().map(|payment| (payment.edge, payment.oid))
            }
            _ => None,
        }
    }
}

/// Whether a message has the id as its key, or says it first thing in its value: a record begins with its id, behind at
/// most [`FRAME`] bytes. One that only mentions the id is another message.
fn holds(message: &Message, id: &[u8]) -> bool {
    let beginning = message.payload.get(..FRAME + id.len()).unwrap_or(&message.payload);
    message.key.as_deref() == Some(id) || beginning.windows(id.len()).any(|part| part == id)
}

/// Framing and the length of the id: 10 or 5 bytes, and 1.
const FRAME: usize = 11;
