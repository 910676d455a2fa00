//! Load, draining a backlog of enriched events into the table with all its views; beside it the same rows ready-made.

use super::{
    backlog::{USUAL, fill},
    drain::{Drained, ENRICH, LOAD, drain, merged, of_database},
    engine, events,
    native::{self, Blocks, Format, Inserted, Table},
};
use crate::{
    bench::Bench,
    latency::us,
    line::{Goal, Group, Line, Measured},
    site::{Parts, Site},
};
use tracker_cli::Failure;
use tracker_processors::clickhouse::ClickHouseConfig;

const RATE: &str = "load rate";
const DRAIN: &str = "load drain";
const ENGINE: &str = "load : kafka engine";
const STORED: &str = "clickhouse by load";
const VIEWS: &str = "clickhouse views";
const FORM: &str = "clickhouse form";

const LINES: [Line; 6] = [
    Line {
        name: RATE,
        what: "rows for a second of one core of load: consume, decode, encode, send",
        unit: "rows/core-s",
        goal: Goal::at_least(200_000.0),
    },
    Line {
        name: DRAIN,
        what: "rows a second, draining a backlog / the same rows as ready-made Native blocks by plain HTTP into such a table",
        unit: "rows/s",
        goal: Goal::ratio_at_least(0.9),
    },
    Line {
        name: ENGINE,
        what: "the same / ClickHouse's Kafka engine and a view, filling such a table without views",
        unit: "rows/s",
        goal: Goal::ratio_at_least(10.0),
    },
    Line {
        name: VIEWS,
        what: "ClickHouse's CPU a row, the same Native blocks, merges included: with all views / plain MergeTree without",
        unit: "µs",
        goal: Goal::ratio_at_most(1.6),
    },
    Line {
        name: STORED,
        what: "ClickHouse's CPU a row as load inserts it, merges included / the same Native blocks into the same table",
        unit: "µs",
        goal: None,
    },
    Line {
        name: FORM,
        what: "ClickHouse's CPU a row into the plain table: RowBinary / Native",
        unit: "µs",
        goal: None,
    },
];

pub(super) fn group() -> Group {
    Group { name: "load", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

/// What one round gave.
struct Round {
    load: Drained,
    load_us: f64,
    twin: Inserted,
    plain: Inserted,
    rows: Inserted,
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.another("load", Parts::BrokerAndDatabase).await?;
    let database = ClickHouseConfig::read(&site.settings)?.database;
    native::prepare(&site, &database).await?;
    let mut rounds = Vec::new();
    for _ in 0..super::rounds(&bench.extent) {
        rounds.push(round(bench, &site, &database).await?);
    }
    let engine = engine::rate(&site, &database).await;
    site.stop().await;
    let of = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Vec<f64>>();
    let engine = match engine {
        Ok(rate) => Measured::both(ENGINE, of(|one| one.load.rate()), vec![rate; rounds.len()]),
        Err(failure) => Measured::alone(ENGINE, of(|one| one.load.rate())).noted(failure.to_string()),
    };
    Ok(vec![
        Measured::alone(RATE, of(|one| one.load.a_core_second())).noted(note(&rounds)),
        Measured::both(DRAIN, of(|one| one.load.rate()), of(|one| one.twin.rate)),
        engine,
        Measured::both(VIEWS, of(|one| one.twin.us_a_row), of(|one| one.plain.us_a_row)),
        Measured::both(STORED, of(|one| one.load_us), of(|one| one.twin.us_a_row)),
        Measured::both(FORM, of(|one| one.rows.us_a_row), of(|one| one.plain.us_a_row)),
    ])
}

async fn round(bench: &Bench, site: &Site, database: &str) -> Result<Round, Failure> {
    let events = events(&bench.extent);
    fill(site, events, USUAL).await?;
    drain(site, ENRICH, events).await?;
    merged(site).await?;
    let before = of_database(site).await?;
    let load = drain(site, LOAD, events).await?;
    merged(site).await?;
    let load_us = us(of_database(site).await?.saturating_sub(before)) / events as f64;
    let blocks = Blocks::of(site, database, events, Format::Native).await?;
    let twin = native::insert(site, &blocks, Table::Twin).await?;
    let plain = native::insert(site, &blocks, Table::Plain).await?;
    drop(blocks); // hundreds of megabytes
    let blocks = Blocks::of(site, database, events, Format::RowBinary).await?;
    let rows = native::insert(site, &blocks, Table::Plain).await?;
    Ok(Round { load, load_us, twin, plain, rows })
}

fn note(rounds: &[Round]) -> String {
    let Some(Round { load, .. }) = rounds.last() else { return String::new() };
    format!(
        "{:.1} µs a row; the broker {:.1} µs; {:.0} MiB resident",
        load.us_a_row(),
        us(load.broker) / load.rows,
        load.held
    )
}
