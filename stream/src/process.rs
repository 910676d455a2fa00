//! The life of every long-running binary: arguments, settings, logs, metrics, signals, exit code.

use crate::{
    config::{Mistakes, Settings},
    fault::Fault,
    telemetry,
};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{future::Future, io::Write, path::PathBuf, process::ExitCode, time::Duration};
use tokio_util::sync::CancellationToken;

/// Of all binaries, and on Linux of the C that is linked: an event is many short-lived allocations, made by one thread and freed by
/// another, for which an edge paid a tenth of its time to the C library's. mimalloc costs enrich a tenth more, and holds twice as
/// much in an edge (`bench/README.md`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a binary says of itself.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Reads the sections that it would read at its start, and says all that is wrong with them.
    pub check: fn(&Settings) -> Result<(), Mistakes>,
    /// The flags that it has besides those that all have.
    pub flags: &'static [Flag],
}

/// A flag that makes something else of a binary.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// What it makes of the binary.
    pub help: &'static str,
    /// What is checked then, instead of [`About::check`].
    pub check: fn(&Settings) -> Result<(), Mistakes>,
}

/// What a binary starts with.
pub struct Start {
    /// The settings, each of the right kind.
    pub settings: Settings,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Cancelled on SIGTERM and on SIGINT.
    pub shutdown: CancellationToken,
    /// The first of the binary's own flags that was given.
    pub flag: Option<&'static str>,
}

/// Why a binary ends without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings are wrong: exit code 2.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The world is: exit code 1.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Failure {
    fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Mistakes(_) => 2,
            Self::Fault(_) => 1,
        })
    }
}

/// How much a thread of a bulk process gives way: its weight is a tenth of another's on the same machine.
const NICE: i32 = 10;

/// From now on this thread, and each that it starts, lets other processes of this machine go first. For work that nobody waits
/// for: where an edge and payments share the processors with it, a flood or a replay must not be what they wait for.
pub fn give_way() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "this process keeps its priority");
    }
}

/// From now on this process has its memory in small pages. A huge one is cleared whole for whatever is first written to it, and
/// counts whole. For buffers that come and go, as those of batches, that was a sixth of a loader's CPU time and a ninth of
/// enrich's, and two thirds of what payments held that had nothing to do.
pub fn small_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "this process keeps huge pages");
    }
}

/// Lives it. `run` ends by itself some time after the shutdown.
pub fn main<F>(about: About, run: impl FnOnce(Start) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    match live(&arguments(about).get_matches(), about, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The logs may not have started yet, or may be filtered: this line is for whoever started the program.
            let _unseen = writeln!(std::io::stderr(), "{}: {failure}", about.name);
            failure.code()
        }
    }
}

fn arguments(about: About) -> Command {
    let own = |flag: &Flag| Arg::new(flag.name).long(flag.name).action(ArgAction::SetTrue).help(flag.help);
    Command::new(about.name)
        .about(about.summary)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help("Every key of tracker.toml can be set by the environment: TRACKER_SECTION__KEY.")
        .arg(
            Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf)).help(
                "Settings [default: ./tracker.toml, else /etc/tracker/tracker.toml, else the defaults]",
            ),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Check the settings, print them with secrets as ***, and end"),
        )
        .args(about.flags.iter().map(own))
}

/// The first of its own flags that was given.
fn given(matches: &ArgMatches, about: About) -> Option<&'static Flag> {
    about.flags.iter().find(|flag| matches.get_flag(flag.name))
}

/// What would keep the program from starting, all of it together.
fn check(about: About, flag: Option<&Flag>, settings: &Settings) -> Result<(), Mistakes> {
    let mut mistakes = Mistakes::default();
    mistakes.collect(settings.log());
    mistakes.collect(flag.map_or(about.check, |flag| flag.check)(settings));
    mistakes.or(())
}

/// How long what still runs may take when everything has ended.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn live<F>(matches: &ArgMatches, about: About, run: impl FnOnce(Start) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let settings = Settings::load(matches.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
    let flag = given(matches, about);
    if matches.get_flag("check-config") {
        check(about, flag, &settings)?;
        let written = write!(std::io::stdout(), "{settings}");
        return written.map_err(|error| Fault::new("stdout", error.to_string()).into());
    }
    telemetry::logs(&settings.log()?);
    let metrics = telemetry::metrics()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new("runtime", error.to_string()))?;
    let lived = runtime.block_on(async {
        let shutdown = telemetry::shutdown_signal()?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "{} starts", about.name);
        run(Start { settings, metrics, shutdown, flag: flag.map(|flag| flag.name) }).await?;
        tracing::info!("{} has ended", about.name);
        Ok(())
    });
    // A call into librdkafka may still wait for a broker that is away: nobody needs its answer.
    runtime.shutdown_timeout(LEFT_BEHIND);
    lived
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mistake;

    const OTHER: &[Flag] = &[Flag { name: "other", help: "Is another.", check: |_| Ok(()) }];

    fn about(check: fn(&Settings) -> Result<(), Mistakes>, flags: &'static [Flag]) -> About {
        About { name: "tracker-test", summary: "Tests.", check, flags }
    }

    fn wrong(_: &Settings) -> Result<(), Mistakes> {
        Err(Mistake::new("edge.listen", "is no address").into())
    }

    #[test]
    fn the_settings_are_right_when_the_log_and_the_programs_own_sections_are() {
        let settings = |text| Settings::merge(text, "test", std::iter::empty()).unwrap();
        assert_eq!(check(about(|_| Ok(()), &[]), None, &settings("")), Ok(()));
        let mistakes = check(about(wrong, &[]), None, &settings("[log]\nlevel = \"loud\"")).unwrap_err();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, ["log.level", "edge.listen"]);
    }

    #[test]
    fn a_process_of_small_pages_has_no_others() {
        small_pages();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }

    #[test]
    fn a_flag_is_known_to_the_binary_that_has_it_alone_and_checks_what_it_reads() {
        let parsed = |flags| arguments(about(wrong, flags)).try_get_matches_from(["tracker-test", "--other"]);
        assert!(parsed(&[]).is_err());
        let flag = given(&parsed(OTHER).unwrap(), about(wrong, OTHER)).unwrap();
        let settings = Settings::merge("", "test", std::iter::empty()).unwrap();
        assert_eq!(check(about(wrong, OTHER), Some(flag), &settings), Ok(()));
        let plain = arguments(about(wrong, OTHER)).try_get_matches_from(["tracker-test"]).unwrap();
        assert!(given(&plain, about(wrong, OTHER)).is_none());
        assert!(arguments(about(wrong, OTHER)).render_help().to_string().contains("--other"));
    }
}
