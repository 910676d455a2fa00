//! From counts to pages, one at a time. Pure.

use std::collections::BTreeMap;
use tracker_schemas::{LedgerCount, LedgerPage, Timestamp};
use tracker_stream::books::Tally;
use uuid::Uuid;

/// What was counted of each topic.
pub(super) type Tallies = BTreeMap<&'static str, Tally>;

/// Counts that wait for the broker, at most: months of an outage, at a few a minute.
pub(super) const MOST: usize = 200_000;

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
            let page =
                |(topic, tally): (&'static str, Tally)| page(new_id(), node, written_at, topic, &tally);
            self.tried = counted().into_iter().filter(|(_, tally)| !tally.is_empty()).map(page).collect();
        }
        &self.tried
    }

    /// Notes that the broker has all of them.
    pub(super) fn kept(&mut self) {
        self.tried.clear();
    }
}

fn page(id: Uuid, node: &str, written_at: Timestamp, topic: &str, tally: &Tally) -> LedgerPage {
    let counts = tally.counts().map(|count| LedgerCount {
        minute: Timestamp(count.minute_ms),
        fate: count.fate.to_owned(),
        reason: count.reason.to_owned(),
        count: i64::try_from(count.count).unwrap_or(i64::MAX),
    });
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
        counts: counts.collect(),
    }
}

/// Forgets the oldest counts beyond [`MOST`]; says how many. Less written down than done: the books stay closed.
pub(super) fn bounded(tallies: &mut Tallies) -> usize {
    let mut forgotten = 0;
    for tally in tallies.values_mut().filter(|tally| tally.len() > MOST) {
        let excess = tally.len() - MOST;
        let mut kept = Tally::default();
        tally.counts().skip(excess).for_each(|one| kept.add(one.minute_ms, one.fate, one.reason, one.count));
        *tally = kept;
        forgotten += excess;
    }
    forgotten
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

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
    fn of_more_counts_than_are_kept_the_oldest_are_forgotten() {
        let mut tallies = tallies(1);
        let tally = tallies.get_mut("events").unwrap();
        (0..MOST as i64 + 4).for_each(|minute| tally.add(minute * 60_000, "refused", "x", 1));
        assert_eq!(bounded(&mut tallies), 5);
        let first = tallies["events"].counts().next().unwrap();
        assert_eq!((tallies["events"].len(), first.minute_ms), (MOST, 4 * 60_000));
        assert_eq!(bounded(&mut tallies), 0);
    }
}
