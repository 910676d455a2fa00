//! `tracker up`: all of Tracker on this machine.
//!
//! `Plan` says what the settings leave to be started. `Running` holds what was started, in order, and ends it in the
//! order of the data: edge, enrich, load, payments, then what they stand on. What is here waits and tells;
//! how a broker or a database is run is the business of `tracker-stack`.

mod console;
mod next;
mod plan;
mod running;
mod secret;
mod wait;

use crate::Failure;
use console::Console;
use plan::Plan;
use running::Running;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tracker_processors::clickhouse::{self, ClickHouseConfig, Client};
use tracker_stack::{Cache, enough_disk, ports_are_free};
use tracker_stream::{config::Settings, telemetry};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {}

const AFTER: &str = "\
Examples:
  tracker up
  TRACKER_EDGE__LISTEN=127.0.0.1:8081 TRACKER_UP__DATA=/var/lib/tracker tracker up

A broker or a ClickHouse that the settings name is used instead of a local one. SIGINT and SIGTERM stop everything, in
order. Exit code: 0 stopped, 1 something could not be started, 2 wrong settings.";

/// Starts everything, and stays until SIGINT or SIGTERM.
///
/// # Errors
/// Wrong settings, and every trouble of the machine; what had been started is stopped first.
pub async fn run(_: &Arguments, settings: &Settings) -> Result<(), Failure> {
    crate::config::check(settings)?; // all that the programs would say, before any of them is started
    let plan = Plan::of(settings)?;
    let shutdown = telemetry::shutdown_signal()?;
    let mut running = Running::default();
    let outcome = live(&plan, settings, &mut running, &shutdown).await;
    running.stop().await;
    outcome
}

async fn live(
    plan: &Plan,
    settings: &Settings,
    running: &mut Running,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let began = Instant::now();
    // What is half started when the signal comes is killed; brokers and databases are made for that.
    tokio::select! {
        started = start(plan, settings, running) => started?,
        () = shutdown.cancelled() => return Ok(()),
    }
    Console::say(format_args!("ready in {:.1} s\n\n{}", began.elapsed().as_secs_f64(), next::steps(plan)));
    running.watch(shutdown).await
}

/// The start, one verb a line.
async fn start(plan: &Plan, settings: &Settings, running: &mut Running) -> Result<(), Failure> {
    ports_are_free(&plan.ports)?;
    enough_disk(&plan.data, plan.min_free, "up.min_free_disk")?;
    enough_disk(&plan.cache, plan.min_free, "up.min_free_disk")?;
    Cache::at(&plan.cache).fetch(&plan.pieces, |line| Console::say(line)).await?;
    secret::make_keys(settings)?;
    running.start_stack(plan).await?;
    for done in crate::topics::apply(settings).await? {
        Console::say(format_args!("topics   {done}"));
    }
    let database = Client::new(&ClickHouseConfig::read(settings)?)?;
    for done in clickhouse::schema::apply(&database).await? {
        Console::say(format_args!("schema   {done}"));
    }
    running.start_programs(plan)?;
    wait::until_ready(running, &plan.programs).await
}
