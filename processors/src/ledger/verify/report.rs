//! What is said of the books. Pure.

use super::Unread;
use serde::Serialize;
use std::fmt;
use tracker_schemas::Timestamp;

/// The balance of a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// A line for each topic and minute of which anything is known, by minute.
    pub lines: Vec<Balance>,
    /// Where the books do not close, by minute and then along the way of the data: the first one is where to look.
    pub breaks: Vec<Break>,
    /// Lanes that have not accounted for all that is in the log.
    pub behind: Vec<Unread>,
}

/// One topic in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Start of the minute in which the messages were received.
    pub minute: Timestamp,
    /// Topic, without the prefix.
    pub topic: String,
    /// How it stands.
    pub state: State,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// What explains a difference that is none.
    pub notes: Vec<String>,
}

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It closes.
    Balanced,
    /// It does not.
    Open,
    /// Messages are still on their way: not judged.
    Unsettled,
}

impl State {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Open => "OPEN",
            Self::Unsettled => "not settled yet",
        }
    }
}

/// What is counted of one topic in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Refused by edges.
    pub refused: u64,
    /// Answered 503 by edges: neither kept nor spooled. May be in the log all the same.
    pub unkept: u64,
    /// Acknowledged to edges by the broker.
    pub kept: u64,
    /// Spooled by edges.
    pub spooled: u64,
    /// Of those, acknowledged by the broker since.
    pub drained: u64,
    /// Put on the topic by the lane before, as it counted them.
    pub made: u64,
    /// Read from the topic by its lane: the sum of the fates.
    pub read: u64,
    /// Of those, delivered.
    pub delivered: u64,
    /// Dropped by a rule.
    pub dropped: u64,
    /// Sent to the dead letters.
    pub dead: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Different ids among them.
    pub ids: u64,
}

/// A place where the books do not close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Start of the minute.
    pub minute: Timestamp,
    /// Topic, without the prefix.
    pub topic: String,
    /// Tag of the place: `log`, `pages`, `carried`, `stored`, `letters`.
    pub place: &'static str,
    /// What should be there.
    pub expected: u64,
    /// What is.
    pub found: u64,
    /// The same in words.
    pub detail: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { minute, topic, place, detail, .. } = self;
        write!(f, "{minute} {topic}, {place}: {detail}")
    }
}

impl Report {
    /// Whether everything that was judged closes.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.breaks.is_empty()
    }

    /// Whether nothing was left unjudged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.behind.is_empty() && self.lines.iter().all(|line| line.state != State::Unsettled)
    }

    /// The same, saying only what an earlier look found wrong as well.
    pub(super) fn confirming(mut self, earlier: &Self) -> Self {
        let same = |one: &Break, other: &Break| {
            (one.minute, &one.topic, one.place) == (other.minute, &other.topic, other.place)
        };
        self.breaks.retain(|found| earlier.breaks.iter().any(|before| same(found, before)));
        for line in self.lines.iter_mut().filter(|line| line.state == State::Open) {
            if !self.breaks.iter().any(|found| found.minute == line.minute && found.topic == line.topic) {
                line.state = State::Unsettled;
            }
        }
        self
    }
}
