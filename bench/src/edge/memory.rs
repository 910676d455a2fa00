//! What the edge holds at full speed, and whether it holds more after ten times the input.

use super::edge;
use crate::{
    bench::{Bench, Extent},
    cpu,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Target, run},
    room,
    rounds::{Spread, spread},
    sheet::Sheet,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};
use tracker_stream::fault::Fault;

const GROWTH: &str = "edge memory growth";
const BOUND: &str = "edge memory";
const CONNECTIONS: usize = 16;
const EVENTS: u64 = 500;
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);

const LINES: [Line; 2] = [
    Line {
        name: BOUND,
        what: "the most it held at full speed, 500 a POST / what it held before, and what its settings allow besides",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.0),
    },
    Line {
        name: GROWTH,
        what: "resident at full speed after ten times the input / after once",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.05),
    },
];

pub(super) fn group() -> Group {
    Group {
        name: "memory of the edge",
        lines: &LINES,
        share: Share { full: 50, quick: 10 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (edge, extent) = (edge(bench, "edge-memory", "").await?, sheet.extent);
    let (target, shots) = (edge.target(), Shots::batches(EVENTS));
    let bound = cpu::resident_mib(edge.pid)? + room::of(&bench.site().await?.settings, Part::Edge)?;
    let once = held(target, &shots, &extent).await?;
    let between = Extent { stretch: extent.stretch * 8, ..extent };
    run(target, &shots, CONNECTIONS, Pace::Full, &between).await?;
    let tenfold = held(target, &shots, &extent).await?;
    edge.stop().await;
    sheet.put(Measured::both(BOUND, vec![once.most.max(tenfold.most)], vec![bound]));
    sheet.put(Measured::both(GROWTH, vec![tenfold.median], vec![once.median]));
    Ok(())
}

/// What is held while a stretch is under way, when it is warm; MiB.
async fn held(target: Target, shots: &Shots, extent: &Extent) -> Result<Spread, Failure> {
    let warm_at = Instant::now() + extent.warming;
    let watch = async {
        let mut seen = Vec::new();
        while Instant::now() <= warm_at + extent.stretch {
            sleep(LOOK).await;
            let held = cpu::resident_mib(target.pid)?;
            if Instant::now() > warm_at {
                seen.push(held);
            }
        }
        Ok::<_, Failure>(seen)
    };
    let (stretch, seen) = tokio::join!(run(target, shots, CONNECTIONS, Pace::Full, extent), watch);
    stretch?;
    spread(&seen?).ok_or_else(|| Fault::new("memory", "nothing was seen of it").into())
}
