//! `tracker spool`: what an edge keeps on disk while the broker is away; looked at, verified, repaired, drained.

mod drain;
mod look;
mod repair;

use crate::{Failure, Out, local::Local};
use std::path::{Path, PathBuf};
use tracker_edge::config::SpoolConfig;
use tracker_stream::config::Settings;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Folder of the spool [default: that of `edge.spool.path`].
    #[arg(long, global = true, value_name = "DIR")]
    path: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker spool ls
  tracker spool verify || tracker spool repair
  tracker spool drain --path /mnt/old-disk/spool

`ls` and `verify` only read, and may run beside the edge. `repair` and `drain` want the edge stopped; an edge drains by itself.
Exit code: 0 done, 1 damage was found or something failed, 2 wrong arguments or settings.";

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Action {
    /// List the segments, and what was set aside.
    #[command(after_help = "Example:\n  tracker spool ls --json")]
    Ls,
    /// Check every checksum; say where what is damaged, and exit with 1.
    #[command(after_help = "Example:\n  tracker spool verify --path /mnt/old-disk/spool")]
    Verify,
    /// Move damaged bytes into files of their own, under `aside`, and keep every record that is whole.
    #[command(after_help = "Example:\n  tracker spool repair")]
    Repair,
    /// Send everything to the broker, payments first, and remove what it has acknowledged.
    #[command(after_help = "Example:\n  tracker spool drain --path /mnt/old-disk/spool")]
    Drain,
}

/// Runs it.
///
/// # Errors
/// A spool that is in use, damaged or cannot be read; for `drain` a broker that does not take everything.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let path = match &arguments.path {
        Some(path) => path.clone(),
        None => Local::of(settings)?.spool,
    };
    if !path.is_dir() {
        let named = "name another with --path, or set `edge.spool.path`";
        return Err(Failure::Usage(format!("there is no spool at {}: {named}", path.display())));
    }
    match arguments.action {
        Action::Ls => look::list(&path, arguments.json, out),
        Action::Verify => look::verify(&path, arguments.json, out).await,
        Action::Repair => repair::run(&path, arguments.json, out),
        Action::Drain => {
            let spool = SpoolConfig { path, ..SpoolConfig::read(settings)? };
            drain::run(&spool, settings, arguments.json, out).await
        }
    }
}

/// A failure to read a spool.
fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    Failure::io(format!("the spool {}", path.display()))
}
