//! One event a request: what an event costs that comes alone, as browsers send them.

use super::Pair;
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, run},
    reference::Depth,
    rounds::interleave,
};
use tracker_cli::Failure;

/// CPU of one event, at so many connections.
const AT_64: &str = "edge one/64";
const AT_512: &str = "edge one/512";
/// The same against servers that do less.
const OF_BARE: &str = "edge one/64 : warp";
const OF_PARSE: &str = "edge one/64 : parse";

const LINES: [Line; 4] = [
    Line {
        name: AT_64,
        what: "CPU an event, one a POST, 64 connections / warp + serde_json + plain awaited produce",
        unit: "µs",
        goal: Goal::ratio_at_most(0.9),
    },
    Line { name: AT_512, what: "the same at 512 connections", unit: "µs", goal: Goal::ratio_at_most(0.9) },
    Line {
        name: OF_BARE,
        what: "the same at 64 / warp that reads the body and answers",
        unit: "µs",
        goal: None,
    },
    Line {
        name: OF_PARSE, what: "the same at 64 / warp + serde_json into a struct", unit: "µs", goal: None
    },
];

pub(super) fn group() -> Group {
    Group { name: "one event a request", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let sides = [
        (AT_64, Depth::Produce, 64),
        (AT_512, Depth::Produce, 512),
        (OF_BARE, Depth::Bare, 64),
        (OF_PARSE, Depth::Parse, 64),
    ];
    let mut all = Vec::new();
    for (line, depth, connections) in sides {
        all.push(against(bench, line, depth, connections).await?);
    }
    Ok(all)
}

async fn against(
    bench: &Bench,
    line: &'static str,
    depth: Depth,
    connections: usize,
) -> Result<Measured, Failure> {
    let (pair, shots, extent) =
        (Pair::start(bench, "edge-one", depth).await?, Shots::singles(), bench.extent);
    let turn = async |target| run(target, &shots, connections, Pace::Full, &extent).await;
    let (ours, plain) =
        interleave(extent.rounds, async || turn(pair.edge()).await, async || turn(pair.plain.target()).await)
            .await?;
    pair.edge.stop().await;
    let costs = |stretches: &[crate::load::Stretch]| stretches.iter().map(|one| one.us_an_event()).collect();
    Ok(Measured::both(line, costs(&ours), costs(&plain)))
}
