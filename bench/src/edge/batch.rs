//! Five hundred events a request, as servers and queues send them.

use super::{costs, edge, plain};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Stretch, run},
    reference::{Depth, raw},
    rounds::{BOTH, Side, in_turns},
    sheet::Sheet,
};
use tracker_cli::Failure;

const COST: &str = "edge batch/500";
const RATE: &str = "edge batch/500 rate";
const RAW: &str = "edge batch/500 : raw produce";
/// Events a request.
const EVENTS: u64 = 500;
/// Connections: enough to keep the server busy, and few enough to wait for each other's messages.
const CONNECTIONS: usize = 16;

const LINES: [Line; 3] = [
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
    Line {
        name: RAW,
        what: "CPU an event, 500 a POST / rdkafka alone, which produces messages of 600 bytes from memory",
        unit: "µs",
        goal: None,
    },
];

pub(super) fn group() -> Group {
    Group {
        name: "batches",
        lines: &LINES,
        share: Share { full: 75, quick: 9 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (edge, plain) = (edge(bench, "edge-batch", "").await?, plain(bench, Depth::Produce).await?);
    let (shots, extent, site) = (Shots::batches(EVENTS), sheet.extent, bench.site().await?);
    let (brokers, topic) = (site.kafka()?.brokers, site.topic("raw").await?);
    let mut raw = Vec::new();
    let turn = async |side| match side {
        Side::Ours => run(edge.target(), &shots, CONNECTIONS, Pace::Full, &extent).await,
        Side::Reference => {
            raw.push(raw::produce(&brokers, &topic, &extent).await?);
            run(plain.target(), &shots, CONNECTIONS, Pace::Full, &extent).await
        }
    };
    let [ours, others] = in_turns(sheet.rounds, BOTH, turn).await?;
    edge.stop().await;
    sheet.put(Measured::both(COST, costs(&ours), costs(&others)));
    sheet.put(Measured::alone(RATE, ours.iter().map(Stretch::a_core_second).collect()));
    sheet.put(Measured::both(RAW, costs(&ours), raw));
    Ok(())
}
