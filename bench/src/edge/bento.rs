//! One event a request against the stream processor that others would put here: Benthos' engine, HTTP in and Kafka out.

use super::{costs, edge};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Target, run},
    reference::bento::{Bento, NOT_BUILT},
    rounds::in_turns,
    sheet::Sheet,
};
use tracker_cli::Failure;

const BENTO: &str = "edge one/64 : bento";
const CONNECTIONS: usize = 64;

const LINES: [Line; 1] = [Line {
    name: BENTO,
    what: "CPU an event, one a POST, 64 connections / Benthos, HTTP input to Kafka output",
    unit: "µs",
    goal: Goal::ratio_at_most(0.3),
}];

pub(super) fn group() -> Group {
    Group {
        name: "Bento",
        lines: &LINES,
        share: Share { full: 50, quick: 7 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let edge = edge(bench, "edge-bento", "").await?;
    let (shots, extent) = (Shots::singles(), sheet.extent);
    let turn = async |target: Target| run(target, &shots, CONNECTIONS, Pace::Full, &extent).await;
    let measured = if let Some(bento) = start(bench).await? {
        let sides = [edge.target(), bento.target()];
        let [ours, others] = in_turns(sheet.rounds, sides, turn).await?;
        Measured::both(BENTO, costs(&ours), costs(&others))
    } else {
        Measured::alone(BENTO, costs(&[turn(edge.target()).await?])).noted(NOT_BUILT)
    };
    edge.stop().await;
    sheet.put(measured);
    Ok(())
}

async fn start(bench: &Bench) -> Result<Option<Bento>, Failure> {
    let site = bench.site().await?;
    let told = [("BROKERS", site.kafka()?.brokers), ("TOPIC", site.topic("bento").await?)];
    Bento::start(bench, "http.yaml", &told).await
}
