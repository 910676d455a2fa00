//! From counts to pages, one at a time. Pure.

use std::collections::BTreeMap;
use tracker_schemas::{LedgerCount, LedgerPage, Timestamp};
use tracker_stream::books::{Count, Tally};
use uuid::Uuid;

/// What was counted of each topic.
pub(super) type Tallies = BTreeMap<&'static str, Tally>;

/// Counts of a topic that wait for the broker, at most: weeks of an outage, at a few a minute. The pages of all of them
/// fit the producer's buffer.
pub(super) const MOST: usize = 100_000;
/// Counts of one page, at most: with the longest words it is far below what a message may be.
const COUNTS: usize = 5_000;

/// What waits for the broker. Pages that were tried may be with it already: they are tried again as they are, under the
/// same ids, and what was counted since is merged until its turn comes.
#[derive(Debug, Default)]
pub(super) struct Pages {
    tried: Vec<LedgerPage>,
}

impl Pages {
    /// The pages to send now: those that were tried, or else new ones of what was counted.
    pub(super) fn next(
        &mut self,
        node: &str,
        written_at: Timestamp,
        counted: impl FnOnce() -> Tallies,
        new_id: impl Fn() -> Uuid,
    ) -> &[LedgerPage] {
        if self.tried.is_empty() {
            for (topic, tally) in counted() {
                let counts: Vec<LedgerCount> = tally.counts().map(count).collect();
                let pages = counts.chunks(COUNTS).map(|part| page(new_id(), node, written_at, topic, part));
                self.tried.extend(pages);
            }
        }
        &self.tried
    }

    /// Notes that the broker has all of them.
    pub(super) fn kept(&mut self) {
        self.tried.clear();
    }
}

fn count(count: Count) -> LedgerCount {
    LedgerCount {
        minute: Timestamp(count.minute_ms),
        fate: count.fate.to_owned(),
        reason: count.reason.to_owned(),
        count: i64::try_from(count.count).unwrap_or(i64::MAX),
    }
}

fn page(id: Uuid, node: &str, written_at: Timestamp, topic: &str, counts: &[LedgerCount]) -> LedgerPage {
    LedgerPage {
        id,
        process: "edge".to_owned(),
        lane: node.to_owned(),
        written_at,
        topic: topic.to_owned(),
        partition: None,
        first: None,
        last: None,
        token: id.to_string(),
        counts: counts.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, collections::BTreeSet};
    use tracker_schemas::Encoder;
    use tracker_stream::{books::MINUTE_MS, kafka::MESSAGE_BYTES};

    fn tallies(count: u64) -> Tallies {
        let mut tally = Tally::default();
        tally.add(60_000, "kept", "", count);
        Tallies::from([("events", tally), ("payments", Tally::default())])
    }

    #[test]
    fn a_page_that_may_have_arrived_is_sent_again_as_it_was() {
        let (mut pages, last) = (Pages::default(), Cell::new(0));
        let new_id = || Uuid::from_u128(last.replace(last.get() + 1));
        let first = pages.next("edge-1", Timestamp(1), || tallies(5), new_id).to_vec();
        let again =
            pages.next("edge-1", Timestamp(2), || panic!("what was tried goes first"), new_id).to_vec();
        assert_eq!(first, again);
        assert_eq!(first.len(), 1, "a topic of which nothing was counted has no page");
        pages.kept();
        let next = pages.next("edge-1", Timestamp(3), || tallies(7), new_id).to_vec();
        assert_ne!(first[0].id, next[0].id);
        assert_eq!((next[0].counts[0].count, next[0].lane.as_str()), (7, "edge-1"));
    }

    #[test]
    fn after_an_outage_of_weeks_every_page_is_small_enough_for_a_message() {
        let mut tally = Tally::default();
        let reason = "a_reason_that_is_longer_than_any_other";
        (0..MOST as i64).for_each(|minute| tally.add(minute * MINUTE_MS, "refused", reason, 1_000_000));
        let mut pages = Pages::default();
        let pages = pages.next("edge-1", Timestamp(1), || Tallies::from([("events", tally)]), Uuid::now_v7);
        let encoder = Encoder::single_object();
        let largest = pages.iter().map(|page| encoder.encode(page).len()).max().unwrap();
        assert!(largest < MESSAGE_BYTES / 2, "{largest}");
        assert_eq!(pages.iter().map(|page| page.id).collect::<BTreeSet<_>>().len(), MOST / COUNTS);
        let minutes = pages.iter().flat_map(|page| &page.counts).map(|one| one.minute.0 / MINUTE_MS);
        assert!(minutes.eq(0..MOST as i64), "each is counted once");
    }
}
