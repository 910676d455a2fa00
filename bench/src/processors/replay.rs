//! What payments see of a replay: how long their rows take while the topic of events is replayed beside them.

use super::{
    ask::{self, failed},
    fresh::{Kind, Probe, probe_span, start, usual, worst},
};
use crate::{
    bench::Bench,
    line::{Goal, Group, Line, Measured, Share},
    rounds::in_turns,
    sheet::Sheet,
    site::Site,
};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};
use tracker_stack::leash::{self, Leashed};

const REPLAYED: &str = "fresh payments, replay";
/// How long a replay may take to store its first rows.
const PATIENCE: Duration = Duration::from_secs(60);

const LINES: [Line; 1] = [Line {
    name: REPLAYED,
    what: "from the request to a row that can be queried, payments, p99, while a long topic of events is replayed into a shadow",
    unit: "ms",
    goal: Goal::at_most(250.0),
}];

pub(super) fn group() -> Group {
    Group {
        name: "freshness beside a replay",
        lines: &LINES,
        share: Share { full: 50, quick: 10 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let site = &bench.long().await?.site;
    let programs = start(site, &[Part::Edge, Part::Payments]).await?;
    let probe = Probe::of(site, &programs)?;
    let mut replay = Replay::begin(site).await?;
    let (began, before) = (Instant::now(), replay.rows().await?);
    let extent = sheet.extent;
    let turn = async |kind| {
        let took = probe.watch(kind, probe_span(&extent)).await?;
        replay.is_under_way()?;
        Ok(took)
    };
    let [took] = in_turns(sheet.rounds, [Kind::Payment], turn).await?;
    let (span, rows) = (began.elapsed().as_secs_f64(), replay.rows().await? - before);
    drop(replay);
    for program in &programs {
        program.stop().await;
    }
    if rows <= 0.0 {
        return Err(failed("the replay stored nothing meanwhile"));
    }
    let note = format!("{}; the replay stored {:.0} rows/s meanwhile", usual(&took), rows / span);
    sheet.put(Measured::alone(REPLAYED, worst(&took)).noted(note));
    Ok(())
}

/// `tracker replay`. Dropped, it is killed.
struct Replay<'a> {
    process: Leashed,
    site: &'a Site,
}

impl<'a> Replay<'a> {
    /// Starts one of all enriched events, and waits until its first rows are stored.
    async fn begin(site: &'a Site) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(Failure::io("the bench"))?;
        let tracker = own.parent().unwrap_or(Path::new(".")).join("tracker");
        let folder = site.folder.join(Part::Edge.name());
        let log = std::fs::File::create(folder.join("replay.log")).map_err(Failure::io("replay.log"))?;
        let process = leash::spawn(&tracker, |command: &mut Command| {
            command.args(["replay", "--topic", "enriched", "--from", "start", "--into", "shadow", "--new"]);
            command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        })?;
        let (mut replay, began) = (Self { process, site }, Instant::now());
        while replay.rows().await? <= 0.0 {
            replay.is_under_way()?;
            if began.elapsed() > PATIENCE {
                return Err(failed("the replay has stored nothing"));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(replay)
    }

    /// Fails when it is not: then nothing is measured beside it.
    fn is_under_way(&mut self) -> Result<(), Failure> {
        let ended = self.process.ended();
        ended.map_or(Ok(()), |how| Err(failed(format!("the replay ended too early ({how})"))))
    }

    /// Rows that it has stored so far.
    async fn rows(&self) -> Result<f64, Failure> {
        let database = ask::database(self.site)?;
        let rows = format!(
            "SELECT sum(rows) FROM system.parts WHERE active AND startsWith(database, '{database}_replay_') AND table = 'events'"
        );
        ask::number(self.site, &rows).await
    }
}
