//! From the start of a program to its first answer that it can work, with the broker and the database up.

use crate::{
    bench::Bench,
    latency::ms,
    line::{Goal, Group, Line, Measured, Share},
    rounds::in_turns,
    sheet::Sheet,
};
use tracker_cli::{Failure, chaos::part::Part};

const WHAT: &str = "from the start of the process to 200 from /ready, broker and database up";
const GOAL: Option<Goal> = Goal::at_most(300.0);

const LINES: [Line; 4] = [
    Line { name: "start edge", what: WHAT, unit: "ms", goal: GOAL },
    Line { name: "start enrich", what: WHAT, unit: "ms", goal: GOAL },
    Line { name: "start load", what: WHAT, unit: "ms", goal: GOAL },
    Line { name: "start payments", what: WHAT, unit: "ms", goal: GOAL },
];

pub(super) fn group() -> Group {
    Group {
        name: "starts",
        lines: &LINES,
        share: Share { full: 40, quick: 12 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let site = bench.site().await?;
    let turn = async |part: Part| {
        let program = site.program(part, &format!("start-{part}"), "").await?;
        program.stop().await;
        Ok(ms(program.start))
    };
    let starts = in_turns(sheet.rounds, Part::PROGRAMS, turn).await?;
    for (line, starts) in LINES.iter().zip(starts) {
        sheet.put(Measured::alone(line.name, starts));
    }
    Ok(())
}
