//! The disk spool: where messages are safe while the broker does not acknowledge. Never holds more than it was told to,
//! never removes what the broker does not have, and never throws away what it cannot read.
//!
//! A request whose messages the broker does not take has them appended to a [`Lane`], one for payments, one for consents and one
//! for events: a thread that writes all that wait with one fsync and answers after it. [`Drain`] sends them when the
//! broker is there again. What a segment is made of is said in [`record`]; how one that is damaged is read, in [`scan`];
//! when a spool is full, in [`queue`]. Those are pure. [`log`] puts them together over a [`disk`], [`lock`] keeps
//! other processes out, and [`inspect`] is for an operator who looks and repairs.

pub mod disk;
pub mod drain;
pub mod inspect;
mod lane;
pub mod lock;
pub mod log;
pub mod queue;
pub mod record;
pub mod scan;
#[cfg(test)]
mod tests;

pub use drain::{Drain, Outlet};
pub use lane::Lane;
pub use queue::{Depth, Marks};
pub use record::Kind;

use crate::config::SpoolConfig;
use disk::Folder;
use lock::Lock;
use log::Bounds;
use std::sync::Arc;
use tokio::sync::Notify;
use tracker_stream::fault::Fault;

/// The spool of an edge, open.
pub struct Spool {
    /// Of payments: with room of its own, that no flood of events can take.
    pub payments: Lane,
    /// Of consents: likewise.
    pub agreements: Lane,
    /// Of events.
    pub events: Lane,
    /// Told whenever there is something to drain.
    pub work: Arc<Notify>,
}

impl Spool {
    /// Opens it, and reads what an earlier process left. `topic` gives the name on the broker of what is drained.
    ///
    /// # Errors
    /// Another process that uses it, or a folder that cannot be written; both with what to change.
    pub fn open(config: &SpoolConfig, topic: impl Fn(Kind) -> Arc<str>) -> Result<Self, Fault> {
        let lock = Arc::new(Lock::take(&config.path)?);
        let work = Arc::new(Notify::new());
        let lane = |kind| {
            let marks = match kind {
                Kind::Payments => config.payments,
                Kind::Agreements => config.agreements,
                Kind::Events => config.events,
            };
            let bounds = Bounds { marks, segment: config.segment };
            Lane::open(Folder::of(&config.path, kind), topic(kind), bounds, &lock, &work)
        };
        Ok(Self {
            payments: lane(Kind::Payments)?,
            agreements: lane(Kind::Agreements)?,
            events: lane(Kind::Events)?,
            work,
        })
    }
}
