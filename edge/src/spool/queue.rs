//! What is in a spool and whether it takes more: the segments in order, and the two marks. Pure.

use std::{collections::VecDeque, time::Duration};

/// When a spool takes no more, and when it takes again. Two, so that one that has filled up does not change its mind
/// with every segment that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// More bytes than this are not taken.
    pub high: u64,
    /// Below this they are taken again.
    pub low: u64,
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number: a later segment has a higher one.
    pub number: u64,
    /// Its bytes on disk.
    pub bytes: u64,
    /// Whole records in it.
    pub messages: usize,
    /// The time of the oldest, milliseconds since the epoch.
    pub oldest_at_ms: Option<i64>,
}

/// What is in a spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Segments.
    pub segments: usize,
    /// Messages; those of a segment that is being drained are counted until all of it is sent.
    pub messages: usize,
    /// Bytes on disk.
    pub bytes: u64,
    /// The time of the oldest message, milliseconds since the epoch.
    pub oldest_at_ms: Option<i64>,
    /// Takes no more for now.
    pub full: bool,
}

impl Depth {
    /// How long the oldest message has waited since it was received.
    #[must_use]
    pub fn oldest_age(&self, now_ms: i64) -> Duration {
        let waited = self.oldest_at_ms.map_or(0, |at| now_ms.saturating_sub(at));
        Duration::from_millis(waited.try_into().unwrap_or(0))
    }
}

/// The segments of one kind, oldest first.
#[derive(Debug, Clone)]
pub struct Queue {
    marks: Marks,
    segments: VecDeque<Segment>,
    full: bool,
}

impl Queue {
    /// With the segments that are there, in any order.
    #[must_use]
    pub fn new(marks: Marks, mut segments: Vec<Segment>) -> Self {
        segments.sort_unstable_by_key(|segment| segment.number);
        let mut queue = Self { marks, segments: segments.into(), full: false };
        queue.full = queue.bytes() > marks.high;
        queue
    }

    /// Whether so many bytes more are taken.
    pub fn admit(&mut self, bytes: u64) -> bool {
        if self.full && self.bytes() > self.marks.low {
            return false;
        }
        self.full = self.bytes().saturating_add(bytes) > self.marks.high;
        !self.full
    }

    /// The number of a segment that begins now. By the clock, so that a number does not come again when the spool was
    /// empty in between; and always higher than the last.
    #[must_use]
    pub fn next_number(&self, now_ms: i64) -> u64 {
        let last = self.segments.back().map_or(0, |segment| segment.number);
        u64::try_from(now_ms).unwrap_or(0).max(last + 1)
    }

    /// A segment has begun.
    pub fn begun(&mut self, segment: Segment) {
        self.segments.push_back(segment);
    }

    /// Records were written to the newest segment.
    pub fn wrote(&mut self, messages: usize, bytes: u64, oldest_at_ms: Option<i64>) {
        if let Some(newest) = self.segments.back_mut() {
            newest.messages += messages;
            newest.bytes += bytes;
            newest.oldest_at_ms = newest.oldest_at_ms.into_iter().chain(oldest_at_ms).min();
        }
    }

    /// The oldest segment.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.segments.front().map(|segment| segment.number)
    }

    /// A segment is gone.
    pub fn removed(&mut self, number: u64) {
        self.segments.retain(|segment| segment.number != number);
        self.full &= self.bytes() > self.marks.low;
    }

    /// Bytes on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// All of it.
    #[must_use]
    pub fn depth(&self) -> Depth {
        Depth {
            segments: self.segments.len(),
            messages: self.segments.iter().map(|segment| segment.messages).sum(),
            bytes: self.bytes(),
            oldest_at_ms: self.segments.iter().filter_map(|segment| segment.oldest_at_ms).min(),
            full: self.full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u64, bytes: u64) -> Segment {
        Segment { number, bytes, messages: 1, oldest_at_ms: Some(number.cast_signed()) }
    }

    #[test]
    fn what_has_filled_up_takes_nothing_until_it_is_below_its_low_mark() {
        let mut queue = Queue::new(Marks { high: 100, low: 50 }, vec![segment(1, 40), segment(2, 55)]);
        assert!(queue.admit(5));
        assert!(!queue.admit(6));
        assert!(!queue.admit(1), "it has been full and is above its low mark");
        queue.removed(2);
        assert!(!queue.depth().full);
        assert!(queue.admit(60));
    }

    #[test]
    fn one_thing_larger_than_all_the_room_does_not_fill_it() {
        let mut queue = Queue::new(Marks { high: 100, low: 50 }, Vec::new());
        assert!(!queue.admit(101));
        assert!(queue.admit(100));
    }

    #[test]
    fn what_a_smaller_setting_left_too_large_is_full() {
        assert!(Queue::new(Marks { high: 10, low: 5 }, vec![segment(1, 11)]).depth().full);
    }

    #[test]
    fn segments_leave_in_the_order_in_which_they_came_and_no_number_comes_twice() {
        let mut queue = Queue::new(Marks { high: 100, low: 50 }, vec![segment(9, 1), segment(7, 1)]);
        assert_eq!(queue.oldest(), Some(7));
        assert_eq!(queue.next_number(5), 10, "though the clock has gone back");
        assert_eq!(queue.next_number(1_000), 1_000);
        queue.removed(7);
        assert_eq!((queue.oldest(), queue.depth().oldest_at_ms), (Some(9), Some(9)));
    }
}
