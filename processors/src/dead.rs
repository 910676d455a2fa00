//! Where refused messages go: the topic `dead_letters`, with their original bytes.
//!
//! A message is refused again when its partition is read again. Its dead letter has the same id then, so it is the same
//! dead letter. The message's time is part of the id: offsets start over when a topic is made anew. Nothing is ever
//! skipped: a lane that cannot bury waits.
//!
//! What becomes of a dead letter that is refused itself, by the lane that loads them? It is buried once more, as the
//! payload of a fresh dead letter, which decodes whatever the first one was. Only if ClickHouse refuses that one too would
//! it go round for ever, growing each time: then burying fails with `dead_letter_twice`, and the lane waits for a person
//! to mend the table and to restart it.
//!
//! No producer of Tracker's sends a message that its dead letter could not hold. One of somebody else's, that is larger,
//! is cut: the letter says so, and the lane goes on.

pub mod letters;

use crate::codec;
use std::{sync::Arc, time::Duration};
use tracker_schemas::{Bytes, DeadLetter, Decoder, Encoder, Timestamp, Topic, schema_named};
use tracker_stream::{
    clock,
    config::{Settings, Size},
    envelope::{Headers, Message, TRACEPARENT},
    fault::{Fault, Refusal},
    kafka::{MESSAGE_BYTES, Outgoing, Producer, ProducerOptions},
    lane::Bury,
    process::Failure,
    telemetry::Health,
};
use uuid::Uuid;

/// Name of the producer in metrics, logs and readiness.
pub const PRODUCER: &str = "dead_letters";

/// Dead letters are few, and the lane waits for each.
const LINGER: Duration = Duration::ZERO;
/// Below the lane's own patience: it tries again.
const TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER: Size = Size(32 << 20);

/// What is kept of a message that no dead letter can hold whole: of its payload, and of its key. More than an event has.
const CUT_PAYLOAD: usize = 900 << 10;
const CUT_KEY: usize = 1 << 10;
/// Largest letter: with its own key and trace it is a message within the bound.
const LARGEST: usize = MESSAGE_BYTES - (1 << 10);
/// How the detail of such a letter ends.
const CUT_HERE: &str = " bytes and is cut here";
/// Longest trace context: W3C's has 55 letters, and whatever is longer is none.
const LONGEST_TRACE: usize = 64;

/// Who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The process, as the dead letter's `origin` and key: `enrich`, `load`, `payments`.
    pub process: &'static str,
    /// The lane. Two lanes of one process may refuse the same message, each for its own reason.
    pub lane: &'static str,
}

/// How the dead letters of one lane are written. Pure.
#[derive(Clone)]
pub struct Letters {
    reader: Reader,
    encoder: Arc<Encoder<DeadLetter>>,
    topic: Arc<str>,
}

/// The dead letters of one lane, by a producer of their own.
#[derive(Clone)]
pub struct DeadLetters {
    letters: Letters,
    decoder: Arc<Decoder<DeadLetter>>,
    producer: Producer,
}

impl DeadLetters {
    /// Starts the producer, with the part [`PRODUCER`] of `health`.
    ///
    /// # Errors
    /// Settings that librdkafka does not take, or a registry that does not answer.
    pub async fn start(settings: &Settings, reader: Reader, health: &Health) -> Result<Self, Failure> {
        let options = ProducerOptions { name: PRODUCER, linger: LINGER, timeout: TIMEOUT, buffer: BUFFER };
        Ok(Self {
            letters: Letters::of(settings, reader).await?,
            decoder: Arc::new(codec::decoder(settings).await?),
            producer: Producer::start(&settings.kafka()?, &options, health)?,
        })
    }

    /// The same for another lane of the process, over the same producer.
    #[must_use]
    pub fn of_lane(&self, lane: &'static str) -> Self {
        let letters = Letters { reader: Reader { lane, ..self.letters.reader }, ..self.letters.clone() };
        Self { letters, ..self.clone() }
    }
}

