//! What the edge holds at full speed, and whether it holds more after ten times the input.

use crate::{
    bench::{Bench, Extent},
    cpu,
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Target, run},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};

const GROWTH: &str = "edge memory growth";
const BOUND: &str = "edge memory";
const CONNECTIONS: usize = 16;
const EVENTS: u64 = 500;
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// What the settings let wait at once: `edge.inflight_limit`, and `edge.produce_buffer` of events and of payments.
const STATED: f64 = 256.0 + 64.0 + 64.0;

const LINES: [Line; 2] = [
    Line {
        name: GROWTH,
        what: "resident at full speed, 500 a POST, after ten times the input / after once",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.05),
    },
    Line {
        name: BOUND,
        what: "the most it held then; bound: inflight_limit and two produce_buffers",
        unit: "MiB",
        goal: Goal::at_most(STATED),
    },
];

pub(super) fn group() -> Group {
    Group { name: "memory of the edge", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let (site, extent) = (bench.site().await?, bench.extent);
    let edge = site.program(Part::Edge, "edge-memory", "").await?;
    let (target, shots) = (Target { port: edge.port, pid: edge.pid }, Shots::batches(EVENTS));
    let once = held(target, &shots, &extent).await?;
    let long = Extent { stretch: extent.stretch * 9, ..extent };
    run(target, &shots, CONNECTIONS, Pace::Full, &long).await?;
    let tenfold = held(target, &shots, &extent).await?;
    edge.stop().await;
    let most = once.most.max(tenfold.most);
    Ok(vec![
        Measured::both(GROWTH, vec![tenfold.usual], vec![once.usual]),
        Measured::alone(BOUND, vec![most]),
    ])
}

/// MiB.
struct Held {
    usual: f64,
    most: f64,
}

/// What is held while a stretch is under way, when it is warm.
async fn held(target: Target, shots: &Shots, extent: &Extent) -> Result<Held, Failure> {
    let warm_at = Instant::now() + extent.warming;
    let watch = async {
        let mut seen = Vec::new();
        loop {
            sleep(LOOK).await;
            match cpu::resident(target.pid) {
                Ok(bytes) if Instant::now() > warm_at => seen.push(bytes as f64 / f64::from(1 << 20)),
                Ok(_) => {}
                Err(gone) => return Err(gone),
            }
            if Instant::now() > warm_at + extent.stretch {
                return Ok(seen);
            }
        }
    };
    let (stretch, seen) = tokio::join!(run(target, shots, CONNECTIONS, Pace::Full, extent), watch);
    stretch?;
    let held = crate::rounds::spread(&seen?).map(|seen| Held { usual: seen.median, most: seen.most });
    Ok(held.unwrap_or(Held { usual: 0.0, most: 0.0 }))
}
