//! The books: what became of the messages of a range, counted by the minute in which they were received. Pure, but
//! for the role [`Books`], which keeps a page.
//!
//! A lane gives each range its page after what the range became is safe, and before it commits anything further: a
//! process that is killed in between does the range again, and its page again, under the same name. So a page is there
//! once for each range that was carried, whenever who dies.

use crate::{
    envelope::{Fate, PlannedRange},
    fault::Fault,
};
use std::{collections::BTreeMap, future::Future};

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;

/// The start of the minute of an instant, milliseconds since the epoch.
#[must_use]
pub const fn minute(at_ms: i64) -> i64 {
    at_ms.div_euclid(MINUTE_MS) * MINUTE_MS
}

/// How many ended how, by minute, fate and reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(i64, &'static str, &'static str), u64>);

impl Tally {
    /// Counts one message with its fate. `at_ms` is the message's time: that of its event's receipt.
    pub fn note(&mut self, at_ms: i64, fate: Fate) {
        let (fate, reason) = fate.tags();
        self.add(minute(at_ms), fate, reason, 1);
    }

    /// Counts several under a fate that is not a message's, as those of an edge are.
    pub fn add(&mut self, minute_ms: i64, fate: &'static str, reason: &'static str, count: u64) {
        *self.0.entry((minute_ms, fate, reason)).or_default() += count;
    }

    /// Takes over what another one counted.
    pub fn merge(&mut self, other: &Self) {
        other.counts().for_each(|count| self.add(count.minute_ms, count.fate, count.reason, count.count));
    }

    /// Forgets the oldest counts beyond so many; says how many.
    pub fn keep_latest(&mut self, most: usize) -> usize {
        let excess = self.len().saturating_sub(most);
        for _ in 0..excess {
            self.0.pop_first();
        }
        excess
    }

    /// Nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many counts it holds: what it weighs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The counts, by minute, fate and reason.
    pub fn counts(&self) -> impl Iterator<Item = Count> {
        let count = |(key, count): (&(i64, &'static str, &'static str), &u64)| {
            let (minute_ms, fate, reason) = *key;
            Count { minute_ms, fate, reason, count: *count }
        };
        self.0.iter().map(count)
    }
}

/// How many messages of one minute ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Start of the minute, milliseconds since the epoch.
    pub minute_ms: i64,
    /// Tag of the fate.
    pub fate: &'static str,
    /// Tag of the reason; empty where the fate says all.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

/// What a lane did with one range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Name of the lane.
    pub lane: &'static str,
    /// The range: every message of it is in the tally.
    pub range: PlannedRange,
    /// What became of them.
    pub tally: Tally,
}

impl Page {
    /// The same for the same range of the same lane, whoever writes it and however often.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.lane, self.range.token())
    }
}

/// Where a lane's pages go.
pub trait Books: Send + Sync + 'static {
    /// Makes a page safe, or says why not. A page that is given again is the same page.
    fn note(&self, page: &Page) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// No books: for the lane that stores the books themselves, whose own page would be another message to store, for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unbooked;

impl Books for Unbooked {
    async fn note(&self, _page: &Page) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(tally: &Tally) -> Vec<(i64, &'static str, &'static str, u64)> {
        tally.counts().map(|count| (count.minute_ms, count.fate, count.reason, count.count)).collect()
    }

    #[test]
    fn messages_are_counted_by_the_minute_of_their_receipt() {
        let mut tally = Tally::default();
        for (at, fate) in [
            (60_000, Fate::Delivered),
            (119_999, Fate::Delivered),
            (120_000, Fate::Delivered),
            (60_000, Fate::Dead("content")),
            (60_001, Fate::Dropped("duplicate")),
        ] {
            tally.note(at, fate);
        }
        assert_eq!(
            lines(&tally),
            [
                (60_000, "dead", "content", 1),
                (60_000, "delivered", "", 2),
                (60_000, "dropped", "duplicate", 1),
                (120_000, "delivered", "", 1),
            ]
        );
    }

    #[test]
    fn a_message_without_a_time_has_a_minute_all_the_same() {
        assert_eq!([minute(-1), minute(0), minute(59_999)], [-60_000, 0, 0]);
    }

    #[test]
    fn tallies_are_merged_count_by_count() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.add(0, "kept", "", 2);
        other.add(0, "kept", "", 3);
        other.add(0, "refused", "invalid_uuid", 1);
        one.merge(&other);
        assert_eq!(lines(&one), [(0, "kept", "", 5), (0, "refused", "invalid_uuid", 1)]);
        assert_eq!(one.len(), 2);
    }

    #[test]
    fn a_page_is_named_after_its_lane_and_its_range() {
        let range =
            PlannedRange { topic: "t.enriched".into(), partition: 2, first: 5, last: 9, first_at_ms: 7 };
        let page = Page { lane: "load.events", range, tally: Tally::default() };
        assert_eq!(page.name(), "load.events:t.enriched:2:5-9@7");
    }
}
