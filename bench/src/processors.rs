//! The processors' lines: from the broker to the row, by each process and by all of them together. One file a group.

mod ask;
mod backlog;
mod carried;
mod drain;
mod engine;
mod enrich;
mod fresh;
mod load;
mod long;
mod memory;
mod native;
mod replay;
mod rival;
mod scale;
mod whole;

pub use drain::{Drainer, Idle};
pub use long::Long;

use crate::line::Group;

/// All of them, in the order of the table.
pub fn groups() -> Vec<Group> {
    vec![
        enrich::group(),
        load::group(),
        whole::group(),
        scale::group(),
        memory::group(),
        long::group(),
        fresh::group(),
        replay::group(),
    ]
}
