//! Reads a segment: every record that is whole, and the exact place of everything that is not. Pure.

use super::record::{
    Kind, MARKER, Place, RECORD_HEAD, SEGMENT_HEAD, SegmentHead, Standing, read_segment_head, standing,
};
use serde::Serialize;

/// What stands in a segment, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A whole record.
    Record {
        /// Where it begins.
        offset: usize,
        /// Its body.
        body: &'a [u8],
    },
    /// Bytes that are no record.
    Damage(Damage),
}

/// Bytes that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Where they begin.
    pub offset: usize,
    /// How many they are.
    pub bytes: usize,
    /// What is wrong with them.
    pub what: Wrong,
}

/// What is wrong with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The segment's own head.
    SegmentHead,
    /// The segment is of another kind: it was moved here by hand.
    Foreign,
    /// The head of a record; whole records come after it.
    RecordHead,
    /// The body of a record.
    RecordBody,
    /// Everything to the end: a write that was cut off, or damage to the last record.
    Tail,
    /// A whole record that this version cannot read.
    Unreadable,
}

impl Wrong {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SegmentHead => "the head of the segment is damaged",
            Self::Foreign => "the segment belongs into another folder",
            Self::RecordHead => "the head of a record is damaged",
            Self::RecordBody => "the body of a record is damaged",
            Self::Tail => "the last write was cut off, or is damaged",
            Self::Unreadable => "a record of a version that this one does not read",
        }
    }
}

/// Goes through the bytes of a segment. It can be left and taken up again at [`Scan::at`].
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    kind: Kind,
    segment: u64,
    at: usize,
}

impl<'a> Scan<'a> {
    /// From the start. `named` is the number in the file's name, which stands in where the head is damaged.
    #[must_use]
    pub fn new(kind: Kind, named: u64, bytes: &'a [u8]) -> Self {
        Self::from(kind, named, bytes, 0)
    }

    /// From where another scan of the same bytes was left.
    #[must_use]
    pub fn from(kind: Kind, named: u64, bytes: &'a [u8], at: usize) -> Self {
        let segment = match read_segment_head(kind, bytes) {
            SegmentHead::Right(number) => number,
            SegmentHead::Foreign | SegmentHead::Wrong => named,
        };
        Self { bytes, kind, segment, at }
    }

    /// Where it stands.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    fn damage(&mut self, bytes: usize, what: Wrong) -> Found<'a> {
        let offset = self.at;
        self.at = offset.saturating_add(bytes);
        Found::Damage(Damage { offset, bytes, what })
    }

    /// The head; `None` where it is right.
    fn head(&mut self) -> Option<Found<'a>> {
        match read_segment_head(self.kind, self.bytes) {
            SegmentHead::Right(_) => {
                self.at = SEGMENT_HEAD;
                None
            }
            SegmentHead::Foreign => Some(self.damage(self.bytes.len(), Wrong::Foreign)),
            SegmentHead::Wrong if self.bytes.len() <= SEGMENT_HEAD => {
                Some(self.damage(self.bytes.len(), Wrong::Tail))
            }
            SegmentHead::Wrong => Some(self.damage(SEGMENT_HEAD, Wrong::SegmentHead)),
        }
    }

    fn standing(&self, at: usize) -> Standing<'a> {
        let place = Place { segment: self.segment, offset: at as u64 };
        self.bytes.get(at..).map_or(Standing::Nothing, |bytes| standing(bytes, place))
    }

    /// The next place after this one where a record's head stands. The body may be damaged too: that is told then.
    fn next_head(&self) -> Option<usize> {
        let from = self.at + 1;
        let mut windows = self.bytes.get(from..)?.windows(MARKER.len()).zip(from..);
        windows.find_map(|(window, at)| {
            (window == MARKER && self.standing(at) != Standing::Nothing).then_some(at)
        })
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let left = self.bytes.len().saturating_sub(self.at);
        if left == 0 {
            return None;
        }
        if self.at == 0
            && let Some(wrong) = self.head()
        {
            return Some(wrong);
        }
        let left = self.bytes.len().saturating_sub(self.at);
        if left == 0 {
            return None;
        }
        Some(match self.standing(self.at) {
            Standing::Whole(body) => {
                let offset = self.at;
                self.at += RECORD_HEAD + body.len();
                Found::Record { offset, body }
            }
            Standing::Body(body) => self.damage(RECORD_HEAD + body, Wrong::RecordBody),
            Standing::Short => self.damage(left, Wrong::Tail),
            Standing::Nothing => match self.next_head() {
                Some(next) => self.damage(next - self.at, Wrong::RecordHead),
                None => self.damage(left, Wrong::Tail),
            },
        })
    }
}

/// What a segment comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whole records.
    pub messages: usize,
    /// The time of the oldest, milliseconds since the epoch.
    pub oldest_at_ms: Option<i64>,
    /// Everything else.
    pub damage: Vec<Damage>,
}

/// Reads all of a segment.
#[must_use]
pub fn summary(kind: Kind, named: u64, bytes: &[u8]) -> Summary {
    let mut summary = Summary::default();
    for found in Scan::new(kind, named, bytes) {
        match found {
            Found::Record { body, .. } => {
                summary.messages += 1;
                let time = super::record::timestamp_ms(body);
                summary.oldest_at_ms = summary.oldest_at_ms.into_iter().chain(time).min();
            }
            Found::Damage(damage) => summary.damage.push(damage),
        }
    }
    summary
}
