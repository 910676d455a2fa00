//! The bench: what Tracker costs, beside what the same work could cost. Every figure is a ratio of two sides that were
//! measured in turns within one run, so that it holds on a machine that is slow today.
//!
//! A [`line::Group`] is measured together and puts some [`line::Line`]s of the table on its [`mod@sheet`]. [`rounds`] says whose turn
//! it is, [`site`] starts the real programs on a broker and a database of the bench's own, [`load`] sends to them, [`cpu`] asks
//! the kernel what they spent, [`reference`](mod@reference) is the other side, [`table`] tells. Client and server share the
//! cores, so wall time says little: costs are CPU time of the server's process.
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
mod room;
mod rounds;
mod sample;
mod sheet;
mod site;
mod table;
mod wire;

use bench::{Bench, Extent, Files};
use clap::Parser;
use line::Group;
use sheet::{Costs, Sheet};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use table::{Row, Told};
use tracker_cli::{Failure, Out};
use tracker_stream::{clock, fault::Fault};

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
    /// How often each side has its turn, at most [default: 5, with --quick 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: Option<u16>,
    /// Events of the long backlog [default: 2000000, with --quick 200000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    long: Option<u64>,
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

impl Arguments {
    fn extent(&self) -> Extent {
        let usual = if self.quick { Extent::quick() } else { Extent::full() };
        let rounds = self.rounds.map_or(usual.rounds, usize::from);
        Extent { rounds, long: self.long.unwrap_or(usual.long), ..usual }
    }
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
    let groups = groups();
    let wanted: Vec<&Group> = groups.iter().filter(|group| is_wanted(group, &arguments.only)).collect();
    if wanted.is_empty() {
        return Err(Failure::Usage(format!(
            "no line has {:?} in its name; --list names them",
            arguments.only
        )));
    }
    let bench = Bench::new(arguments.extent())?;
    let (mut rows, mut costs) = (Vec::new(), Costs::new());
    for (place, group) in (1..).zip(&wanted) {
        say(&format!("{} {place} of {}: {} …", clock_of(bench.elapsed()), wanted.len(), group.name));
        let (found, priced) = sheet(&bench, group).await;
        let found = found.into_iter().filter(|row| row.name.contains(&arguments.only));
        rows.extend(found.inspect(|row| say(&format!("      {}", row.brief()))));
        costs.extend(priced);
    }
    let elapsed = bench.elapsed();
    say(&format!("{} measured", clock_of(elapsed)));
    let told = Told {
        commit: &arguments.commit,
        quick: arguments.quick,
        at_ms: clock::now_ms(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        seconds: elapsed.as_secs(),
        lines: &rows,
        costs: &costs,
    };
    write(&arguments.json, &told.json()?)?;
    let mut out = Out::stdout();
    out.push(table::text(&rows))?;
    out.flush()?;
    if rows.iter().all(Row::is_measured) {
        return bench.end(Files::Cleared).await;
    }
    bench.end(Files::Kept).await.and(Err(Failure::Told))
}

/// Measures a group; whatever becomes of it, each of its lines has a row.
async fn sheet(bench: &Bench, group: &Group) -> (Vec<Row>, Costs) {
    let mut sheet = Sheet::new(bench.extent, group.share);
    let patience = sheet.patience();
    let ended = tokio::time::timeout(patience, (group.measure)(bench, &mut sheet)).await;
    let ended = ended.unwrap_or_else(|_| {
        Err(Fault::new("too_slow", format!("not measured within {} s", patience.as_secs())).into())
    });
    let ended = ended.map_err(|failure| format!("{failure}; logs are below {}", bench.folder.display()));
    if let Err(why) = &ended {
        say(&format!("{}: {why}", group.name));
    }
    sheet.rows(group, &ended)
}

/// Minutes and seconds: `12:05`.
fn clock_of(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:2}:{:02}", seconds / 60, seconds % 60)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// What `make bench` and `make bench-quick` promise, seconds.
    const FULL: u64 = 35 * 60;
    const QUICK: u64 = 5 * 60;

    #[test]
    fn the_shares_of_all_groups_are_within_the_time_that_is_promised() {
        let sum = |share: fn(&Group) -> u64| groups().iter().map(share).sum::<u64>();
        assert!(sum(|group| group.share.full) <= FULL * 9 / 10, "{}", sum(|group| group.share.full));
        assert!(sum(|group| group.share.quick) <= QUICK * 9 / 10, "{}", sum(|group| group.share.quick));
    }

    #[test]
    fn each_line_has_a_name_of_its_own_and_says_what_it_measures() {
        let groups = groups();
        let lines: Vec<_> = groups.iter().flat_map(|group| group.lines).collect();
        let names: HashSet<_> = lines.iter().map(|line| line.name).collect();
        assert_eq!(names.len(), lines.len());
        assert!(lines.iter().all(|line| !line.what.is_empty()));
    }

    #[test]
    fn the_page_of_the_bench_says_what_each_line_means() {
        let page = include_str!("../README.md");
        for line in groups().iter().flat_map(|group| group.lines) {
            assert!(page.contains(&format!("`{}`", line.name)), "{} is not in bench/README.md", line.name);
        }
    }

    #[test]
    fn what_was_typed_is_over_the_usual_extent() {
        let extent = |typed: &[&str]| {
            let typed = Arguments::try_parse_from(["tracker-bench"].iter().chain(typed)).unwrap().extent();
            (typed.rounds, typed.long, typed.is_quick)
        };
        assert_eq!(extent(&[]), (5, 2_000_000, false));
        assert_eq!(extent(&["--quick"]), (2, 200_000, true));
        assert_eq!(extent(&["--rounds", "3", "--long", "5000000"]), (3, 5_000_000, false));
        assert!(Arguments::try_parse_from(["tracker-bench", "--rounds", "0"]).is_err());
    }

    #[test]
    fn the_time_is_told_as_a_clock_tells_it() {
        assert_eq!(clock_of(Duration::from_secs(5)), " 0:05");
        assert_eq!(clock_of(Duration::from_secs(12 * 60 + 34)), "12:34");
    }
}
