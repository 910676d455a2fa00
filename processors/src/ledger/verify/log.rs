//! What the log holds.

use super::{Flaw, LANES, Unread, ask::Position};
use std::collections::BTreeSet;
use tracker_stream::{
    books::minute,
    fault::Fault,
    kafka::{KafkaConfig, Offsets, Reader, Reading, offsets_at},
};

/// Messages of one lane that are looked at, at most; more, and nobody knows of which minutes they are.
const LOOKED_AT: u64 = 10_000;
/// The fault of offsets that the topic does not keep any more.
const GONE: &str = "offset_gone";

/// For each lane that is behind, the messages that no page accounts for.
pub(super) async fn unread(kafka: &KafkaConfig, positions: &[Position]) -> Result<Vec<Unread>, Fault> {
    let mut behind = Vec::new();
    for (lane, topic) in LANES {
        let mut unread = Unread {
            lane: lane.to_owned(),
            topic: topic.to_owned(),
            messages: 0,
            more: false,
            minutes: BTreeSet::new(),
        };
        // The first message that is still there; a partition without one has nothing to read.
        for (partition, first) in offsets_at(kafka, &kafka.topic(topic), 0).await? {
            let Some(first) = first else { continue };
            let known = positions.iter().find(|one| one.lane == lane && one.partition == partition);
            let next = known.map_or(first, |position| first.max(position.last + 1));
            let from = |first| Offsets { partition, first, end: i64::MAX };
            match look(kafka, topic, from(next), &mut unread).await {
                // The topic was made anew: its offsets have not come as far as the pages of the old one.
                Err(fault) if fault.tag == GONE => look(kafka, topic, from(first), &mut unread).await?,
                looked => looked?,
            }
        }
        if unread.messages > 0 {
            behind.push(unread);
        }
    }
    Ok(behind)
}

async fn look(kafka: &KafkaConfig, topic: &str, offsets: Offsets, unread: &mut Unread) -> Result<(), Fault> {
    let mut reader = Reader::range(kafka, &kafka.topic(topic), offsets)?;
    while let Reading::Message(message) = reader.next().await? {
        if unread.messages >= LOOKED_AT {
            unread.more = true;
            break;
        }
        unread.messages += 1;
        unread.minutes.insert(minute(message.timestamp_ms));
    }
    Ok(())
}

/// How many messages the log holds at the offsets of a flaw; `None` where it does not keep them any more, or they are too
/// many to look at.
pub(super) async fn messages(kafka: &KafkaConfig, flaw: &Flaw) -> Result<Option<u64>, Fault> {
    if flaw.offsets() > LOOKED_AT {
        return Ok(None);
    }
    let offsets = Offsets { partition: flaw.partition, first: flaw.first, end: flaw.last + 1 };
    let mut reader = Reader::range(kafka, &kafka.topic(&flaw.topic), offsets)?;
    let mut found = 0;
    loop {
        match reader.next().await {
            Ok(Reading::Message(_)) => found += 1,
            Ok(Reading::CaughtUp) => return Ok(Some(found)),
            Err(fault) if fault.tag == GONE => return Ok(None),
            Err(fault) => return Err(fault),
        }
    }
}
