//! Where the message of a row stood. Pure.

use super::cell::Instant;
use tracker_schemas::Timestamp;
use tracker_stream::envelope::{Message, ORIGIN};

/// Where a row comes from: told by its message, not by the record in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) produced_at: Timestamp,
    pub(super) raw_partition: Option<i32>,
    pub(super) raw_offset: Option<i64>,
}

impl Place {
    /// Where `message` stands, and where the one stood that it was made of, if its header [`ORIGIN`] says so.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let raw = message.headers.get(ORIGIN).and_then(position);
        Self {
            partition: message.partition,
            offset: message.offset,
            produced_at: Instant::nearest(message.timestamp_ms),
            raw_partition: raw.map(|(partition, _)| partition),
            raw_offset: raw.map(|(_, offset)| offset),
        }
    }
}

/// Reads `partition:offset`, as the header [`ORIGIN`] says it.
pub(crate) fn position(text: &[u8]) -> Option<(i32, i64)> {
    let (partition, offset) = std::str::from_utf8(text).ok()?.split_once(':')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tracker_stream::envelope::Headers;

    fn place(headers: Headers) -> Place {
        let message = Message {
            topic: "tracker.enriched".into(),
            partition: 2,
            offset: 40,
            timestamp_ms: 7,
            key: None,
            payload: Vec::new(),
            headers,
        };
        Place::of(&message)
    }

    #[test]
    fn a_message_says_where_it_stands_and_what_it_was_made_of() {
        let place = place(Headers::new().with(ORIGIN, "1:4711"));
        assert_eq!((place.partition, place.offset), (2, 40));
        assert_eq!((place.raw_partition, place.raw_offset), (Some(1), Some(4711)));
    }

    #[rstest]
    #[case(Headers::new())]
    #[case(Headers::new().with(ORIGIN, ""))]
    #[case(Headers::new().with(ORIGIN, "1:"))]
    #[case(Headers::new().with(ORIGIN, "one:2"))]
    #[case(Headers::new().with(ORIGIN, [0xff, b':', b'1']))]
    fn without_a_readable_origin_there_is_none(#[case] headers: Headers) {
        let place = place(headers);
        assert_eq!((place.raw_partition, place.raw_offset), (None, None));
    }
}
