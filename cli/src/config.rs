//! `tracker config`: the settings in force.

use crate::{Failure, Out};
use tracker_edge::config::{EdgeConfig, RedirectConfig, VisitConfig};
use tracker_processors::{
    clickhouse::ClickHouseConfig,
    config::{ProcessConfig, work},
    enrich::{EnrichConfig, privacy::Privacy},
    groups::GuardConfig,
    load, payments,
    replay::ReplayConfig,
};
use tracker_stream::{
    config::{Mistakes, Settings},
    registry,
};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tracker config\n  tracker config --check --config /etc/tracker/tracker.toml"
)]
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
    check(settings)?;
    if !arguments.check {
        return out.line(settings.to_string().trim_end());
    }
    match settings.file() {
        Some(file) => out.line(format_args!("{} is good", file.display())),
        None => out.line("no settings file; the defaults and the environment are good"),
    }
}

/// Whether every section holds what it must.
///
/// # Errors
/// All mistakes together.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    let mut mistakes = Mistakes::default();
    mistakes.collect(settings.log());
    mistakes.collect(ClickHouseConfig::read(settings));
    mistakes.collect(EdgeConfig::read(settings));
    mistakes.collect(RedirectConfig::read(settings));
    mistakes.collect(VisitConfig::read(settings));
    mistakes.collect(EnrichConfig::read(settings));
    mistakes.collect(GuardConfig::read(settings));
    mistakes.collect(ReplayConfig::read(settings));
    mistakes.collect(Privacy::read(settings));
    mistakes.collect(registry::configured(settings));
    for name in ["load", "payments"] {
        mistakes.collect(settings.section::<ProcessConfig>(name));
    }
    for lane in load::LANES.into_iter().chain([payments::PAYMENTS]) {
        mistakes.collect(work(settings, lane));
    }
    mistakes.collect(crate::topics::specs(settings)); // reads [kafka] and [topics]
    mistakes.or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::merge(text, "test", std::iter::empty()).unwrap()
    }

    #[test]
    fn the_defaults_are_good() {
        assert_eq!(check(&settings("")), Ok(()));
    }

    #[test]
    fn the_mistakes_of_all_sections_are_told_together() {
        let text = "[edge]\nlisten = \"here\"\n[clickhouse]\nurl = \"tcp://x\"\n[topics]\nreplication = 0\n[load.events]\nbatch_rows = 0\n[enrich]\nagent_cache = 0\n[privacy]\nwithout_marketing = [\"gclidd\"]\n[schema_registry]\nurl = \"registry\"";
        let mistakes = check(&settings(text)).unwrap_err().to_string();
        for key in [
            "edge.listen",
            "clickhouse.url",
            "topics.replication",
            "load.events.batch_rows",
            "enrich.agent_cache",
            "privacy.without_marketing",
            "schema_registry.url",
        ] {
            assert!(mistakes.contains(key), "{key} is missing in: {mistakes}");
        }
    }
}
