//! What was found in the ledger, in the tables and in the log. Pure.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What the pages count.
    pub entries: Vec<Entry>,
    /// What the tables hold.
    pub rows: Vec<Rows>,
    /// Pages that do not fit together.
    pub flaws: Vec<Flaw>,
    /// What the log holds that no page accounts for.
    pub unread: Vec<Unread>,
}

/// How many messages of one minute ended in one way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Process.
    pub process: String,
    /// Lane.
    pub lane: String,
    /// Topic, without the prefix.
    pub topic: String,
    /// Start of the minute, milliseconds.
    pub minute_ms: i64,
    /// Fate.
    pub fate: String,
    /// Reason.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// What a table holds of the messages of one minute of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rows {
    /// Topic that the table's rows come from, without the prefix.
    pub topic: String,
    /// Start of the minute, milliseconds.
    pub minute_ms: i64,
    /// Rows.
    pub rows: u64,
    /// Different ids among them.
    pub ids: u64,
}

/// Offsets of which the pages of one lane count too many messages, or fewer than there are offsets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Flaw {
    /// Lane.
    pub lane: String,
    /// Topic, without the prefix.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First minute that the page tells of, milliseconds.
    pub minute_ms: i64,
    /// First offset.
    pub first: i64,
    /// Last offset.
    pub last: i64,
    /// What the pages count there.
    pub counted: u64,
    /// Two pages count the same offsets.
    pub overlap: bool,
    /// Messages that the log holds there; `None`: nobody can tell any more.
    #[serde(skip)]
    pub found: Option<u64>,
}

impl Flaw {
    /// Offsets there are.
    #[must_use]
    pub fn offsets(&self) -> u64 {
        u64::try_from(self.last.saturating_sub(self.first).saturating_add(1)).unwrap_or(0)
    }

    /// Whether fewer are counted than there are offsets. Then the log says how many messages there are.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        !self.overlap && self.counted < self.offsets()
    }
}

/// Messages of a topic that no page of a lane accounts for yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Lane.
    pub lane: String,
    /// Topic, without the prefix.
    pub topic: String,
    /// How many were seen.
    pub messages: u64,
    /// There may be more: these were as many as are looked at.
    pub more: bool,
    /// Their minutes, milliseconds.
    #[serde(skip)]
    pub minutes: BTreeSet<i64>,
}
