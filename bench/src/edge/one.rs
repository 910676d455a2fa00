//! One event a request: what an event costs that comes alone, as browsers send them.

use super::{costs, edge, plain};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, run},
    reference::Depth,
    rounds::in_turns,
    sheet::{Cost, Sheet},
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
    Group {
        name: "one event a request",
        lines: &LINES,
        share: Share { full: 140, quick: 24 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (edge, shots, extent) = (edge(bench, "edge-one", "").await?, Shots::singles(), sheet.extent);
    let (produce, parse, bare) = (
        plain(bench, Depth::Produce).await?,
        plain(bench, Depth::Parse).await?,
        plain(bench, Depth::Bare).await?,
    );
    let sides = [
        (edge.target(), 64),
        (produce.target(), 64),
        (parse.target(), 64),
        (bare.target(), 64),
        (edge.target(), 512),
        (produce.target(), 512),
    ];
    let turn = async |(target, connections)| run(target, &shots, connections, Pace::Full, &extent).await;
    let turns = in_turns(sheet.rounds, sides, turn).await?;
    edge.stop().await;
    let [ours, produce, parse, bare, ours_512, produce_512] = turns.each_ref().map(|turns| costs(turns));
    sheet.cost(Cost::EdgeUs, &ours);
    sheet.put(Measured::both(AT_64, ours.clone(), produce));
    sheet.put(Measured::both(AT_512, ours_512, produce_512));
    sheet.put(Measured::both(OF_BARE, ours.clone(), bare));
    sheet.put(Measured::both(OF_PARSE, ours, parse));
    Ok(())
}
