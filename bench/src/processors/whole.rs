//! All of it at once: from the socket to the stored row, every process counted, broker and database included.

use super::{
    ask,
    drain::{merged, of_database},
};
use crate::{
    bench::{Bench, Extent},
    cpu,
    latency::us,
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Target, run},
    rounds::{in_turns, median_of},
    sheet::{Cost, Sheet},
    site::{Program, Site},
};
use std::time::Duration;
use tracker_cli::{Failure, chaos::part::Part};
use tracker_schemas::Topic;

const COST: &str = "whole one/64";
const RATIO: &str = "whole one/64 : batch";
const CONNECTIONS: usize = 64;
const EVENTS: u64 = 500;
const BATCH_CONNECTIONS: usize = 16;

const LINES: [Line; 2] = [
    Line {
        name: COST,
        what: "CPU an event from socket to stored row, one a POST, 64 connections: all processes, broker and ClickHouse, merges",
        unit: "µs",
        goal: Goal::at_most(85.0),
    },
    Line {
        name: RATIO,
        what: "the same / with 500 events a POST",
        unit: "µs",
        goal: Goal::ratio_at_most(2.5),
    },
];

pub(super) fn group() -> Group {
    Group {
        name: "the whole system",
        lines: &LINES,
        share: Share { full: 150, quick: 22 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// Who runs.
struct All {
    site: Site,
    edge: Target,
    programs: Vec<(Part, Program)>,
}

/// What a turn cost for an event.
struct Turn {
    /// CPU of each process, microseconds.
    parts: Vec<(Part, f64)>,
    /// In the topic `events`, and in `enriched`.
    bytes: [f64; 2],
}

impl Turn {
    fn sum(&self) -> f64 {
        self.parts.iter().map(|(_, us)| us).sum()
    }

    fn of(&self, wanted: Part) -> f64 {
        self.parts.iter().find(|(part, _)| *part == wanted).map_or(0.0, |(_, us)| *us)
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let all = start(bench).await?;
    let (singles, batches) = (Shots::new_singles(), Shots::new_batches(EVENTS));
    let sides = [(&singles, CONNECTIONS), (&batches, BATCH_CONNECTIONS)];
    let turn = async |(shots, connections): (&Shots, usize)| stretch(bench, &all, shots, connections).await;
    // The broker's and the database's first events cost them a multiple: compilers, caches.
    for side in sides {
        turn(side).await?;
    }
    let [singles, batches] = in_turns(sheet.rounds, sides, turn).await?;
    for (_, program) in &all.programs {
        program.stop().await;
    }
    ask::forget(&all.site).await?;
    sheet.cost(Cost::BrokerUs, &singles.iter().map(|turn| turn.of(Part::Broker)).collect::<Vec<_>>());
    for (place, cost) in [Cost::RawBytes, Cost::EnrichedBytes].into_iter().enumerate() {
        let bytes = singles.iter().filter_map(|turn| turn.bytes.get(place).copied());
        sheet.cost(cost, &bytes.collect::<Vec<_>>());
    }
    let sums = |turns: &[Turn]| turns.iter().map(Turn::sum).collect::<Vec<_>>();
    let note = format!("µs: {}; in batches of 500: {}", note(&all, &singles), note(&all, &batches));
    sheet.put(Measured::alone(COST, sums(&singles)).noted(note));
    sheet.put(Measured::both(RATIO, sums(&singles), sums(&batches)));
    Ok(())
}

/// Where each microsecond goes.
fn note(all: &All, turns: &[Turn]) -> String {
    let parts = all.programs.iter().map(|(part, _)| *part).chain([Part::Broker, Part::Clickhouse]);
    let of = |part| format!("{part} {:.1}", median_of(turns, |turn| turn.of(part)));
    parts.map(of).collect::<Vec<_>>().join(", ")
}

async fn start(bench: &Bench) -> Result<All, Failure> {
    let site = bench.beside("whole", "").await?;
    let edge = site.program(Part::Edge, "edge", "").await?;
    let target = edge.target();
    let mut programs = vec![(Part::Edge, edge)];
    for part in [Part::Enrich, Part::Load] {
        programs.push((part, site.program(part, part.name(), "").await?));
    }
    Ok(All { site, edge: target, programs })
}

/// What each process spends for an event, until all that was sent is stored and merged. Three times as long as usual: what all
/// of them spend while the last rows are waited for, and merges, is not to weigh more than the events.
async fn stretch(bench: &Bench, all: &All, shots: &Shots, connections: usize) -> Result<Turn, Failure> {
    let (before, rows, log) = (spent(all).await?, ask::rows(&all.site).await?, bytes(&all.site)?);
    let extent = Extent { stretch: bench.extent.stretch * 3, ..bench.extent };
    let sent = run(all.edge, shots, connections, Pace::Full, &extent).await?.all as f64;
    ask::stored(&all.site, rows + sent).await?;
    merged(&all.site).await?;
    let after = spent(all).await?;
    let cost = |((part, before), (_, after)): ((Part, Duration), (Part, Duration))| {
        (part, us(after.saturating_sub(before)) / sent.max(1.0))
    };
    let parts = before.into_iter().zip(after).map(cost).collect();
    let ([raw, enriched], [raw_before, enriched_before]) = (bytes(&all.site)?, log);
    Ok(Turn { parts, bytes: [(raw - raw_before) / sent, (enriched - enriched_before) / sent] })
}

/// What `events` and `enriched` take on the broker's disk.
fn bytes(site: &Site) -> Result<[f64; 2], Failure> {
    let kafka = site.kafka()?;
    let of = |topic: Topic| site.bytes_of(&kafka.topic(topic.name()));
    Ok([of(Topic::Events)? as f64, of(Topic::Enriched)? as f64])
}

async fn spent(all: &All) -> Result<Vec<(Part, Duration)>, Failure> {
    let mut spent = Vec::new();
    for (part, program) in &all.programs {
        spent.push((*part, cpu::used(program.pid)?));
    }
    spent.push((Part::Broker, cpu::used(all.site.ground.broker.lock().await.pid())?));
    spent.push((Part::Clickhouse, of_database(&all.site).await?));
    Ok(spent)
}
