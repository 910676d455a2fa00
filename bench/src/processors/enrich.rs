//! Enrich, draining a backlog of raw events: GeoIP, device, referrer, consent, transactions, duplicates.

use super::{
    backlog::{Agents, Shape, USUAL, fill},
    drain::{Drained, ENRICH, drain},
    events,
};
use crate::{
    bench::Bench,
    latency::us,
    line::{Goal, Group, Line, Measured},
    rounds::spread,
    site::{Parts, Site},
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
    Group { name: "enrich", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.another("enrich", Parts::Broker).await?;
    let usual = rounds(bench, &site, USUAL).await?;
    let distinct = rounds(bench, &site, Shape { agents: Agents::Distinct, ..USUAL }).await?;
    site.stop().await;
    let rates = |all: &[Drained]| all.iter().map(Drained::a_core_second).collect();
    Ok(vec![
        Measured::alone(RATE, rates(&usual)).noted(note(&usual)),
        Measured::alone(AGENTS, rates(&distinct)).noted(note(&distinct)),
    ])
}

async fn rounds(bench: &Bench, site: &Site, shape: Shape) -> Result<Vec<Drained>, Failure> {
    let mut all = Vec::new();
    for _ in 0..super::rounds(&bench.extent) {
        let events = events(&bench.extent);
        fill(site, events, shape).await?;
        all.push(drain(site, ENRICH, events).await?);
    }
    Ok(all)
}

fn note(all: &[Drained]) -> String {
    let median = |of: fn(&Drained) -> f64| {
        spread(&all.iter().map(of).collect::<Vec<_>>()).map_or(0.0, |spread| spread.median)
    };
    format!(
        "{:.1} µs an event; {:.0} events/s; the broker {:.1} µs; {:.0} MiB resident",
        median(Drained::us_a_row),
        median(Drained::rate),
        median(|drained| us(drained.broker) / drained.rows),
        median(|drained| drained.held),
    )
}
