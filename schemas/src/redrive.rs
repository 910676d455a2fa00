//! A dead letter that was sent again.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::Timestamp,
};
use uuid::Uuid;

record! {
    /// The mark of a dead letter that was sent again, written in one transaction with what was sent.
    pub struct Redrive as RedriveView {
        /// Id of the dead letter.
        pub id: Uuid,
        /// When it was sent again.
        pub redriven_at: Timestamp,
        /// Topic it was sent to.
        pub topic: String,
        /// Whether it was changed before.
        pub edited: bool,
        /// Version of the binary that sent it.
        pub version: String,
    }
}

impl Record for Redrive {
    const TOPIC: Topic = Topic::Redrives;
}
