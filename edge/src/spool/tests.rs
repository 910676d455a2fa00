//! What a segment keeps, whatever happens to its bytes.

mod model;
mod real;

use super::{
    record::{self, Kind, MARKER, Place, RECORD_HEAD, SEGMENT_HEAD, decode, encode, segment_head},
    scan::{Damage, Found, Scan, Wrong, summary},
};
use proptest::{collection::vec, prelude::*};
use std::sync::Arc;
use tracker_stream::{envelope::Headers, kafka::Outgoing};

const SEGMENT: u64 = 7;
const KIND: Kind = Kind::Events;

pub(super) fn topic() -> Arc<str> {
    Arc::from("t.events")
}

/// The number of a message is its key.
pub(super) fn message(number: u32) -> Outgoing {
    Outgoing {
        topic: topic(),
        key: number.to_string().into_bytes(),
        payload: vec![b'x'; (number % 40) as usize],
        headers: Headers::new().with("traceparent", b"00-1".as_slice()),
        timestamp_ms: i64::from(number),
    }
}

pub(super) fn number(message: &Outgoing) -> u32 {
    String::from_utf8_lossy(&message.key).parse().unwrap()
}

fn segment(messages: &[Outgoing]) -> Vec<u8> {
    let mut bytes = segment_head(KIND, SEGMENT).to_vec();
    for message in messages {
        let place = Place { segment: SEGMENT, offset: bytes.len() as u64 };
        encode(message, place, &mut bytes);
    }
    bytes
}

/// The messages that can be read, and the damage.
pub(super) fn read(kind: Kind, named: u64, bytes: &[u8]) -> (Vec<Outgoing>, Vec<Damage>) {
    let (mut messages, mut damage) = (Vec::new(), Vec::new());
    for found in Scan::new(kind, named, bytes) {
        match found {
            Found::Record { body, .. } => messages.push(decode(body, &topic()).unwrap()),
            Found::Damage(one) => damage.push(one),
        }
    }
    (messages, damage)
}

fn outgoing() -> impl Strategy<Value = Outgoing> {
    let header = ("[a-z]{0,12}", vec(any::<u8>(), 0..20));
    let parts = (vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..300), vec(header, 0..4), any::<i64>());
    parts.prop_map(|(key, payload, headers, timestamp_ms)| Outgoing {
        topic: topic(),
        key,
        payload,
        headers: headers.into_iter().fold(Headers::new(), |all, (name, value)| all.with(name, value)),
        timestamp_ms,
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(messages in vec(outgoing(), 0..20)) {
        let bytes = segment(&messages);
        let sizes: usize = messages.iter().map(record::size).sum();
        prop_assert_eq!(bytes.len(), SEGMENT_HEAD + sizes);
        prop_assert_eq!(read(KIND, SEGMENT, &bytes), (messages, Vec::new()));
    }

    #[test]
    fn any_bytes_are_read_to_their_end_once(bytes in vec(prop_oneof![any::<u8>(), proptest::sample::select(MARKER.to_vec())], 0..600)) {
        let mut at = 0;
        for found in Scan::new(KIND, SEGMENT, &bytes) {
            let (from, length) = match found {
                Found::Record { offset, body } => (offset, RECORD_HEAD + body.len()),
                Found::Damage(damage) => (damage.offset, damage.bytes),
            };
            prop_assert_eq!(from, at);
            prop_assert!(length > 0);
            at += length;
        }
        prop_assert_eq!(at, bytes.len());
    }

    #[test]
    fn damage_anywhere_costs_only_the_records_that_it_touches(
        count in 1..12_u32,
        hits in vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
    ) {
        let messages: Vec<Outgoing> = (0..count).map(message).collect();
        let whole = segment(&messages);
        let mut bytes = whole.clone();
        for (at, by) in &hits {
            let at = at.index(bytes.len());
            bytes[at] = whole[at] ^ by;
        }
        let mut offset = SEGMENT_HEAD;
        let mut untouched = Vec::new();
        for message in &messages {
            let range = offset..offset + record::size(message);
            if bytes[range.clone()] == whole[range.clone()] {
                untouched.push(message.clone());
            }
            offset = range.end;
        }
        let (found, damage) = read(KIND, SEGMENT, &bytes);
        prop_assert_eq!(found, untouched);
        prop_assert!(!damage.is_empty());
    }
}

#[test]
fn a_flipped_bit_anywhere_is_detected() {
    let messages: Vec<Outgoing> = (0..4).map(message).collect();
    let whole = segment(&messages);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let (found, damage) = read(KIND, SEGMENT, &bytes);
            let [damage] = damage[..] else { panic!("byte {at}, bit {bit}: {damage:?}") };
            assert!((damage.offset..damage.offset + damage.bytes).contains(&at), "byte {at}: {damage:?}");
            let lost = usize::from(at >= SEGMENT_HEAD);
            assert_eq!(found.len(), messages.len() - lost, "byte {at}, bit {bit}");
            assert!(found.iter().all(|one| messages.contains(one)));
        }
    }
}

