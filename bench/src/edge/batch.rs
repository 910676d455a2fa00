//! Five hundred events a request, as servers and queues send them.

use super::Pair;
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Stretch, run},
    reference::Depth,
    rounds::interleave,
};
use tracker_cli::Failure;

const COST: &str = "edge batch/500";
const RATE: &str = "edge batch/500 rate";
/// Events a request.
const EVENTS: u64 = 500;
/// Connections: enough to keep the server busy, and few enough to wait for each other's messages.
const CONNECTIONS: usize = 16;

const LINES: [Line; 2] = [
    Line {
        name: COST,
        what: "CPU an event, 500 a POST, everything on / the plain reference of the same batch",
        unit: "µs",
        goal: Goal::ratio_at_most(0.8),
    },
    Line {
        name: RATE,
        what: "events for a second of one core, 500 a POST",
        unit: "ev/core-s",
        goal: Goal::at_least(200_000.0),
    },
];

pub(super) fn group() -> Group {
    Group { name: "batches", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let pair = Pair::start(bench, "edge-batch", Depth::Produce).await?;
    let (shots, extent) = (Shots::batches(EVENTS), bench.extent);
    let turn = async |target| run(target, &shots, CONNECTIONS, Pace::Full, &extent).await;
    let (ours, plain) =
        interleave(extent.rounds, async || turn(pair.edge()).await, async || turn(pair.plain.target()).await)
            .await?;
    pair.edge.stop().await;
    let costs = |side: &[Stretch]| side.iter().map(Stretch::us_an_event).collect();
    Ok(vec![
        Measured::both(COST, costs(&ours), costs(&plain)),
        Measured::alone(RATE, ours.iter().map(Stretch::a_core_second).collect()),
    ])
}
