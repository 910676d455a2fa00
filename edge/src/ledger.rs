//! The books of the edge: what it answered, by the minute of receipt, topic, fate and reason; a page a second to the topic
//! `ledger`.
//!
//! No request ever waits for them, and they stop none. An edge that is killed takes with it what it has not sent: its counts
//! are a lower bound, and the log is the truth of what was accepted. `tracker ledger verify` knows that: an edge must not have
//! acknowledged *more* than the log and the spool hold.

mod booked;
mod pages;
mod sender;

pub use booked::{Booked, Of};
pub use sender::Sender;

use crate::{
    answer::{Denied, Ended, Taken},
    collect::Route,
};
use pages::Tallies;
use std::sync::{Mutex, PoisonError};
use tracker_stream::books::minute;

/// What was counted and is in no page yet. Shared by all that answer.
#[derive(Debug, Default)]
pub struct Books(Mutex<Tallies>);

impl Books {
    /// Counts one message, or one request that never became one.
    fn note(&self, topic: &'static str, at_ms: i64, fate: &'static str, reason: &'static str) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.entry(topic).or_default().add(minute(at_ms), fate, reason, 1);
    }

    /// Counts what was not made safe of a request; what was, [`Booked`] counts where it happens. A request that was turned
    /// away before its events were known counts as one, and one that was limited as none, as in the metrics.
    pub(crate) fn taken(&self, route: Route, taken: &Result<Taken, Denied>, now_ms: i64) {
        let topic = route.topic();
        match taken {
            Ok(taken) => taken.fates.iter().for_each(|fate| match fate {
                Ended::Kept(_) => {}
                Ended::Refused(refusal) => self.note(topic, now_ms, "refused", refusal.reason),
                Ended::Unkept(fault) => self.note(topic, now_ms, "unkept", fault.tag),
            }),
            Err(Denied::Refused(refusal)) => self.note(topic, now_ms, "refused", refusal.reason),
            Err(Denied::Items { wrong, .. }) => {
                wrong.iter().for_each(|one| self.note(topic, now_ms, "refused", one.reason));
            }
            Err(Denied::Unkept(fault)) => self.note(topic, now_ms, "unkept", fault.tag),
            Err(Denied::Limited(_)) => {}
        }
    }

    /// Takes what was counted; it counts from nothing again.
    fn take(&self) -> Tallies {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what no page took.
    fn put_back(&self, tallies: &Tallies) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, tally) in tallies {
            open.entry(topic).or_default().merge(tally);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::fault::{Fault, Refusal};
    use uuid::Uuid;

    fn lines(books: &Books) -> Vec<(&'static str, i64, &'static str, &'static str, u64)> {
        let tallies = books.take();
        let each = tallies.iter().flat_map(|(topic, tally)| tally.counts().map(|count| (*topic, count)));
        each.map(|(topic, one)| (topic, one.minute_ms, one.fate, one.reason, one.count)).collect()
    }

    #[test]
    fn what_is_refused_or_unkept_is_counted_by_topic_and_minute() {
        let books = Books::default();
        let refused = || Ended::Refused(Refusal::new("invalid_uuid", ""));
        let fates = vec![
            Ended::Kept(Uuid::nil()),
            refused(),
            refused(),
            Ended::Unkept(Fault::new("unacknowledged", "")),
        ];
        books.taken(Route::Pixel, &Ok(Taken { fates, single: false }), 60_001);
        books.taken(Route::Payments, &Err(Denied::Refused(Refusal::new("missing_key", ""))), 120_000);
        assert_eq!(
            lines(&books),
            [
                ("events", 60_000, "refused", "invalid_uuid", 2),
                ("events", 60_000, "unkept", "unacknowledged", 1),
                ("payments", 120_000, "refused", "missing_key", 1),
            ]
        );
        assert!(lines(&books).is_empty(), "each is counted once");
    }

    #[test]
    fn what_no_page_took_is_counted_with_what_came_since() {
        let books = Books::default();
        books.note("events", 0, "kept", "");
        let taken = books.take();
        books.note("events", 1, "kept", "");
        books.put_back(&taken);
        assert_eq!(lines(&books), [("events", 0, "kept", "", 2)]);
    }
}