#[test]
fn a_write_torn_at_any_byte_loses_nothing_before_it() {
    let messages: Vec<Outgoing> = (0..4).map(message).collect();
    let whole = segment(&messages);
    let last = whole.len() - record::size(&messages[3]);
    for end in last..whole.len() {
        let expected = if end == last {
            Vec::new()
        } else {
            vec![Damage { offset: last, bytes: end - last, what: Wrong::Tail }]
        };
        assert_eq!(read(KIND, SEGMENT, &whole[..end]), (messages[..3].to_vec(), expected), "torn at {end}");
        // What a file system may leave after a power cut: the length is there, the bytes are not.
        let mut zeroed = whole.clone();
        zeroed[end..].fill(0);
        if zeroed != whole {
            let (found, damage) = read(KIND, SEGMENT, &zeroed);
            assert_eq!((found.len(), damage.len()), (3, 1), "zeros from {end}");
        }
    }
}

#[test]
fn a_segment_that_was_cut_in_its_head_holds_nothing_and_says_so() {
    let whole = segment(&[]);
    assert_eq!(read(KIND, SEGMENT, &[]), (Vec::new(), Vec::new()));
    for end in 1..whole.len() {
        assert_eq!(
            read(KIND, SEGMENT, &whole[..end]).1,
            [Damage { offset: 0, bytes: end, what: Wrong::Tail }]
        );
    }
}

#[test]
fn a_client_s_bytes_that_look_like_a_record_are_none() {
    let inner = segment(&[message(1), message(2)]);
    let outer = Outgoing { payload: inner[SEGMENT_HEAD..].to_vec(), ..message(3) };
    let mut bytes = segment(&[outer.clone(), message(4)]);
    assert_eq!(read(KIND, SEGMENT, &bytes), (vec![outer, message(4)], Vec::new()));
    bytes[SEGMENT_HEAD] ^= 1;
    let (found, damage) = read(KIND, SEGMENT, &bytes);
    assert_eq!(
        found,
        [message(4)],
        "whoever looks for the next record finds no other inside the damaged one"
    );
    assert_eq!(damage[0].what, Wrong::RecordHead);
}

#[test]
fn a_segment_is_read_under_any_name_but_not_as_another_kind() {
    let bytes = segment(&[message(1)]);
    assert_eq!(read(KIND, SEGMENT + 1, &bytes).0.len(), 1);
    let (found, damage) = read(Kind::Payments, SEGMENT, &bytes);
    assert_eq!((found.len(), damage[0].what, damage[0].bytes), (0, Wrong::Foreign, bytes.len()));
}

#[test]
fn a_summary_tells_how_many_and_how_old() {
    let summary = summary(KIND, SEGMENT, &segment(&[message(5), message(3), message(9)]));
    assert_eq!((summary.messages, summary.oldest_at_ms, summary.damage), (3, Some(3), Vec::new()));
}
