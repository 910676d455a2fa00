//! Whether an event costs the same when there are more of them, in more partitions, of more kinds; and whether the processes
//! hold more after more of them.

use super::{
    backlog::{Shape, USUAL, fill},
    drain::{Drained, ENRICH, LOAD, drain},
    events,
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured},
    site::{Parts, Site},
};
use tracker_cli::Failure;

const TENFOLD: &str = "scale backlog 10x";
const HUNDREDFOLD: &str = "scale backlog 100x";
const SIX: &str = "scale 6 partitions";
const TWENTY_FOUR: &str = "scale 24 partitions";
const FIVE_KINDS: &str = "scale 5 kinds";
const TWENTY_KINDS: &str = "scale 20 kinds";
const ENRICH_HELD: &str = "enrich memory growth";
const LOAD_HELD: &str = "load memory growth";

const FLAT: Option<Goal> = Goal::ratio_at_most(1.1);
const COST: &str = "CPU of enrich and load for an event";

const LINES: [Line; 8] = [
    Line {
        name: TENFOLD,
        what: "CPU of enrich and load for an event, 10 times the backlog / once",
        unit: "µs",
        goal: FLAT,
    },
    Line { name: HUNDREDFOLD, what: "the same, 100 times", unit: "µs", goal: FLAT },
    Line { name: SIX, what: "the same, 6 partitions / one", unit: "µs", goal: FLAT },
    Line { name: TWENTY_FOUR, what: "the same, 24 partitions / one", unit: "µs", goal: FLAT },
    Line { name: FIVE_KINDS, what: "the same, 5 kinds of events / one", unit: "µs", goal: FLAT },
    Line { name: TWENTY_KINDS, what: "the same, 20 kinds / one", unit: "µs", goal: FLAT },
    Line {
        name: ENRICH_HELD,
        what: "resident while draining, ten times the backlog / once",
        unit: "MiB",
        goal: Goal::ratio_at_most(1.05),
    },
    Line { name: LOAD_HELD, what: "the same of load", unit: "MiB", goal: Goal::ratio_at_most(1.05) },
];

pub(super) fn group() -> Group {
    Group { name: COST, lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

/// What both have cost and held.
struct Both {
    us: f64,
    enrich: Drained,
    load: Drained,
}

async fn carried(site: &Site, events: u64, shape: Shape) -> Result<Both, Failure> {
    fill(site, events, shape).await?;
    let enrich = drain(site, ENRICH, events).await?;
    let load = drain(site, LOAD, events).await?;
    Ok(Both { us: enrich.us_a_row() + load.us_a_row(), enrich, load })
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.another("scale", Parts::BrokerAndDatabase).await?;
    let most = events(&bench.extent);
    let once = carried(&site, most / 100, USUAL).await?;
    let tenfold = carried(&site, most / 10, USUAL).await?;
    let hundredfold = carried(&site, most, USUAL).await?;
    let mut kinds = Vec::new();
    for names in [1, 5, 20] {
        kinds.push(carried(&site, most / 2, Shape { kinds: names, ..USUAL }).await?.us);
    }
    site.stop().await;
    let mut partitions = Vec::new();
    for number in [1, 6, 24] {
        let settings = format!("[topics]\npartitions = {number}\n");
        let site =
            bench.another_told(&format!("scale-{number}"), Parts::BrokerAndDatabase, &settings).await?;
        partitions.push(carried(&site, most / 2, USUAL).await?.us);
        site.stop().await;
    }
    let pair = |line, ours: f64, other: f64| Measured::both(line, vec![ours], vec![other]);
    let against_first = |line, figures: &[f64], place: usize| {
        let of = |place: usize| figures.get(place).copied().unwrap_or_default();
        pair(line, of(place), of(0))
    };
    Ok(vec![
        pair(TENFOLD, tenfold.us, once.us).noted(format!("once is {} events", most / 100)),
        pair(HUNDREDFOLD, hundredfold.us, once.us),
        against_first(SIX, &partitions, 1),
        against_first(TWENTY_FOUR, &partitions, 2),
        against_first(FIVE_KINDS, &kinds, 1),
        against_first(TWENTY_KINDS, &kinds, 2),
        pair(ENRICH_HELD, hundredfold.enrich.held, tenfold.enrich.held),
        pair(LOAD_HELD, hundredfold.load.held, tenfold.load.held),
    ])
}