impl Letters {
    /// Those of `reader`.
    ///
    /// # Errors
    /// Wrong settings, or a registry that does not answer.
    pub async fn of(settings: &Settings, reader: Reader) -> Result<Self, Failure> {
        let encoder = Arc::new(codec::encoder(settings).await?);
        Ok(Self { reader, encoder, topic: settings.kafka()?.topic(Topic::DeadLetters.name()) })
    }

    /// The message of the dead letter that a refused one becomes.
    #[must_use]
    pub fn outgoing(&self, message: &Message, refusal: &Refusal, failed_at: Timestamp) -> Outgoing {
        let letter = letter(self.reader, message, refusal, failed_at);
        let headers = letter
            .traceparent
            .iter()
            .fold(Headers::new(), |headers, trace| headers.with(TRACEPARENT, trace.as_bytes()));
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: self.reader.process.into(),
            payload: fitted(letter, &self.encoder),
            headers,
            timestamp_ms: failed_at.0,
        }
    }
}

impl Bury for DeadLetters {
    async fn bury(&self, dead: &[(&Message, &Refusal)]) -> Result<(), Fault> {
        let failed_at = Timestamp(clock::now_ms());
        let letters = &self.letters;
        for (message, refusal) in dead {
            if is_second_burial(&letters.topic, &self.decoder, message) {
                let at = format!("{}:{}:{}", message.topic, message.partition, message.offset);
                let detail = format!("{at}: {refusal}; mend the table `dead_letters`, then restart");
                return Err(Fault::new("dead_letter_twice", detail));
            }
        }
        let letters =
            dead.iter().map(|(message, refusal)| letters.outgoing(message, refusal, failed_at)).collect();
        self.producer.send(letters).await.into_iter().collect()
    }
}

/// The dead letter that a refused message becomes.
#[must_use]
pub fn letter(reader: Reader, message: &Message, refusal: &Refusal, failed_at: Timestamp) -> DeadLetter {
    let Message { topic, partition, offset, timestamp_ms, key, payload, headers } = message;
    let name = format!("{topic}:{partition}:{offset}@{timestamp_ms}:{}", reader.lane);
    let trace = headers.get(TRACEPARENT).filter(|trace| trace.len() <= LONGEST_TRACE);
    let traceparent = trace.and_then(|trace| std::str::from_utf8(trace).ok());
    DeadLetter {
        id: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
        failed_at,
        origin: reader.process.to_owned(),
        reason: refusal.reason.to_owned(),
        detail: refusal.detail.clone(),
        topic: topic.to_string(),
        partition: *partition,
        offset: *offset,
        key: key.clone().map(Bytes),
        payload: Bytes(payload.clone()),
        traceparent: traceparent.map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        received_at: Some(Timestamp(*timestamp_ms)),
        schema: schema_named(payload),
    }
}

/// The bytes of a letter; of one that would be too large, with less of the message in it.
fn fitted(mut letter: DeadLetter, encoder: &Encoder<DeadLetter>) -> Vec<u8> {
    let whole = encoder.encode(&letter);
    if whole.len() <= LARGEST {
        return whole;
    }
    let DeadLetter { detail, key, payload, .. } = &mut letter;
    detail.push_str(&format!("; the message has {}{CUT_HERE}", payload.0.len()));
    payload.0.truncate(CUT_PAYLOAD);
    if let Some(key) = key {
        key.0.truncate(CUT_KEY);
    }
    encoder.encode(&letter)
}

/// Whether a letter does not hold its message whole: it cannot be sent again.
#[must_use]
pub fn is_cut(letter: &DeadLetter) -> bool {
    letter.detail.ends_with(CUT_HERE)
}

