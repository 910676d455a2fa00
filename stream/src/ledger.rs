//! The commit rule: only the contiguous settled prefix of a partition is ever committed.

use std::collections::VecDeque;

/// The open and settled offsets of one partition: taken in order, settled in any order.
///
/// Offsets may have gaps (compaction, transaction markers): a gap settles with what stands before it.
#[derive(Debug, Default)]
pub struct Ledger {
    open: VecDeque<Entry>,
    /// The offset after the last settled one of the prefix; `None` until something settled.
    frontier: Option<i64>,
}

#[derive(Debug)]
struct Entry {
    offset: i64,
    settled: bool,
}

impl Ledger {
    /// Notes that `offset` was taken. Offsets come in ascending order; one that does not is an error of the
    /// source, and the entry is refused so that the prefix stays true.
    pub fn take(&mut self, offset: i64) -> Result<(), OutOfOrder> {
        let last = self.open.back().map(|entry| entry.offset).or(self.frontier.map(|next| next - 1));
        if let Some(last) = last.filter(|last| offset <= *last) {
            return Err(OutOfOrder { last, offset });
        }
        self.open.push_back(Entry { offset, settled: false });
        Ok(())
    }

    /// Notes that `offset` has its fate. Unknown offsets and repeats change nothing.
    pub fn settle(&mut self, offset: i64) {
        if let Ok(index) = self.open.binary_search_by_key(&offset, |entry| entry.offset)
            && let Some(entry) = self.open.get_mut(index)
        {
            entry.settled = true;
        }
        while let Some(first) = self.open.front().filter(|entry| entry.settled) {
            self.frontier = Some(first.offset + 1);
            self.open.pop_front();
        }
    }

    /// The offset to commit: every offset before it has its fate. `None` until the first one has.
    #[must_use]
    pub const fn frontier(&self) -> Option<i64> {
        self.frontier
    }

    /// How many offsets were taken and are not yet part of the settled prefix.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

/// A source gave an offset that is not after the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset} came after {last}")]
pub struct OutOfOrder {
    /// The last offset that was taken.
    pub last: i64,
    /// The one that was refused.
    pub offset: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_committed_before_something_settled() {
        let mut ledger = Ledger::default();
        ledger.take(5).unwrap();
        assert_eq!(ledger.frontier(), None);
    }

    #[test]
    fn an_open_offset_holds_back_those_behind_it() {
        let mut ledger = Ledger::default();
        (0..3).for_each(|offset| ledger.take(offset).unwrap());
        ledger.settle(2);
        ledger.settle(1);
        assert_eq!(ledger.frontier(), None);
        ledger.settle(0);
        assert_eq!(ledger.frontier(), Some(3));
        assert_eq!(ledger.open(), 0);
    }

    #[test]
    fn a_gap_of_offsets_is_passed_over() {
        let mut ledger = Ledger::default();
        ledger.take(10).unwrap();
        ledger.take(20).unwrap();
        ledger.settle(10);
        assert_eq!(ledger.frontier(), Some(11));
        ledger.settle(20);
        assert_eq!(ledger.frontier(), Some(21));
    }

    #[test]
    fn an_offset_that_goes_back_is_refused() {
        let mut ledger = Ledger::default();
        ledger.take(7).unwrap();
        assert_eq!(ledger.take(7), Err(OutOfOrder { last: 7, offset: 7 }));
        ledger.settle(7);
        assert_eq!(ledger.take(6), Err(OutOfOrder { last: 7, offset: 6 }));
    }

    proptest! {
        #[test]
        fn the_frontier_is_the_first_open_offset(
            steps in proptest::collection::vec(1_i64..4, 1..80),
            order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..120),
        ) {
            let offsets: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let mut ledger = Ledger::default();
            for offset in &offsets { ledger.take(*offset).unwrap(); }
            let mut settled = std::collections::BTreeSet::new();
            for pick in order {
                let offset = offsets[pick.index(offsets.len())];
                ledger.settle(offset);
                settled.insert(offset);
                let prefix = offsets.iter().take_while(|offset| settled.contains(offset)).last();
                prop_assert_eq!(ledger.frontier(), prefix.map(|last| last + 1));
            }
        }
    }
}
