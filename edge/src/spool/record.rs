//! A record and the head of a segment, to bytes and back. Pure.
//!
//! A segment is a head of [`SEGMENT_HEAD`] bytes and records one after the other. A record is a head (marker, length,
//! CRC32C of the body, CRC32C of this head) and a body. The checksum of a record's head covers the segment's number and
//! the record's place as well, so that bytes which a client made to look like a record are none: not in the place
//! where they stand, nor in a segment that was copied together.

use std::sync::Arc;
use tracker_stream::{
    envelope::Headers,
    kafka::{MESSAGE_BYTES, Outgoing},
};

/// Bytes of a segment's head.
pub const SEGMENT_HEAD: usize = 24;
/// Bytes of a record's head.
pub const RECORD_HEAD: usize = 16;
/// Longest body. What no broker would take is not spooled either: it could never leave.
pub const LONGEST: usize = MESSAGE_BYTES - 1024;

const MAGIC: [u8; 8] = *b"TRKSPOOL";
const VERSION: u16 = 1;
/// What a reader that has lost its place looks for.
pub(super) const MARKER: [u8; 4] = [0xf5, b'R', b'e', 0xa7];

/// What a segment holds: each topic that is spooled has segments, and a folder, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Payments.
    Payments,
    /// Consents.
    Agreements,
    /// Events.
    Events,
}

impl Kind {
    /// All of them, in the order in which they are drained.
    pub const ALL: [Self; 3] = [Self::Payments, Self::Agreements, Self::Events];

    /// Its name: of its folder, and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Agreements => "agreements",
            Self::Events => "events",
        }
    }

    const fn code(self) -> u16 {
        match self {
            Self::Payments => 1,
            Self::Events => 2,
            Self::Agreements => 3,
        }
    }
}

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the segment.
    pub segment: u64,
    /// Offset in it.
    pub offset: u64,
}

/// The head of a segment.
#[must_use]
pub fn segment_head(kind: Kind, number: u64) -> [u8; SEGMENT_HEAD] {
    let mut head = [0; SEGMENT_HEAD];
    let checked = [&MAGIC[..], &VERSION.to_le_bytes(), &kind.code().to_le_bytes(), &number.to_le_bytes()];
    let checked = checked.concat();
    let sum = crc32c::crc32c(&checked).to_le_bytes();
    head.iter_mut().zip(checked.iter().chain(&sum)).for_each(|(to, from)| *to = *from);
    head
}

/// What a segment's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentHead {
    /// It is this segment of this kind; the number is the one that its records were written under.
    Right(u64),
    /// It is whole, and of another kind: the file is in the wrong folder.
    Foreign,
    /// It is damaged, or not all there.
    Wrong,
}

/// Reads the head of a segment.
#[must_use]
pub fn read_segment_head(kind: Kind, bytes: &[u8]) -> SegmentHead {
    let read = || {
        let (checked, sum) = bytes.get(..SEGMENT_HEAD)?.split_at_checked(SEGMENT_HEAD - 4)?;
        let sum: [u8; 4] = sum.try_into().ok()?;
        let mut reader = Reader(checked);
        let right = crc32c::crc32c(checked) == u32::from_le_bytes(sum)
            && reader.take(MAGIC.len())? == MAGIC
            && reader.u16()? == VERSION;
        let code = reader.u16()?;
        right.then_some((code, reader.u64()?))
    };
    match read() {
        Some((code, number)) if code == kind.code() => SegmentHead::Right(number),
        Some(_) => SegmentHead::Foreign,
        None => SegmentHead::Wrong,
    }
}

/// Bytes that a message takes in a segment.
#[must_use]
pub fn size(message: &Outgoing) -> usize {
    RECORD_HEAD + body_size(message)
}

fn body_size(message: &Outgoing) -> usize {
    let headers: usize = message.headers.iter().map(|(name, value)| 2 + name.len() + 4 + value.len()).sum();
    8 + 4 + message.key.len() + 2 + headers + message.payload.len()
}

