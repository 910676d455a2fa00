//! When a batch is full: by rows, by bytes, or by the age of its first row.

use std::time::Duration;
use tokio::time::Instant;

/// The bounds of a batch; whichever is reached first closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows, at least 1.
    pub rows: usize,
    /// Bytes of the messages.
    pub bytes: usize,
    /// Age of the first row. Zero: whatever has arrived goes at once.
    pub time: Duration,
}

/// How far a batch has come.
#[derive(Debug, Clone, Copy)]
pub struct Fill {
    limits: Limits,
    rows: usize,
    bytes: usize,
    due_at: Instant,
}

impl Fill {
    /// A batch whose first row came at `now`.
    #[must_use]
    pub fn start(limits: Limits, now: Instant) -> Self {
        Self { limits, rows: 0, bytes: 0, due_at: now + limits.time }
    }

    /// Counts one row in.
    pub const fn add(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
    }

    /// Whether rows or bytes are at their bound.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.rows >= self.limits.rows || self.bytes >= self.limits.bytes
    }

    /// When it goes, however few rows it has.
    #[must_use]
    pub const fn due_at(&self) -> Instant {
        self.due_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { rows: 3, bytes: 100, time: Duration::from_secs(1) };

    #[test]
    fn rows_close_a_batch() {
        let mut fill = Fill::start(LIMITS, Instant::now());
        (0..2).for_each(|_| fill.add(1));
        assert!(!fill.is_full());
        fill.add(1);
        assert!(fill.is_full());
    }

    #[test]
    fn bytes_close_a_batch() {
        let mut fill = Fill::start(LIMITS, Instant::now());
        fill.add(100);
        assert!(fill.is_full());
    }

    #[test]
    fn the_first_row_sets_when_a_batch_is_due() {
        let now = Instant::now();
        assert_eq!(Fill::start(LIMITS, now).due_at(), now + Duration::from_secs(1));
    }
}
