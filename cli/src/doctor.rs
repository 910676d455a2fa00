//! `tracker doctor`: is everything that Tracker stands on as it should be, and if not, what mends it? Looks only:
//! nothing is changed (the schema is compared by way of a scratch database, which goes again).

mod broker;
mod database;
mod disk;
mod finding;
mod geoip;
mod groups;
mod keys;
mod programs;

pub use finding::{Finding, Verdict};

use crate::{Failure, Out};
use serde_json::json;
use tracker_stream::config::Settings;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker doctor
  tracker doctor --json | jq '.findings[] | select(.verdict == \"wrong\")'

Exit code: 0 when nothing is wrong (notes are not), 1 when something is.";

/// Looks, and prints what it found.
///
/// # Errors
/// [`Failure::Told`] when something is wrong.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let findings = examine(settings).await;
    let wrong = findings.iter().filter(|finding| finding.verdict == Verdict::Wrong).count();
    if arguments.json {
        out.json(&json!({ "findings": findings, "wrong": wrong }))?;
    } else {
        findings.iter().try_for_each(|finding| out.line(finding))?;
        match wrong {
            0 => out.line("\nNothing is wrong.")?,
            1 => out.line("\nOne thing is wrong.")?,
            more => out.line(format_args!("\n{more} things are wrong."))?,
        }
    }
    if wrong == 0 { Ok(()) } else { Err(Failure::Told) }
}

/// All findings, in the order in which data meets what they are about.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = match crate::config::check(settings) {
        Ok(()) => {
            vec![Finding::good("settings", "every setting is one that there is, and of the right kind")]
        }
        Err(mistakes) => {
            let wrong =
                |mistake: &_| Finding::wrong("settings", mistake, "`tracker config` prints what is in force");
            mistakes.iter().map(wrong).collect()
        }
    };
    findings.extend(keys::examine(settings));
    findings.extend(geoip::examine(settings));
    findings.extend(disk::examine(settings));
    let (broker, groups, database, programs) = futures::join!(
        broker::examine(settings),
        groups::examine(settings),
        database::examine(settings),
        programs::examine(settings)
    );
    findings.extend(broker.into_iter().chain(groups).chain(database).chain(programs));
    findings
}
