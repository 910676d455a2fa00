//! When a batch goes: six strategies over the same three bounds. Pure.
//!
//! | strategy | closes a batch by |
//! |---|---|
//! | immediate | nothing: whatever has arrived goes at once |
//! | time | the age of its first row |
//! | size | rows, or after a minute |
//! | hybrid | rows or age |
//! | memory | bytes or age |
//! | adaptive | rows or age, both moved by what is measured: see [`adaptive`] |
//!
//! Bytes bound every batch, whatever its strategy: memory is bounded by them.

pub mod adaptive;

use crate::batch::Limits;
use adaptive::Adaptive;
use serde::Deserialize;
use std::time::Duration;

/// How the rows of a table are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// No waiting.
    Immediate,
    /// By age.
    Time,
    /// By rows.
    Size,
    /// By rows or age: the usual one.
    Hybrid,
    /// By bytes or age.
    Memory,
    /// By rows and age that are moved so that freshness holds with the fewest inserts.
    Adaptive,
}

/// How long [`Strategy::Size`] waits for the last rows of a batch: without a bound the partitions of a lane could hold the
/// whole memory budget in batches of which none is full.
const LONGEST: Duration = Duration::from_secs(60);

/// What one batch told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How long its write took, with all tries.
    pub took: Duration,
    /// It was closed by rows or bytes, not by age.
    pub full: bool,
    /// Messages waited already when it was stored.
    pub behind: bool,
    /// What the store said.
    pub pressure: Pressure,
}

/// What a store says of the size of what it is given; the greater wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Nothing.
    #[default]
    Fine,
    /// It has more parts than it can merge: fewer and larger batches.
    TooMany,
    /// It has no memory for so much at once.
    TooLarge,
}

/// The bounds of the next batch of one partition.
#[derive(Debug, Clone)]
pub enum Pace {
    /// Always the same.
    Fixed(Limits),
    /// Moved by what is measured.
    Adaptive(Adaptive),
}

impl Pace {
    /// `strategy` within `bounds`, the three of them as configured; `most_rows` is what the store takes at once.
    #[must_use]
    pub const fn new(strategy: Strategy, bounds: Limits, most_rows: usize) -> Self {
        let Limits { rows, bytes, time } = bounds;
        Self::Fixed(match strategy {
            Strategy::Adaptive => return Self::Adaptive(Adaptive::new(bounds)),
            Strategy::Immediate => Limits { rows, bytes, time: Duration::ZERO },
            Strategy::Size => Limits { rows, bytes, time: LONGEST },
            Strategy::Hybrid => bounds,
            Strategy::Time | Strategy::Memory => Limits { rows: most_rows, bytes, time },
        })
    }

    /// The bounds of the next batch.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match self {
            Self::Fixed(limits) => *limits,
            Self::Adaptive(adaptive) => adaptive.limits(),
        }
    }

    /// Learns from a batch that was stored.
    pub fn learn(&mut self, measured: Measured) {
        if let Self::Adaptive(adaptive) = self {
            adaptive.learn(measured);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const BOUNDS: Limits = Limits { rows: 500, bytes: 1 << 20, time: Duration::from_secs(3) };
    const MOST: usize = 1_000_000;

    #[rstest]
    #[case(Strategy::Immediate, 500, Duration::ZERO)]
    #[case(Strategy::Time, MOST, Duration::from_secs(3))]
    #[case(Strategy::Size, 500, LONGEST)]
    #[case(Strategy::Hybrid, 500, Duration::from_secs(3))]
    #[case(Strategy::Memory, MOST, Duration::from_secs(3))]
    fn each_strategy_has_its_bounds(#[case] strategy: Strategy, #[case] rows: usize, #[case] time: Duration) {
        let limits = Pace::new(strategy, BOUNDS, MOST).limits();
        assert_eq!(limits, Limits { rows, bytes: BOUNDS.bytes, time });
    }

    #[test]
    fn what_is_fixed_learns_nothing() {
        let mut pace = Pace::new(Strategy::Hybrid, BOUNDS, MOST);
        let pressure = Pressure::TooLarge;
        pace.learn(Measured { took: Duration::from_secs(99), full: true, behind: true, pressure });
        assert_eq!(pace.limits(), BOUNDS);
    }
}
