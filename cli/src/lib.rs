//! The `tracker` command: one file a subcommand. Decides nothing about events: it asks the other crates.
//!
//! Every subcommand is a module with `Arguments` (what was typed) and `run` (what it does with the settings and an
//! [`Out`]). It ends with a [`Failure`], which knows its exit code: 0 done, 1 failed or a difference was found,
//! 2 wrong arguments or settings.

mod arguments;
pub mod chaos;
pub mod config;
pub mod dead;
pub mod doctor;
mod drift;
mod failure;
pub mod keys;
pub mod lag;
pub mod ledger;
pub mod links;
mod local;
mod moment;
mod near;
mod out;
pub mod plan;
pub mod replay;
pub mod schema;
pub mod script;
pub mod send;
mod span;
pub mod spool;
pub mod tap;
pub mod topics;
pub mod trace;
pub mod up;

pub use arguments::{Arguments, Command};
pub use failure::Failure;
pub use out::Out;

use clap::Parser;
use std::process::ExitCode;
use tracker_stream::{
    config::Settings,
    fault::Fault,
    process,
    telemetry::{self, LogConfig},
};

/// The life of the command.
#[must_use]
pub fn main() -> ExitCode {
    match live(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

fn live(arguments: Arguments) -> Result<(), Failure> {
    let settings = Settings::load(arguments.config.as_deref())?;
    let level = if arguments.verbose { "info" } else { "warn" };
    telemetry::logs(&LogConfig { level: level.to_owned(), ..settings.log()? });
    if matches!(arguments.command, Command::Replay(_)) {
        process::give_way(); // live traffic first
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::new("runtime", error.to_string()))?;
    let mut out = Out::stdout();
    let ended = runtime.block_on(run(arguments.command, &settings, &mut out));
    runtime.shutdown_background(); // a thread may wait for standard input for ever
    ended?;
    out.flush()
}

async fn run(command: Command, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    match command {
        Command::Chaos(arguments) => chaos::run(&arguments, settings, out).await,
        Command::Config(arguments) => config::run(&arguments, settings, out),
        Command::Dead(arguments) => dead::run(&arguments, settings, out).await,
        Command::Doctor(arguments) => doctor::run(&arguments, settings, out).await,
        Command::Keys(arguments) => keys::run(&arguments, settings, out),
        Command::Ledger(arguments) => ledger::run(&arguments, settings, out).await,
        Command::Lag(arguments) => lag::run(&arguments, settings, out).await,
        Command::Links(arguments) => links::run(&arguments, settings, out).await,
        Command::Plan(arguments) => plan::run(&arguments, out),
        Command::Replay(arguments) => replay::run(&arguments, settings, out).await,
        Command::SampleLog(arguments) => send::sample::run(&arguments, out),
        Command::Schema(arguments) => schema::run(&arguments, settings, out).await,
        Command::Script(arguments) => script::run(&arguments, settings, out),
        Command::Send(arguments) => send::run(&arguments, settings, out).await,
        Command::Spool(arguments) => spool::run(&arguments, settings, out).await,
        Command::Tap(arguments) => tap::run(&arguments, settings, out).await,
        Command::Topics(arguments) => topics::run(&arguments, settings, out).await,
        Command::Trace(arguments) => trace::run(&arguments, settings, out).await,
        Command::Up(arguments) => up::run(&arguments, settings).await,
    }
}

/// Where the settings let an edge listen, as an address to call.
fn edge_url(settings: &Settings) -> Result<String, Failure> {
    Ok(near::Near::edge(settings)?.url())
}
