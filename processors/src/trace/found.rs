//! What was found of an id, and the answer that is made of it.

use serde::{Deserialize, Serialize};
use tracker_schemas::Timestamp;
use uuid::Uuid;

/// What a row of a table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// `events` or `payments`.
    pub table: String,
    /// Tenant; zero: none.
    pub oid: Uuid,
    /// Partition of the topic that it was read from.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
    /// Partition of the topic `events` that it was received into; null where nothing says so, and for payments.
    pub raw_partition: Option<i32>,
    /// Offset in it.
    pub raw_offset: Option<i64>,
    /// When the edge had it.
    pub received_at: Timestamp,
    /// Which edge.
    pub edge: String,
    /// The insert that stored it, and with it all that follows from the table; null where the ledger does not say yet.
    pub token: Option<String>,
}

/// A dead letter of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its id: `tracker dead show` tells all of it.
    pub letter: Uuid,
    /// When it was refused.
    pub failed_at: Timestamp,
    /// By which process.
    pub origin: String,
    /// Tag, snake_case.
    pub reason: String,
    /// What was wrong, in words.
    pub detail: String,
    /// Topic that it was read from, without the prefix.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// When the message was received.
    pub received_at: Option<Timestamp>,
}

/// A message with the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// Topic, without the prefix.
    pub topic: &'static str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// When the edge had it.
    pub received_at: Timestamp,
    /// Which edge; null where the message cannot be decoded.
    pub edge: Option<String>,
    /// Tenant.
    pub oid: Option<Uuid>,
    /// The dead letter by which it was sent again.
    pub redrive: Option<String>,
    /// Of a message of `enriched`: partition and offset of the one that it was made of.
    #[serde(skip)]
    pub made_of: Option<(i32, i64)>,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// Its row is in this table.
    Stored {
        /// Which.
        table: String,
    },
    /// It was carried on, as this message of `enriched`.
    CarriedOn {
        /// Partition.
        to_partition: i32,
        /// Offset.
        to_offset: i64,
    },
    /// It is a dead letter.
    Dead {
        /// Which.
        letter: Uuid,
    },
    /// A rule dropped it.
    Dropped {
        /// Tag, snake_case.
        reason: &'static str,
        /// Offset of the copy that came before it in the same partition.
        of: i64,
    },
    /// Nobody has read it yet.
    Waiting {
        /// The group that will.
        group: String,
        /// Messages before it that the group has not read either.
        behind: i64,
    },
    /// It was read, and nothing of it is found behind: replaced, pruned, erased, or gone by retention.
    Gone,
}

/// A stretch of a topic that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// Topic, without the prefix.
    pub topic: &'static str,
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub first: i64,
    /// The offset after the last.
    pub next: i64,
    /// Whether it was read to the end of the partition.
    pub whole: bool,
}

/// Where a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) topic: &'static str,
    pub(super) group: String,
    /// For each partition, the offset that it reads next; none where it has read nothing yet.
    pub(super) next: Vec<(i32, Option<i64>)>,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) id: Uuid,
    pub(super) stored: Vec<Stored>,
    pub(super) letters: Vec<Letter>,
    /// Their fates are not judged yet.
    pub(super) copies: Vec<Copy>,
    pub(super) reached: Vec<Reached>,
    pub(super) since: Option<Timestamp>,
    pub(super) searched: Vec<Searched>,
}

impl Findings {
    /// When it was first received, as far as the tables know.
    pub(super) fn first_seen(&self) -> Option<Timestamp> {
        let stored = self.stored.iter().map(|row| row.received_at);
        let letters = self.letters.iter().filter_map(|letter| letter.received_at);
        stored.chain(letters).min()
    }
}

/// What there is to say in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in its table.
    Stored,
    /// It is on a topic, and will be read.
    Waiting,
    /// It is a dead letter.
    Dead,
    /// It was read, and nothing of it is found now.
    Gone,
    /// Never seen, or older than what is kept; or nothing says where to look.
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The id that was asked for.
    pub id: Uuid,
    /// What there is to say in a word.
    pub verdict: Verdict,
    /// Its rows.
    pub stored: Vec<Stored>,
    /// Its dead letters.
    pub dead: Vec<Letter>,
    /// Its messages, in the order of the topics.
    pub messages: Vec<Copy>,
    /// From when on topics were read; null: nothing said from when.
    pub since: Option<Timestamp>,
    /// Which stretches of the topics were read.
    pub searched: Vec<Searched>,
}

impl Trace {
    /// The tenants that it belongs to, as far as anything says.
    pub fn tenants(&self) -> impl Iterator<Item = Uuid> + '_ {
        let rows = self.stored.iter().map(|row| row.oid);
        rows.chain(self.messages.iter().filter_map(|copy| copy.oid))
    }
}
