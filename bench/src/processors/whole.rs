//! All of it at once: from the socket to the stored row, every process counted, broker and database included.

use super::{
    ask,
    drain::{merged, of_database},
};
use crate::{
    bench::Bench,
    cpu,
    latency::us,
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Target, run},
    site::{Parts, Program, Site},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};
use tracker_processors::clickhouse::ClickHouseConfig;

const COST: &str = "whole one/64";
const RATIO: &str = "whole one/64 : batch";
const CONNECTIONS: usize = 64;
const EVENTS: u64 = 500;
const BATCH_CONNECTIONS: usize = 16;
/// How long rows may take that were accepted.
const PATIENCE: Duration = Duration::from_secs(120);

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
    Group { name: "the whole system", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

/// Who runs.
struct All {
    site: Site,
    database: String,
    programs: Vec<(Part, Program)>,
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.another("whole", Parts::BrokerAndDatabase).await?;
    let database = ClickHouseConfig::read(&site.settings)?.database;
    let mut programs = Vec::new();
    for part in [Part::Edge, Part::Enrich, Part::Load] {
        programs.push((part, site.program(part, part.name(), "").await?));
    }
    let all = All { site, database, programs };
    // The broker's and the database's first events cost them a multiple: compilers, caches.
    stretch(bench, &all, &Shots::new_batches(EVENTS), BATCH_CONNECTIONS).await?;
    stretch(bench, &all, &Shots::new_singles(), CONNECTIONS).await?;
    let (mut singles, mut batches, mut note) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..super::rounds(&bench.extent) {
        let costs = stretch(bench, &all, &Shots::new_singles(), CONNECTIONS).await?;
        note = costs.iter().map(|(part, cost)| format!("{part} {cost:.1}")).collect::<Vec<_>>().join(", ");
        singles.push(costs.iter().map(|(_, cost)| cost).sum());
        let costs = stretch(bench, &all, &Shots::new_batches(EVENTS), BATCH_CONNECTIONS).await?;
        batches.push(costs.iter().map(|(_, cost)| cost).sum::<f64>());
    }
    for (_, program) in &all.programs {
        program.stop().await;
    }
    all.site.stop().await;
    Ok(vec![
        Measured::alone(COST, singles.clone()).noted(format!("µs of the last round: {note}")),
        Measured::both(RATIO, singles, batches),
    ])
}

/// What each process spends for an event, until all that was sent is stored and merged.
async fn stretch(
    bench: &Bench,
    all: &All,
    shots: &Shots,
    connections: usize,
) -> Result<Vec<(Part, f64)>, Failure> {
    let (before, rows) = (spent(all).await?, rows(all).await?);
    let edge = all.programs.first().map(|(_, edge)| Target { port: edge.port, pid: edge.pid });
    let edge = edge.ok_or_else(|| ask::failed("no edge"))?;
    run(edge, shots, connections, Pace::Full, &bench.extent).await?;
    let stored = settle(all).await? - rows;
    merged(&all.site).await?;
    let after = spent(all).await?;
    let cost = |((part, before), (_, after)): ((Part, Duration), (Part, Duration))| {
        (part, us(after.saturating_sub(before)) / stored.max(1.0))
    };
    Ok(before.into_iter().zip(after).map(cost).collect())
}

async fn spent(all: &All) -> Result<Vec<(Part, Duration)>, Failure> {
    let mut spent = Vec::new();
    for (part, program) in &all.programs {
        spent.push((*part, cpu::used(program.pid)?));
    }
    spent.push((Part::Broker, cpu::used(all.site.broker.lock().await.pid())?));
    spent.push((Part::Clickhouse, of_database(&all.site).await?));
    Ok(spent)
}

async fn rows(all: &All) -> Result<f64, Failure> {
    ask::number(&all.site, &format!("SELECT count() FROM {}.events", all.database)).await
}

/// Waits until no row comes any more; how many there are.
async fn settle(all: &All) -> Result<f64, Failure> {
    const CALM: Duration = Duration::from_secs(4);
    let (began, mut last, mut since) = (Instant::now(), rows(all).await?, Instant::now());
    while since.elapsed() < CALM {
        if began.elapsed() > PATIENCE {
            return Err(ask::failed("rows come for ever"));
        }
        sleep(Duration::from_millis(200)).await;
        let now = rows(all).await?;
        if now > last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(last)
}
