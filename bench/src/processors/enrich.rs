//! Enrich, draining a backlog of raw events: GeoIP, device, referrer, consent, transactions, duplicates.

use super::{
    ask,
    backlog::{Agents, Shape, USUAL, fill},
    drain::{Drained, ENRICH, drain},
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    rounds::{in_turns, median_of},
    sheet::{Cost, Sheet},
};
use tracker_cli::Failure;

const RATE: &str = "enrich rate";
const AGENTS: &str = "enrich agents";

const LINES: [Line; 2] = [
    Line {
        name: RATE,
        what: "events for a second of one core of enrich: GeoIP, device, referrer, consent, transaction",
        unit: "ev/core-s",
        goal: Goal::at_least(120_000.0),
    },
    Line {
        name: AGENTS,
        what: "the same, when no User-Agent comes twice",
        unit: "ev/core-s",
        goal: Goal::at_least(30_000.0),
    },
];

pub(super) fn group() -> Group {
    Group {
        name: "enrich",
        lines: &LINES,
        share: Share { full: 115, quick: 14 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (idle, events) = (bench.idle(ENRICH).await?, sheet.extent.events);
    let turn = async |shape| {
        let site = bench.beside("enrich", "").await?;
        fill(&site, events, shape).await?;
        let drained = drain(&site, ENRICH, events, idle).await?;
        ask::forget(&site).await?;
        Ok(drained)
    };
    let sides = [USUAL, Shape { agents: Agents::Distinct, ..USUAL }];
    let [usual, distinct] = in_turns(sheet.rounds, sides, turn).await?;
    sheet.cost(Cost::EnrichUs, &usual.iter().map(Drained::us_a_row).collect::<Vec<_>>());
    let rates = |all: &[Drained]| all.iter().map(Drained::a_core_second).collect();
    sheet.put(Measured::alone(RATE, rates(&usual)).noted(note(&usual)));
    sheet.put(Measured::alone(AGENTS, rates(&distinct)).noted(note(&distinct)));
    Ok(())
}

fn note(all: &[Drained]) -> String {
    format!(
        "{:.1} µs an event; {:.0} events/s; the broker {:.1} µs; {:.0} MiB resident at most",
        median_of(all, Drained::us_a_row),
        median_of(all, Drained::rate),
        median_of(all, Drained::broker_us),
        median_of(all, Drained::most),
    )
}
