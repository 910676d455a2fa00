//! `tracker chaos`: what the promises are worth, seen by oneself. A private Tracker is started, a load is sent, its
//! parts are killed, stopped, paused and cut off while it runs, and in the end every accepted id is looked for.
//!
//! [`Lab`](lab::Lab) is what is maltreated, [`Load`](load::Load) what a careful client sends, [`plan::draw`] which
//! [`Strike`](strike::Strike) falls when, [`oracle::judge`] what is found, [`Report`](report::Report) what is told. The
//! seed decides load and plan; how the machine takes them is its own, so a run is never quite the same again.
//!
//! The tests of the promises use the same kit. It touches nothing but what it has started.
//!
//! Clocks: the machine's own is never changed. What a jump could harm is tried in other ways: events carry times of
//! four weeks, a process that was stopped for seconds wakes up in another time, and spans are measured by clocks
//! that only go forward.

mod count;
pub mod lab;
pub mod load;
pub mod oracle;
pub mod part;
pub mod plan;
pub mod report;
pub mod run;
pub mod scenario;
pub mod stage;
pub mod strike;

use crate::{Failure, Out, send::pace::Rate};
use load::Extent;
use part::Part;
use run::Course;
use scenario::Scenario;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tracker_stream::{clock, config::Settings};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Events to send.
    #[arg(long, default_value_t = 100_000, conflicts_with = "minutes")]
    events: u64,
    /// Send for so many minutes instead.
    #[arg(long, value_name = "N")]
    minutes: Option<u64>,
    /// Most events a time: `500/s`.
    #[arg(long)]
    rate: Option<Rate>,
    /// How often to `kill -9`.
    #[arg(long, default_value_t = 12)]
    kills: usize,
    /// Other blows: stops, pauses, networks that are cut, slow or silent, processors that join and leave [default: half
    /// as many].
    #[arg(long)]
    others: Option<usize>,
    /// One thing that goes wrong, for long, instead of blows by the seed.
    #[arg(long, value_enum, conflicts_with_all = ["minutes", "kills", "others", "targets"])]
    scenario: Option<Scenario>,
    /// How long the scenario lasts.
    #[arg(long, value_name = "DURATION", requires = "scenario", value_parser = crate::span::parse)]
    span: Option<Duration>,
    /// What to strike.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    targets: Vec<Part>,
    /// The same seed gives the same events and the same blows [default: the time].
    #[arg(long)]
    seed: Option<u64>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Keep the folder with the data and the logs also when all is well.
    #[arg(long)]
    keep: bool,
}

const AFTER: &str = "\
Examples:
  tracker chaos
  tracker chaos --events 1000000 --kills 24 --seed 7 --json
  tracker chaos --scenario broker-away --span 1m
  tracker chaos --minutes 10 --targets load,clickhouse --rate 2000/s

Everything runs on this machine, on free ports of 127.0.0.1, in a folder under .tracker that is removed when all is well.
Exit code: 0 nothing was lost or doubled, every view agrees and the books close; 1 otherwise; 2 wrong arguments.";

/// Who hears how it goes.
pub type Ear = Arc<dyn Fn(String) + Send + Sync>;

/// Runs it.
///
/// # Errors
/// A machine on which it cannot run; anything lost, doubled or wrong.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let hear: Ear = Arc::new(tell);
    let (folder, cache) = places(settings)?;
    let said = hear.clone();
    lab::fetch(&cache, move |line| said(line.to_owned())).await?;
    let seed = arguments.seed.unwrap_or_else(|| clock::now_ms().cast_unsigned() % 1_000_000);
    let course = Course {
        extent: arguments.minutes.map_or(Extent::Events(arguments.events), |minutes| {
            Extent::Span(Duration::from_secs(minutes * 60))
        }),
        rate: arguments.rate,
        kills: arguments.kills,
        others: arguments.others.unwrap_or(arguments.kills / 2),
        parts: arguments.targets.clone(),
        ..Course::new(seed, folder.join(format!("seed-{seed}-{}", std::process::id())), cache)
    };
    let report = match arguments.scenario {
        Some(scenario) => {
            let span = arguments.span.unwrap_or_else(|| scenario.usual_span());
            scenario.play(&course, span, &hear).await?
        }
        None => run::run(&course, &hear).await?,
    };
    let well = report.is_well();
    if arguments.json {
        out.json(&report)?
    } else {
        out.line(&report)?
    }
    if well && !arguments.keep {
        std::fs::remove_dir_all(&course.folder).map_err(Failure::io(course.folder.display()))?;
    } else {
        hear(format!("data and logs are kept in {}", course.folder.display()));
    }
    if well { Ok(()) } else { Err(Failure::Told) }
}

/// Where labs are, and where their parts were fetched to.
fn places(settings: &Settings) -> Result<(PathBuf, PathBuf), Failure> {
    #[derive(serde::Deserialize)]
    struct Up {
        data: PathBuf,
        cache: PathBuf,
    }
    let up: Up = settings.section("up")?;
    Ok((up.data.with_file_name("chaos"), up.cache))
}

fn tell(line: String) {
    use std::io::Write;
    let _unread = writeln!(std::io::stderr().lock(), "{line}");
}
