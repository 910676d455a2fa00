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
use pages::{MOST, Tallies};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracker_stream::books::{Tally, minute};

/// What was counted and is in no page yet. Shared by all that answer.
#[derive(Debug, Default)]
pub struct Books(Mutex<Tallies>);

impl Books {
    /// Counts what one call did, all of it at once: whoever answers waits for no more than that.
    fn note(&self, topic: &'static str, tally: &Tally) {
        if !tally.is_empty() {
            self.lock().entry(topic).or_default().merge(tally);
        }
    }

    /// Counts what was not made safe of a request; what was, [`Booked`] counts where it happens. A request that was turned
    /// away before its events were known counts as one, and one that was limited as none, as in the metrics.
    pub(crate) fn taken(&self, route: Route, taken: &Result<Taken, Denied>, now_ms: i64) {
        let mut tally = Tally::default();
        let mut note = |fate, reason| tally.add(minute(now_ms), fate, reason, 1);
        match taken {
            Ok(taken) => taken.fates.iter().for_each(|fate| match fate {
                Ended::Kept(_) => {}
                Ended::Refused(refusal) => note("refused", refusal.reason),
                Ended::Unkept(fault) => note("unkept", fault.tag),
            }),
            Err(Denied::Refused(refusal)) => note("refused", refusal.reason),
            Err(Denied::Items { wrong, .. }) => wrong.iter().for_each(|one| note("refused", one.reason)),
            Err(Denied::Unkept(fault)) => note("unkept", fault.tag),
            Err(Denied::Limited(_)) => {}
        }
        self.note(route.topic(), &tally);
    }

    /// Takes what was counted, over all topics and minutes: fate, reason, count.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn counted(&self) -> Vec<(&'static str, &'static str, u64)> {
        let tallies = self.take();
        let counts = tallies.values().flat_map(Tally::counts);
        counts.map(|one| (one.fate, one.reason, one.count)).collect()
    }

    /// Takes what was counted; it counts from nothing again.
    fn take(&self) -> Tallies {
        std::mem::take(&mut *self.lock())
    }

    /// Forgets the oldest counts of each topic beyond [`MOST`]; says how many. Less written down than done: the books stay
    /// closed.
    pub(crate) fn bound(&self) -> usize {
        self.lock().values_mut().map(|tally| tally.keep_latest(MOST)).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Tallies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn of_more_counts_than_are_kept_the_oldest_are_forgotten() {
        let (books, mut tally) = (Books::default(), Tally::default());
        tally.add(60_000, "kept", "", 1);
        (0..MOST as i64 + 4).for_each(|minute| tally.add(minute * 60_000, "refused", "x", 1));
        books.note("events", &tally);
        assert_eq!(books.bound(), 5);
        assert_eq!(books.bound(), 0);
        let kept = lines(&books);
        assert_eq!((kept.len(), kept[0].1), (MOST, 4 * 60_000));
    }
}
