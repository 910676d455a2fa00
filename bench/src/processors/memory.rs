//! What payments hold at full speed, and whether they hold more after ten times the input. Enrich and load are looked at over
//! the long backlog.

use super::{
    backlog::fill_payments,
    drain::{Drained, Idle, PAYMENTS, drain},
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    room,
    sheet::Sheet,
    site::Site,
};
use tracker_cli::{Failure, chaos::part::Part};

const BOUND: &str = "payments memory";
const GROWTH: &str = "payments memory growth";

const LINES: [Line; 2] = [Held::BOUND.named(BOUND), Held::GROWTH.named(GROWTH)];

pub(super) fn group() -> Group {
    Group {
        name: "memory of payments",
        lines: &LINES,
        share: Share { full: 25, quick: 7 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (idle, payments) = (bench.idle(PAYMENTS).await?, sheet.extent.events);
    let site = bench.beside("payments", "").await?;
    fill_payments(&site, payments).await?;
    let drained = drain(&site, PAYMENTS, payments, idle).await?;
    let held = Held { part: Part::Payments, site: &site, idle, drained: &drained };
    sheet.put(held.bound(BOUND)?);
    sheet.put(held.growth(GROWTH));
    Ok(())
}

/// What a program has held over a backlog.
pub struct Held<'a> {
    pub part: Part,
    pub site: &'a Site,
    pub idle: Idle,
    pub drained: &'a Drained,
}

impl Held<'_> {
    /// The line of the most that it held.
    pub const BOUND: Line = Line {
        name: "",
        what: "the most it held at full speed / what it holds with nothing to do, and what its settings allow besides",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.0),
    };
    /// The line of what it held more in the end.
    pub const GROWTH: Line = Line {
        name: "",
        what: "resident at full speed in the last tenth of a backlog / in the first; of enrich, without the ids that it remembers",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.05),
    };

    /// The figures of the first.
    ///
    /// # Errors
    /// Settings that the program would not take.
    pub fn bound(&self, line: &'static str) -> Result<Measured, Failure> {
        let allowed = room::of(&self.site.settings, self.part)?;
        let note = format!("{:.0} MiB with nothing to do, {allowed:.0} by its settings", self.idle.held);
        let bound = self.idle.held + allowed;
        Ok(Measured::both(line, vec![self.drained.most()], vec![bound]).noted(note))
    }

    /// The figures of the second. The very first messages meet buffers that are still empty, and do not count.
    pub fn growth(&self, line: &'static str) -> Measured {
        let [once, tenfold] = [self.drained.held(0.02..0.1), self.drained.held(0.9..f64::INFINITY)];
        let note = format!("once is {:.0} messages", self.drained.rows / 10.0);
        match (once, tenfold) {
            (Some(once), Some(tenfold)) => Measured::both(line, vec![tenfold], vec![once]).noted(note),
            // A short backlog is gone in a few blocks.
            (None, Some(tenfold)) => Measured::alone(line, vec![tenfold])
                .noted("no look fell into the first tenth of so short a backlog"),
            (_, None) => Measured::failed(line, "no look fell into the last tenth of the backlog"),
        }
    }
}
