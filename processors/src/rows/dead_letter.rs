//! Rows of `dead_letters`.

use super::{
    cell::{Id, Instant, Text},
    row,
};
use tracker_schemas::DeadLetter;

row! {
    /// A dead letter as the table `dead_letters` takes it.
    DeadLetterRow of DeadLetter in "dead_letters"
    own {
        id: Id,
        failed_at: Instant,
        origin: Text,
        reason: Text,
        detail: Text,
        topic: Text,
        partition: i32,
        offset: i64,
        key: Text,
        payload: Text,
        traceparent: Text,
        version: Text,
        received_at: Option<Instant>,
        schema: Text,
    }
}
