//! The bench: what Tracker costs, beside what the same work could cost. Every figure is a ratio of two sides that were
//! measured in turns within one run, so that it holds on a machine that is slow today.
//!
//! A [`line::Group`] is measured together and gives some [`line::Line`]s of the table. [`rounds`] says whose turn it is,
//! [`site`] starts the real programs on a broker and a database of the bench's own, [`load`] sends to them, [`cpu`] asks the
//! kernel what they spent, [`reference`](mod@reference) is the other side, [`table`] tells. Client and server share the cores,
//! so wall time says little: costs are CPU time of the server's process.
//!
//! It measures what is there and changes nothing; `bench/README.md` says what each line means.

mod bench;
mod codec;
mod cpu;
mod edge;
mod latency;
mod line;
mod load;
mod processors;
mod reference;
mod rounds;
mod sample;
mod site;
mod table;

use bench::{Bench, Extent};
use clap::Parser;
use line::Group;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use table::Row;
use tracker_cli::{Failure, Out};
use tracker_stream::fault::Fault;

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "tracker-bench", about = "Measures Tracker against its ceilings, and prints one table")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Short stretches and few rounds: less than five minutes in all.
    #[arg(long)]
    quick: bool,
    /// Only lines whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// How often each side has its turn [default: 5, with --quick 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: Option<u16>,
    /// Where the table goes as JSON.
    #[arg(long, value_name = "FILE", default_value = "target/bench.json")]
    json: PathBuf,
    /// The commit that is measured, for the JSON.
    #[arg(long, default_value = "")]
    commit: String,
    /// Name the lines, and measure nothing.
    #[arg(long)]
    list: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// One of the references, as a process of its own.
    #[command(hide = true)]
    Reference(reference::Arguments),
}

/// All of the table, in its order.
fn groups() -> Vec<Group> {
    edge::groups().into_iter().chain([codec::group()]).chain(processors::groups()).collect()
}

fn main() -> ExitCode {
    match live(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

fn live(arguments: Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new("runtime", error.to_string()))?;
    runtime.block_on(async {
        match arguments.role {
            Some(Role::Reference(which)) => reference::run(which).await,
            None if arguments.list => list(&arguments.only),
            None => measure(arguments).await,
        }
    })
}

/// Whether a group has a line that was asked for.
fn is_wanted(group: &Group, only: &str) -> bool {
    group.lines.iter().any(|line| line.name.contains(only))
}

fn list(only: &str) -> Result<(), Failure> {
    let mut out = Out::stdout();
    for line in groups().iter().flat_map(|group| group.lines).filter(|line| line.name.contains(only)) {
        let goal = line.goal.map_or_else(String::new, |goal| format!(" ({goal})"));
        out.push(format_args!("{}: {}{goal}", line.name, line.what))?;
    }
    out.flush()
}

async fn measure(arguments: Arguments) -> Result<(), Failure> {
    let extent = if arguments.quick { Extent::quick() } else { Extent::full() };
    let rounds = arguments.rounds.map_or(extent.rounds, usize::from);
    let bench = Bench::new(Extent { rounds, ..extent })?;
    let mut rows: Vec<Row> = Vec::new();
    for group in groups().iter().filter(|group| is_wanted(group, &arguments.only)) {
        say(&format!("measuring {} …", group.name));
        let measured = (group.measure)(&bench).await;
        if let Err(failure) = &measured {
            say(&format!("{}: {failure}", group.name));
        }
        let measured = measured.map_err(|failure| failure.to_string());
        rows.extend(group.lines.iter().map(|line| Row::of(line, &measured)));
    }
    rows.retain(|row| row.name.contains(&arguments.only));
    write(&arguments.json, &table::json(&rows, &arguments.commit, arguments.quick)?)?;
    let mut out = Out::stdout();
    out.push(table::text(&rows))?;
    out.flush()?;
    bench.end().await?;
    if rows.iter().all(Row::is_measured) { Ok(()) } else { Err(Failure::Told) }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Failure::io(folder.display()))?;
    }
    std::fs::write(path, text).map_err(Failure::io(path.display()))
}

/// Tells how it goes, beside the table.
fn say(line: &str) {
    let _unread = writeln!(std::io::stderr().lock(), "{line}");
}
