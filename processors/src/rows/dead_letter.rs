//! Rows of `dead_letters`.

use super::{
    cell::{Blob, Id, Instant},
    row,
};
use tracker_schemas::DeadLetter;

row! {
    /// A dead letter as the table `dead_letters` takes it.
    DeadLetterRow of DeadLetter in "dead_letters"
    own {
        id: Id,
        failed_at: Instant,
        origin: String,
        reason: String,
        detail: String,
        topic: String,
        partition: i32,
        offset: i64,
        key: Blob,
        payload: Blob,
        traceparent: String,
        version: String,
        received_at: Option<Instant>,
        schema: String,
    }
}
