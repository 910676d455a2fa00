//! A backlog that goes through enrich and then through load: what both spend on it.

use super::{
    backlog::{Shape, fill},
    drain::{Drained, ENRICH, LOAD, drain},
};
use crate::{bench::Bench, rounds::median_of, site::Site};
use tracker_cli::Failure;

/// What it has cost.
pub struct Carried {
    /// By the one.
    pub enrich: Drained,
    /// By the other, of what the one has made.
    pub load: Drained,
}

impl Carried {
    /// Fills a site with so many events, and drains it.
    ///
    /// # Errors
    /// A part that does not come up, or comes to no end.
    pub async fn of(bench: &Bench, site: &Site, events: u64, shape: Shape) -> Result<Self, Failure> {
        let (enrich, load) = (bench.idle(ENRICH).await?, bench.idle(LOAD).await?);
        fill(site, events, shape).await?;
        let enrich = drain(site, ENRICH, events, enrich).await?;
        let load = drain(site, LOAD, events, load).await?;
        Ok(Self { enrich, load })
    }

    /// CPU of both for an event, microseconds.
    pub fn us(&self) -> f64 {
        self.enrich.us_a_row() + self.load.us_a_row()
    }
}

/// What each of both usually cost, microseconds.
pub fn shares(all: &[Carried]) -> String {
    let enrich = median_of(all, |one| one.enrich.us_a_row());
    let load = median_of(all, |one| one.load.us_a_row());
    format!("{enrich:.1} + {load:.1}")
}
