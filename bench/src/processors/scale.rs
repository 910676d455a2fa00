//! Whether an event costs the same in more partitions, and when there are more kinds of events.

use super::{
    ask,
    backlog::{Shape, USUAL},
    carried::{Carried, shares},
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    rounds::in_turns,
    sheet::{Cost, Sheet},
};
use tracker_cli::Failure;

const SIX: &str = "scale 6 partitions";
const TWENTY_FOUR: &str = "scale 24 partitions";
const FIVE_KINDS: &str = "scale 5 kinds";
const TWENTY_KINDS: &str = "scale 20 kinds";

const FLAT: Option<Goal> = Goal::ratio_at_most(1.1);

const LINES: [Line; 4] = [
    Line {
        name: SIX,
        what: "CPU of enrich and load for an event, 6 partitions / one",
        unit: "µs",
        goal: FLAT,
    },
    Line { name: TWENTY_FOUR, what: "the same, 24 partitions / one", unit: "µs", goal: FLAT },
    Line { name: FIVE_KINDS, what: "the same, 5 kinds of events / one", unit: "µs", goal: FLAT },
    Line { name: TWENTY_KINDS, what: "the same, 20 kinds / one", unit: "µs", goal: FLAT },
];

pub(super) fn group() -> Group {
    Group {
        name: "the cost over partitions and kinds",
        lines: &LINES,
        share: Share { full: 190, quick: 26 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// In how many partitions, and how many kinds.
#[derive(Debug, Clone, Copy)]
struct Case {
    partitions: u64,
    kinds: u64,
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let events = sheet.extent.events;
    let turn = async |case| carried(bench, events, case).await;
    let case = |partitions, kinds| Case { partitions, kinds };
    let sides = [case(1, 5), case(6, 5), case(24, 5), case(1, 1), case(1, 20)];
    let turns = in_turns(sheet.rounds, sides, turn).await?;
    let [one, six, twenty_four, one_kind, twenty_kinds] = &turns;
    let slower = |one: &Carried| one.enrich.rate().min(one.load.rate());
    sheet.cost(Cost::PartitionRate, &one.iter().map(slower).collect::<Vec<_>>());
    let both = |line, ours: &[Carried], reference: &[Carried]| {
        let costs = |turns: &[Carried]| turns.iter().map(Carried::us).collect();
        let note = format!("µs of enrich and load: {}; {}", shares(ours), shares(reference));
        Measured::both(line, costs(ours), costs(reference)).noted(note)
    };
    sheet.put(both(SIX, six, one));
    sheet.put(both(TWENTY_FOUR, twenty_four, one));
    sheet.put(both(FIVE_KINDS, one, one_kind));
    sheet.put(both(TWENTY_KINDS, twenty_kinds, one_kind));
    Ok(())
}

async fn carried(bench: &Bench, events: u64, Case { partitions, kinds }: Case) -> Result<Carried, Failure> {
    let site = bench.beside("scale", &format!("[topics]\npartitions = {partitions}\n")).await?;
    let carried = Carried::of(bench, &site, events, Shape { kinds, ..USUAL }).await?;
    ask::forget(&site).await?;
    Ok(carried)
}
