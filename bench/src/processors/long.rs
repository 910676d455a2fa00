//! A long backlog: whether an event costs the same when there are a hundred times as many, how fast load drains it beside the
//! same rows ready-made and beside ClickHouse's own Kafka engine, and what enrich and load hold over it.

use super::{
    ask,
    backlog::USUAL,
    carried::{Carried, shares},
    drain::{ENRICH, Idle, LOAD, merged},
    engine::{self, Lines},
    memory::Held,
    native::{self, Blocks, Format, Inserted},
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    rounds::median,
    sheet::Sheet,
    site::Site,
};
use tracker_cli::{Failure, chaos::part::Part};

const DRAIN: &str = "load drain";
const ENGINE: &str = "load : kafka engine";
const TENFOLD: &str = "scale backlog 10x";
const HUNDREDFOLD: &str = "scale backlog 100x";
const ENRICH_BOUND: &str = "enrich memory";
const ENRICH_GROWTH: &str = "enrich memory growth";
const LOAD_BOUND: &str = "load memory";
const LOAD_GROWTH: &str = "load memory growth";

const LINES: [Line; 8] = [
    Line {
        name: DRAIN,
        what: "rows a second, draining a long backlog / the same rows as ready-made Native blocks by plain HTTP into such a table",
        unit: "rows/s",
        goal: Goal::ratio_at_least(0.9),
    },
    Line {
        name: ENGINE,
        what: "the same / ClickHouse's Kafka engine and a view, filling such a table from a share of the same rows",
        unit: "rows/s",
        goal: Goal::ratio_at_least(10.0),
    },
    Line {
        name: TENFOLD,
        what: "CPU of enrich and load for an event, 10 times the backlog / once",
        unit: "µs",
        goal: Goal::ratio_at_most(1.1),
    },
    Line { name: HUNDREDFOLD, what: "the same, 100 times", unit: "µs", goal: Goal::ratio_at_most(1.1) },
    Held::BOUND.named(ENRICH_BOUND),
    Held::GROWTH.named(ENRICH_GROWTH),
    Held::BOUND.named(LOAD_BOUND),
    Held::GROWTH.named(LOAD_GROWTH),
];

pub(super) fn group() -> Group {
    Group {
        name: "the long backlog",
        lines: &LINES,
        share: Share { full: 430, quick: 38 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// The backlog when it is drained, and what that has cost.
pub struct Long {
    /// Where it is.
    pub site: Site,
    /// The longest of them.
    carried: Carried,
    /// The shorter ones, and of a hundred, how long each is.
    shorter: Vec<(u64, Carried)>,
    ready: Inserted,
    /// Rows a second of the Kafka engine, and of how many. One that fails takes nobody's figures with it.
    engine: Result<(f64, u64), Failure>,
}

impl Long {
    /// Makes it and drains it: once, ten times and a hundred times as long, and where there is time the way back.
    ///
    /// # Errors
    /// A part that does not come up, or comes to no end.
    pub async fn make(bench: &Bench) -> Result<Self, Failure> {
        let back: &[u64] = if bench.extent.is_quick { &[] } else { &[10, 1] };
        let mut shorter = Vec::new();
        for times in [1, 10] {
            shorter.push((times, short(bench, times).await?));
        }
        let (site, carried) = carry(bench, 100).await?;
        for times in back {
            shorter.push((*times, short(bench, *times).await?));
        }
        merged(&site).await?;
        let blocks = Blocks::of(&site, Format::Native).await?;
        let twin = bench.beside("twin", "").await?;
        let ready = native::insert(&twin, &blocks, &ask::database(&twin)?).await?;
        let engine = engine(bench, &site, &twin).await;
        ask::forget(&twin).await?;
        Ok(Self { site, carried, shorter, ready, engine })
    }

    /// What an event cost in backlogs of that length.
    fn us(&self, times: u64) -> f64 {
        let same = self.shorter.iter().filter(|(length, _)| *length == times);
        median(&same.map(|(_, carried)| carried.us()).collect::<Vec<_>>())
    }
}

/// Of the Kafka engine, filling a twin.
async fn engine(bench: &Bench, site: &Site, twin: &Site) -> Result<(f64, u64), Failure> {
    let lines = Lines::of(site, "*", bench.extent.events / 5).await?;
    Ok((engine::rate(twin, &lines).await?, lines.count))
}

/// One of which nothing is looked at again.
async fn short(bench: &Bench, times: u64) -> Result<Carried, Failure> {
    let (site, carried) = carry(bench, times).await?;
    ask::forget(&site).await?;
    Ok(carried)
}

async fn carry(bench: &Bench, times: u64) -> Result<(Site, Carried), Failure> {
    let (site, events) = (bench.beside("long", "").await?, bench.extent.long * times / 100);
    let carried = Carried::of(bench, &site, events, USUAL).await?;
    Ok((site, carried))
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let long = bench.long().await?;
    let Long { site, carried, ready, engine, .. } = long;
    let rows = carried.load.rows;
    let note = format!("{rows:.0} rows, in one round; {:.1} µs a row of load", carried.load.us_a_row());
    sheet.put(Measured::both(DRAIN, vec![carried.load.rate()], vec![ready.rate]).noted(note));
    sheet.put(match engine {
        Ok((rate, lines)) => Measured::both(ENGINE, vec![carried.load.rate()], vec![*rate])
            .noted(format!("{lines} rows of the engine, in one round")),
        Err(why) => Measured::failed(ENGINE, why.to_string()),
    });
    let once = || vec![long.us(1)];
    let note = format!("once is {:.0} events; {} of enrich and load", rows / 100.0, in_order(long));
    sheet.put(Measured::both(TENFOLD, vec![long.us(10)], once()).noted(note));
    sheet.put(Measured::both(HUNDREDFOLD, vec![carried.us()], once()));
    let held = |part, idle: Idle, drained| Held { part, site, idle, drained };
    let enrich = held(Part::Enrich, bench.idle(ENRICH).await?, &carried.enrich);
    let load = held(Part::Load, bench.idle(LOAD).await?, &carried.load);
    for (held, bound, growth) in [(enrich, ENRICH_BOUND, ENRICH_GROWTH), (load, LOAD_BOUND, LOAD_GROWTH)] {
        sheet.put(held.bound(bound)?);
        sheet.put(held.growth(growth));
    }
    Ok(())
}

/// What each of both cost, in the order of the backlogs.
fn in_order(long: &Long) -> String {
    let shorter = long.shorter.iter().map(|(times, carried)| (*times, carried));
    let one = |(times, carried)| format!("{times}x {} µs", shares(std::slice::from_ref(carried)));
    shorter.chain([(100, &long.carried)]).map(one).collect::<Vec<_>>().join(", ")
}
