//! Where the topics have what was lost or doubled: the first question of whoever looks for the cause.

use super::{Compared, Judgement};
use crate::{Failure, chaos::lab::Lab};
use std::collections::BTreeMap;
use tracker_schemas::{Decoder, Enriched, Event, Payment, Record, Topic};
use tracker_stream::kafka::{From, Reader, Reading};
use uuid::Uuid;

/// Ids looked for, at most.
const LOOKED_FOR: usize = 8;

/// Adds to what is shown where each id is.
pub(super) async fn gather(lab: &Lab, judgement: &mut Judgement) {
    let events = ids(&judgement.events);
    let payments = ids(&judgement.payments);
    if !events.is_empty() {
        add::<Event>(lab, Topic::Events, &events, &mut judgement.events, |event| event.fact.eid).await;
        add::<Enriched>(lab, Topic::Enriched, &events, &mut judgement.events, |event| event.fact.eid).await;
    }
    if !payments.is_empty() {
        add::<Payment>(lab, Topic::Payments, &payments, &mut judgement.payments, |payment| payment.id).await;
    }
}

fn ids(compared: &Compared) -> Vec<Uuid> {
    let first = |line: &String| line.split(' ').next().and_then(|word| word.parse().ok());
    compared.shown.iter().filter_map(first).take(LOOKED_FOR).collect()
}

async fn add<R: Record>(
    lab: &Lab,
    topic: Topic,
    ids: &[Uuid],
    compared: &mut Compared,
    id: impl Fn(&R) -> Uuid,
) {
    match places(lab, topic, ids, id).await {
        Ok(places) => {
            let lines = ids.iter().map(|id| {
                let at = places.get(id).map_or("nowhere".to_owned(), |places| places.join(", "));
                format!("{id} in {topic} at {at}", topic = topic.name())
            });
            compared.shown.extend(lines);
        }
        Err(failure) => compared.shown.push(format!("{} could not be read: {failure}", topic.name())),
    }
}

/// `partition:offset` of every message of these ids.
async fn places<R: Record>(
    lab: &Lab,
    topic: Topic,
    ids: &[Uuid],
    id: impl Fn(&R) -> Uuid,
) -> Result<BTreeMap<Uuid, Vec<String>>, Failure> {
    let kafka = lab.settings.kafka()?;
    let mut reader = Reader::open(&kafka, &kafka.topic(topic.name()), From::Beginning).await?;
    let decoder = Decoder::<R>::new();
    let mut places: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    while let Reading::Message(message) = reader.next().await? {
        let Ok(record) = decoder.decode(&message.payload) else { continue };
        let id = id(&record);
        if ids.contains(&id) {
            places.entry(id).or_default().push(format!("{}:{}", message.partition, message.offset));
        }
    }
    Ok(places)
}
