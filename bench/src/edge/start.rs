//! From the start of a program to its first answer that it can work, with the broker and the database up.

use crate::{
    bench::Bench,
    latency::ms,
    line::{Goal, Group, Line, Measured},
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
    Group { name: "starts", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.site().await?;
    let mut all = Vec::new();
    for (line, part) in LINES.iter().zip(Part::PROGRAMS) {
        let mut starts = Vec::new();
        for _ in 0..bench.extent.rounds {
            let program = site.program(part, &format!("start-{part}"), "").await?;
            starts.push(ms(program.start));
            program.stop().await;
        }
        all.push(Measured::alone(line.name, starts));
    }
    Ok(all)
}
