//! A page of the ledger.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::Timestamp,
};
use uuid::Uuid;

record! {
    /// What one process did with the messages of one range, or with the requests of a while.
    pub struct LedgerPage as LedgerPageView {
        /// Same for the same page: one that is written again is counted once.
        pub id: Uuid,
        /// Process that did it: `edge`, `enrich`, `load`, `payments`.
        pub process: String,
        /// Lane of the process, as `load.events`; of an edge its node.
        pub lane: String,
        /// When the page was written.
        pub written_at: Timestamp,
        /// Topic that it accounts for, without the prefix: read from by a processor, written to by an edge.
        pub topic: String,
        /// Partition it accounts for; null for an edge.
        pub partition: Option<i32>,
        /// First offset it accounts for; null for an edge.
        pub first: Option<i64>,
        /// Last offset it accounts for; null for an edge.
        pub last: Option<i64>,
        /// Names the range; the insert into ClickHouse bears the same.
        pub token: String,
        /// The counts.
        pub counts: Vec<LedgerCount>,
    }
}

record! {
    /// How many messages of one minute ended in one way.
    pub struct LedgerCount as LedgerCountView {
        /// Start of the minute in which they were received at the edge.
        pub minute: Timestamp,
        /// Of a message: `delivered`, `dropped`, `dead`; at an edge: `kept`, `spooled`, `drained`, `refused`, `unkept`.
        pub fate: String,
        /// Tag, snake_case; empty where the fate says all.
        pub reason: String,
        /// How many.
        pub count: i64,
    }
}

impl Record for LedgerPage {
    const TOPIC: Topic = Topic::Ledger;
}
