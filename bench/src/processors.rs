//! The processors' lines: from the broker to the row, by each process and by all of them together. One file a group.

mod ask;
mod backlog;
mod drain;
mod engine;
mod enrich;
mod fresh;
mod load;
mod native;
mod scale;
mod whole;

use crate::{bench::Extent, line::Group};

/// All of them, in the order of the table.
pub fn groups() -> Vec<Group> {
    vec![enrich::group(), load::group(), whole::group(), fresh::group(), scale::group()]
}

/// Events of one backlog: so many that a drain takes about as long as a stretch.
fn events(extent: &Extent) -> u64 {
    const A_SECOND: f64 = 100_000.0;
    (extent.stretch.as_secs_f64() * A_SECOND) as u64
}

/// Rounds of what takes several seconds to prepare: a quick run has one.
fn rounds(extent: &Extent) -> usize {
    const LONG: f64 = 3.0;
    if extent.stretch.as_secs_f64() < LONG { 1 } else { extent.rounds }
}
