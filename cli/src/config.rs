//! `tracker config`: the settings in force.

use crate::{Failure, Out};
use tracker_processors::clickhouse::ClickHouseConfig;
use tracker_stream::config::{Mistakes, Settings};

/// What was typed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Say only whether the settings are good.
    #[arg(long)]
    check: bool,
}

/// Prints every key with its value, secrets as `***`.
///
/// # Errors
/// Sections that do not hold what they must, all of them together.
pub fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let mut mistakes = Mistakes::default();
    mistakes.collect(settings.kafka());
    mistakes.collect(settings.log());
    mistakes.collect(ClickHouseConfig::read(settings));
    mistakes.collect(crate::topics::specs(settings));
    mistakes.or(())?;
    if !arguments.check {
        return out.line(settings.to_string().trim_end());
    }
    match settings.file() {
        Some(file) => out.line(format_args!("{} is good", file.display())),
        None => out.line("no settings file; the defaults and the environment are good"),
    }
}
