//! A line of the table: what it is called, what it measures, and what it should be.

use crate::{bench::Bench, sheet::Sheet};
use futures::future::LocalBoxFuture;
use std::fmt;
use tracker_cli::Failure;

/// A line.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// What `--only` finds it by.
    pub name: &'static str,
    /// What is measured, and against what.
    pub what: &'static str,
    /// What both sides are measured in.
    pub unit: &'static str,
    /// What it should be; `None`: it is told, and judged by nobody.
    pub goal: Option<Goal>,
}

impl Line {
    /// The same of another name.
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// Lines that are measured together.
pub struct Group {
    /// For those who wait.
    pub name: &'static str,
    /// Its lines, in the order of the table.
    pub lines: &'static [Line],
    /// How long it may take.
    pub share: Share,
    /// Measures all of them.
    pub measure: Measure,
}

/// A group's part of the time, seconds. Its turns end with it; only what cannot be measured in less takes longer.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Of a full run.
    pub full: u64,
    /// Of a quick one.
    pub quick: u64,
}

/// What measures a group, and puts a figure for each of its lines on the sheet. Those that are on it when it fails stay.
pub type Measure = for<'a> fn(&'a Bench, &'a mut Sheet) -> LocalBoxFuture<'a, Result<(), Failure>>;

/// What was measured for one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The line's name.
    pub line: &'static str,
    /// A figure a round.
    pub ours: Vec<f64>,
    /// The other side's in the same rounds; none where the goal is absolute, or where the reference is not to be had, which
    /// the note then says.
    pub reference: Vec<f64>,
    /// What the figures do not say.
    pub note: String,
    /// Why there are none.
    pub error: Option<String>,
}

impl Measured {
    /// Both sides of a line.
    pub fn both(line: &'static str, ours: Vec<f64>, reference: Vec<f64>) -> Self {
        Self { line, ours, reference, note: String::new(), error: None }
    }

    /// A line that is compared with its goal alone.
    pub fn alone(line: &'static str, ours: Vec<f64>) -> Self {
        Self::both(line, ours, Vec::new())
    }

    /// A line that could not be measured, and why.
    pub fn failed(line: &'static str, why: impl fmt::Display) -> Self {
        Self { error: Some(why.to_string()), ..Self::alone(line, Vec::new()) }
    }

    /// With a note.
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// What a line should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Of what.
    pub figure: Figure,
    /// How much.
    pub bound: Bound,
}

/// Which figure of a line a goal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Ours divided by the reference's.
    Ratio,
    /// Ours less the reference's.
    Difference,
    /// Ours.
    Ours,
}

/// A bound, which is good itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Less is better.
    AtMost(f64),
    /// More is better.
    AtLeast(f64),
}

impl Goal {
    /// The ratio is at most this.
    pub const fn ratio_at_most(most: f64) -> Option<Self> {
        Some(Self { figure: Figure::Ratio, bound: Bound::AtMost(most) })
    }

    /// The ratio is at least this.
    pub const fn ratio_at_least(least: f64) -> Option<Self> {
        Some(Self { figure: Figure::Ratio, bound: Bound::AtLeast(least) })
    }

    /// The difference is at most this.
    pub const fn difference_at_most(most: f64) -> Option<Self> {
        Some(Self { figure: Figure::Difference, bound: Bound::AtMost(most) })
    }

    /// Ours is at most this.
    pub const fn at_most(most: f64) -> Option<Self> {
        Some(Self { figure: Figure::Ours, bound: Bound::AtMost(most) })
    }

    /// Ours is at least this.
    pub const fn at_least(least: f64) -> Option<Self> {
        Some(Self { figure: Figure::Ours, bound: Bound::AtLeast(least) })
    }

    /// Whether a figure is good.
    pub fn is_met(self, figure: f64) -> bool {
        match self.bound {
            Bound::AtMost(most) => figure <= most,
            Bound::AtLeast(least) => figure >= least,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, bound) = match self.bound {
            Bound::AtMost(most) => ("≤", most),
            Bound::AtLeast(least) => ("≥", least),
        };
        let before = match self.figure {
            Figure::Ratio => "× ",
            Figure::Difference => "+ ",
            Figure::Ours => "",
        };
        write!(f, "{before}{sign} {bound}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_good_itself() {
        assert!(Goal::ratio_at_most(0.9).is_some_and(|goal| goal.is_met(0.9) && !goal.is_met(0.91)));
        assert!(Goal::at_least(200.0).is_some_and(|goal| goal.is_met(200.0) && !goal.is_met(199.0)));
    }

    #[test]
    fn a_goal_says_of_which_figure_it_speaks() {
        let told = |goal: Option<Goal>| goal.map(|goal| goal.to_string()).unwrap_or_default();
        assert_eq!(told(Goal::ratio_at_most(0.9)), "× ≤ 0.9");
        assert_eq!(told(Goal::ratio_at_least(0.7)), "× ≥ 0.7");
        assert_eq!(told(Goal::difference_at_most(1.0)), "+ ≤ 1");
        assert_eq!(told(Goal::at_most(300.0)), "≤ 300");
    }
}