/// Whether `message` is a dead letter of a dead letter: it was buried once, and that did not help.
fn is_second_burial(topic: &str, decoder: &Decoder<DeadLetter>, message: &Message) -> bool {
    &*message.topic == topic && decoder.decode(&message.payload).is_ok_and(|letter| letter.topic == topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: Reader = Reader { process: "load", lane: "load.events" };

    fn message(topic: &str, payload: Vec<u8>) -> Message {
        Message {
            topic: topic.into(),
            partition: 2,
            offset: 40,
            timestamp_ms: 0,
            key: Some(b"k".to_vec()),
            payload,
            headers: Headers::new()
                .with(TRACEPARENT, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        }
    }

    fn buried(message: &Message, reader: Reader, at: i64) -> DeadLetter {
        letter(reader, message, &Refusal::new("malformed", "too short"), Timestamp(at))
    }

    #[test]
    fn a_dead_letter_holds_the_message_and_why_it_was_refused() {
        let letter = buried(&message("tracker.enriched", vec![0, 255]), READER, 7);
        assert_eq!((letter.payload, letter.key), (Bytes(vec![0, 255]), Some(Bytes(b"k".to_vec()))));
        assert_eq!((letter.topic.as_str(), letter.partition, letter.offset), ("tracker.enriched", 2, 40));
        assert_eq!(
            (letter.origin.as_str(), letter.reason.as_str(), letter.detail.as_str()),
            ("load", "malformed", "too short")
        );
        assert_eq!(
            letter.traceparent.as_deref(),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        );
    }

    #[test]
    fn the_same_message_of_the_same_lane_is_the_same_dead_letter() {
        let message = message("tracker.enriched", Vec::new());
        let other = Reader { lane: "load.other", ..READER };
        assert_eq!(buried(&message, READER, 1).id, buried(&message, READER, 2).id);
        assert_ne!(buried(&message, READER, 1).id, buried(&message, other, 1).id);
    }

    #[test]
    fn a_message_at_the_same_offset_of_a_topic_made_anew_is_another_dead_letter() {
        let old = message("tracker.enriched", Vec::new());
        let new = Message { timestamp_ms: 1, ..old.clone() };
        assert_ne!(buried(&old, READER, 1).id, buried(&new, READER, 1).id);
    }

    #[test]
    fn a_message_that_no_dead_letter_can_hold_is_cut_and_the_letter_says_so() {
        let (encoder, decoder) = (Encoder::single_object(), Decoder::<DeadLetter>::new());
        let fits = |payload: usize, key: usize| {
            let message =
                Message { key: Some(vec![b'k'; key]), ..message("tracker.events", vec![7; payload]) };
            let bytes = fitted(buried(&message, READER, 1), &encoder);
            assert!(bytes.len() <= LARGEST, "{}", bytes.len());
            decoder.decode(&bytes).unwrap()
        };
        assert_eq!(fits(CUT_PAYLOAD, 36).payload.0.len(), CUT_PAYLOAD, "what an event can have stays whole");
        let letter = fits(2_000_000, 2_000_000);
        assert!(is_cut(&letter) && !is_cut(&fits(CUT_PAYLOAD, 36)));
        assert_eq!(letter.payload.0, vec![7; CUT_PAYLOAD]);
        assert!(
            letter.detail.ends_with("the message has 2000000 bytes and is cut here"),
            "{}",
            letter.detail
        );
    }

    #[test]
    fn a_dead_letter_is_buried_once_more_and_then_no_more() {
        let (encoder, decoder) = (Encoder::single_object(), Decoder::new());
        let topic = "tracker.dead_letters";
        let garbage = message(topic, vec![1, 2, 3]);
        let first =
            message(topic, encoder.encode(&buried(&message("tracker.enriched", Vec::new()), READER, 1)));
        let second = message(topic, encoder.encode(&buried(&garbage, READER, 1)));
        let verdicts = [&garbage, &first, &second].map(|message| is_second_burial(topic, &decoder, message));
        assert_eq!(verdicts, [false, false, true]);
    }
}
