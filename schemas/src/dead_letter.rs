//! A message that could not be carried on.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::{Bytes, Timestamp},
};
use uuid::Uuid;

record! {
    /// A refused message, with its original bytes, so that it can be corrected and sent again.
    pub struct DeadLetter as DeadLetterView {
        /// Same for the same message of the same reader: a repeat is the same dead letter.
        pub id: Uuid,
        /// When it was refused.
        pub failed_at: Timestamp,
        /// Process that refused it: `enrich`, `load`, `payments`.
        pub origin: String,
        /// Tag, snake_case.
        pub reason: String,
        /// What was wrong, in words; ClickHouse's own message where it refused a row.
        pub detail: String,
        /// Topic it was read from.
        pub topic: String,
        /// Partition it was read from.
        pub partition: i32,
        /// Offset it was read at.
        pub offset: i64,
        /// Key of the message.
        pub key: Option<Bytes>,
        /// The original bytes of the message.
        pub payload: Bytes,
        /// W3C trace context of the message.
        pub traceparent: Option<String>,
        /// Version of the binary that refused it.
        pub version: String,
        /// Time of the message: when what it tells of was received. Null in older letters.
        pub received_at: Option<Timestamp>,
        /// Schema that the payload names: the fingerprint of Avro's single-object encoding in hex, or `id:` and a
        /// registry's id. Null where it names none.
        pub schema: Option<String>,
    }
}

impl Record for DeadLetter {
    const TOPIC: Topic = Topic::DeadLetters;
}
