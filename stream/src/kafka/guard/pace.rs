//! How fast a partition's first offset moves: by this, what its bound of bytes will delete is foreseen.

use std::collections::VecDeque;

/// Moves that are remembered.
const MOVES: usize = 4;
/// Fewer say nothing: one may be an operator who deleted something, or a bound that was changed.
const LEAST: usize = 3;

/// The last moves of a partition's first offset. The broker deletes a segment at a time, so it moves in steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// When it was seen, milliseconds, and where it was.
    moves: VecDeque<(i64, i64)>,
    low: Option<i64>,
}

impl Pace {
    /// Notes where the first offset is.
    pub(super) fn note(&mut self, low: i64, now_ms: i64) {
        let moved = self.low.is_some_and(|before| low > before);
        if self.low.is_some_and(|before| low < before) {
            self.moves.clear(); // another topic of that name
        }
        self.low = Some(low);
        if moved {
            self.moves.push_back((now_ms, low));
            if self.moves.len() > MOVES {
                self.moves.pop_front();
            }
        }
    }

    /// Seconds until the first offset has passed `offset`, if it goes on like this. `None`: nothing speaks for it.
    pub(super) fn until(&self, offset: i64, now_ms: i64) -> Option<f64> {
        let (first_at, first) = *self.moves.front()?;
        let (last_at, last) = *self.moves.back()?;
        if self.moves.len() < LEAST || last_at <= first_at {
            return None;
        }
        let per_ms = (last - first) as f64 / (last_at - first_at) as f64;
        let at_ms = last_at as f64 + (offset - last).max(0) as f64 / per_ms;
        Some(((at_ms - now_ms as f64) / 1000.0).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(lows: &[(i64, i64)]) -> Pace {
        let mut pace = Pace::default();
        lows.iter().for_each(|(at_s, low)| pace.note(*low, at_s * 1000));
        pace
    }

    #[test]
    fn a_first_offset_that_moves_steadily_is_foreseen() {
        // 100 offsets every 10 s: at 40 it stands at 300, and comes to 800 by 90.
        let pace = pace(&[(0, 0), (10, 0), (20, 100), (30, 200), (40, 300)]);
        assert_eq!(pace.until(800, 40_000), Some(50.0));
        assert_eq!(pace.until(800, 60_000), Some(30.0), "time goes by between two moves");
        assert_eq!(pace.until(250, 40_000), Some(0.0), "passed already");
    }

    #[test]
    fn one_or_two_moves_foretell_nothing() {
        assert_eq!(pace(&[(0, 0), (60, 0)]).until(5, 60_000), None);
        assert_eq!(pace(&[(0, 0), (10, 500), (20, 600)]).until(700, 20_000), None);
    }

    #[test]
    fn a_topic_that_was_made_anew_begins_anew() {
        let pace = pace(&[(0, 0), (10, 100), (20, 200), (30, 300), (40, 0)]);
        assert_eq!(pace.until(800, 40_000), None);
    }
}