/// Whether a message is too long to be spooled.
#[must_use]
pub fn is_too_large(message: &Outgoing) -> bool {
    body_size(message) > LONGEST
}

/// Appends a message's record, which begins at `place`. Its topic is not written: the folder stands for it, so that
/// what was spooled under one prefix is sent under the one that is in force.
pub fn encode(message: &Outgoing, place: Place, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend([0; RECORD_HEAD]);
    into.extend(message.timestamp_ms.to_le_bytes());
    into.extend(length(message.key.len()));
    into.extend(&message.key);
    let headers = u16::try_from(message.headers.iter().count()).unwrap_or(u16::MAX);
    into.extend(headers.to_le_bytes());
    for (name, value) in message.headers.iter().take(usize::from(headers)) {
        let name = name.as_bytes();
        into.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        into.extend(name.iter().take(usize::from(u16::MAX)));
        into.extend(length(value.len()));
        into.extend(value);
    }
    into.extend(&message.payload);
    let (_, record) = into.split_at_mut(start);
    let (head, body) = record.split_at_mut(RECORD_HEAD);
    head.copy_from_slice(&record_head(body, place));
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn record_head(body: &[u8], place: Place) -> [u8; RECORD_HEAD] {
    let [a, b, c, d] = length(body.len());
    let [e, f, g, h] = crc32c::crc32c(body).to_le_bytes();
    let [m, n, o, p] = MARKER;
    let checked = [m, n, o, p, a, b, c, d, e, f, g, h];
    let [w, x, y, z] = head_sum(&checked, place).to_le_bytes();
    [m, n, o, p, a, b, c, d, e, f, g, h, w, x, y, z]
}

fn head_sum(checked: &[u8], place: Place) -> u32 {
    let sum = crc32c::crc32c(&place.segment.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &place.offset.to_le_bytes());
    crc32c::crc32c_append(sum, checked)
}

/// What stands where a record should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// A whole record: its body.
    Whole(&'a [u8]),
    /// The head is right and the body, of so many bytes, is not.
    Body(usize),
    /// The head is right, and the segment ends before the body does.
    Short,
    /// No head.
    Nothing,
}

/// Looks at the bytes from `place` on.
#[must_use]
pub fn standing(bytes: &[u8], place: Place) -> Standing<'_> {
    let Some((head, rest)) = bytes.split_at_checked(RECORD_HEAD) else { return Standing::Nothing };
    let Some((checked, [w, x, y, z])) = head.split_at_checked(RECORD_HEAD - 4) else {
        return Standing::Nothing;
    };
    let mut reader = Reader(checked);
    let (Some(marker), Some(length), Some(sum)) = (reader.take(MARKER.len()), reader.u32(), reader.u32())
    else {
        return Standing::Nothing;
    };
    if marker != MARKER || head_sum(checked, place) != u32::from_le_bytes([*w, *x, *y, *z]) {
        return Standing::Nothing;
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match rest.get(..length) {
        None => Standing::Short,
        Some(body) if crc32c::crc32c(body) == sum => Standing::Whole(body),
        Some(body) => Standing::Body(body.len()),
    }
}

/// The message of a body; `None`: it is none, though its checksum is right.
#[must_use]
pub fn decode(body: &[u8], topic: &Arc<str>) -> Option<Outgoing> {
    let mut reader = Reader(body);
    let timestamp_ms = i64::from_le_bytes(reader.take(8)?.try_into().ok()?);
    let key = reader.long()?.to_vec();
    let mut headers = Headers::new();
    for _ in 0..reader.u16()? {
        let name = reader.u16()?;
        let name = std::str::from_utf8(reader.take(usize::from(name))?).ok()?;
        headers = headers.with(name, reader.long()?);
    }
    Some(Outgoing { topic: Arc::clone(topic), key, payload: reader.0.to_vec(), headers, timestamp_ms })
}

/// The time of a body's message, milliseconds since the epoch.
#[must_use]
pub fn timestamp_ms(body: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(Reader(body).take(8)?.try_into().ok()?))
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// Bytes with their length before them.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }
}
