//! Load, draining a backlog of enriched events into the table with all its views. Beside it, in turns, the same rows ready-made,
//! and those who do the same work by other means.

use super::{
    ask,
    backlog::{USUAL, fill},
    drain::{ENRICH, Idle, LOAD, drain, merged, of_database},
    engine::Lines,
    native::{self, Blocks, Format, Inserted},
    rival,
};
use crate::{
    bench::Bench,
    latency::us,
    line::{Goal, Group, Line, Measured, Share},
    reference::{bento::NOT_BUILT, raw},
    rounds::{in_turns, median_of},
    sheet::{Cost, Sheet},
    site::Site,
};
use tracker_cli::Failure;

const RATE: &str = "load rate";
const RAW: &str = "load : raw consume";
const RIVAL: &str = "load : bento";
const NATIVE: &str = "load : native";
const VIEWS: &str = "clickhouse views";
const STORED: &str = "clickhouse by load";
const FORM: &str = "clickhouse form";
const FORM_VIEWS: &str = "clickhouse form : views";

const LINES: [Line; 8] = [
    Line {
        name: RATE,
        what: "rows for a second of one core of load: consume, decode, encode, send",
        unit: "rows/core-s",
        goal: Goal::at_least(200_000.0),
    },
    Line {
        name: RAW,
        what: "CPU of load for a row / rdkafka alone, which consumes messages of 600 bytes into memory",
        unit: "µs",
        goal: None,
    },
    Line {
        name: RIVAL,
        what: "CPU of load for a row / Benthos, Kafka input to ClickHouse output, rows of 25 columns",
        unit: "µs",
        goal: Goal::ratio_at_most(0.2),
    },
    Line {
        name: NATIVE,
        what: "rows a second, draining a short backlog / ready-made Native blocks by plain HTTP into such a table",
        unit: "rows/s",
        goal: None,
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
    Line { name: FORM_VIEWS, what: "the same into the table with all views", unit: "µs", goal: None },
];

pub(super) fn group() -> Group {
    Group {
        name: "load",
        lines: &LINES,
        share: Share { full: 200, quick: 34 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Load,
    Twin,
    Plain,
    Rows,
    TwinRows,
    Raw,
    Rival,
}

/// What a turn gave, as far as it is one that gives it.
#[derive(Debug, Default)]
struct Turn {
    /// Rows a second.
    rate: f64,
    /// CPU of who reads, for a row, microseconds.
    own_us: f64,
    /// CPU of the database for a row, merges included.
    database_us: f64,
    /// Of load.
    loaded: Loaded,
    /// Why it gave nothing.
    error: Option<String>,
}

/// What is known of the loader's turns alone.
#[derive(Debug, Default)]
struct Loaded {
    sent_bytes: f64,
    row_bytes: f64,
    broker_us: f64,
    held: f64,
}

/// What the references stand on: rows that were loaded before, in all the forms that they take.
struct Ground {
    twin: Site,
    plain: String,
    native: Blocks,
    rows: Blocks,
    /// For the rival: fewer columns.
    few: Lines,
    messages: String,
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let ground = prepare(bench, sheet.extent.events).await?;
    let Ground { twin, plain, native, rows, few, messages } = &ground;
    let events = sheet.extent.events;
    let database = ask::database(twin)?;
    let turn = async |side| match side {
        Side::Load => load(bench, events).await,
        Side::Twin => native::insert(twin, native, &database).await.map(Turn::from),
        Side::Plain => native::insert(twin, native, plain).await.map(Turn::from),
        Side::Rows => native::insert(twin, rows, plain).await.map(Turn::from),
        Side::TwinRows => native::insert(twin, rows, &database).await.map(Turn::from),
        Side::Raw => {
            let own_us = raw::consume(&twin.kafka()?.brokers, messages, events).await?;
            Ok(Turn { own_us, ..Turn::default() })
        }
        // A rival that fails takes nobody's figures with it.
        Side::Rival => {
            let us = rival::us_a_row(bench, twin, few).await;
            Ok(Turn::of(us, |us| Turn { own_us: us.unwrap_or_default(), ..Turn::default() }))
        }
    };
    let sides = [Side::Load, Side::Twin, Side::Plain, Side::Rows, Side::TwinRows, Side::Raw, Side::Rival];
    let turns = in_turns(sheet.rounds, sides, turn).await?;
    put(sheet, &turns);
    ask::forget(twin).await
}

fn put(sheet: &mut Sheet, turns: &[Vec<Turn>; 7]) {
    let [load, twin, plain, rows, twin_rows, raw, rival] = turns;
    let of = |turns: &[Turn], figure: fn(&Turn) -> f64| turns.iter().map(figure).collect::<Vec<f64>>();
    let rate = |turns| of(turns, |turn| turn.rate);
    let own = |turns| of(turns, |turn| turn.own_us);
    let database = |turns| of(turns, |turn| turn.database_us);
    sheet.cost(Cost::LoadUs, &own(load));
    sheet.cost(Cost::ClickhouseUs, &database(load));
    sheet.cost(Cost::InsertBytes, &of(load, |turn| turn.loaded.sent_bytes));
    sheet.cost(Cost::RowBytes, &of(load, |turn| turn.loaded.row_bytes));
    let rows_a_core = own(load).iter().map(|us| 1e6 / us).collect();
    sheet.put(Measured::alone(RATE, rows_a_core).noted(note(load)));
    sheet.put(Measured::both(RAW, own(load), own(raw)));
    let rival_us = own(rival);
    let is_built = rival_us.iter().any(|us| *us > 0.0);
    sheet.put(error_of(rival, RIVAL).unwrap_or_else(|| {
        if is_built {
            Measured::both(RIVAL, own(load), rival_us)
        } else {
            Measured::alone(RIVAL, own(load)).noted(NOT_BUILT)
        }
    }));
    sheet.put(Measured::both(NATIVE, rate(load), rate(twin)));
    sheet.put(Measured::both(VIEWS, database(twin), database(plain)));
    sheet.put(Measured::both(STORED, database(load), database(twin)));
    sheet.put(Measured::both(FORM, database(rows), database(plain)));
    sheet.put(Measured::both(FORM_VIEWS, database(twin_rows), database(twin)));
}

/// The line of a rival of which a turn failed.
fn error_of(turns: &[Turn], line: &'static str) -> Option<Measured> {
    turns.iter().find_map(|turn| turn.error.as_ref()).map(|why| Measured::failed(line, why))
}

impl From<Inserted> for Turn {
    fn from(Inserted { rate, us_a_row }: Inserted) -> Self {
        Self { rate, database_us: us_a_row, ..Self::default() }
    }
}

impl Turn {
    /// That of a rival.
    fn of<T>(given: Result<T, Failure>, turn: impl FnOnce(T) -> Self) -> Self {
        given.map_or_else(|why| Self { error: Some(why.to_string()), ..Self::default() }, turn)
    }
}

async fn prepare(bench: &Bench, events: u64) -> Result<Ground, Failure> {
    let first = bench.beside("load", "").await?;
    enriched(&first, events).await?;
    drain(&first, LOAD, events, Idle::default()).await?;
    merged(&first).await?;
    let native = Blocks::of(&first, Format::Native).await?;
    let rows = Blocks::of(&first, Format::RowBinary).await?;
    let few = Lines::of(&first, rival::COLUMNS, events / 5).await?;
    ask::forget(&first).await?;
    let twin = bench.beside("twin", "").await?;
    let plain = native::plain(&twin).await?;
    let messages = twin.topic("raw").await?;
    raw::fill(&twin.kafka()?.brokers, &messages, events).await?;
    Ok(Ground { twin, plain, native, rows, few, messages })
}

/// A backlog for load: what enrich makes of one of raw events.
async fn enriched(site: &Site, events: u64) -> Result<(), Failure> {
    fill(site, events, USUAL).await?;
    drain(site, ENRICH, events, Idle::default()).await.map(drop)
}

async fn load(bench: &Bench, events: u64) -> Result<Turn, Failure> {
    let site = bench.beside("load", "").await?;
    let idle = bench.idle(LOAD).await?;
    enriched(&site, events).await?;
    merged(&site).await?;
    let (before, received) = (of_database(&site).await?, ask::received(&site).await?);
    let drained = drain(&site, LOAD, events, idle).await?;
    let received = ask::received(&site).await? - received;
    merged(&site).await?;
    let spent = of_database(&site).await?.saturating_sub(before);
    let row_bytes = format!(
        "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = '{}' AND table = 'events'",
        ask::database(&site)?
    );
    let loaded = Loaded {
        sent_bytes: received / drained.rows,
        row_bytes: ask::number(&site, &row_bytes).await?,
        broker_us: drained.broker_us(),
        held: drained.most(),
    };
    ask::forget(&site).await?;
    let (rate, own_us, database_us) = (drained.rate(), drained.us_a_row(), us(spent) / drained.rows);
    Ok(Turn { rate, own_us, database_us, loaded, error: None })
}

fn note(turns: &[Turn]) -> String {
    format!(
        "{:.1} µs a row; {:.0} rows/s; the broker {:.1} µs; {:.0} MiB resident at most; {:.0} bytes a row sent, {:.0} on disk",
        median_of(turns, |turn| turn.own_us),
        median_of(turns, |turn| turn.rate),
        median_of(turns, |turn| turn.loaded.broker_us),
        median_of(turns, |turn| turn.loaded.held),
        median_of(turns, |turn| turn.loaded.sent_bytes),
        median_of(turns, |turn| turn.loaded.row_bytes),
    )
}
