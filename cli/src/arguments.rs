//! What was typed.

use crate::{
    chaos, config, dead, doctor, keys, lag, ledger, links, plan, replay, schema, script, send, spool, tap,
    topics, trace, up,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// A click-stream pipeline: from the browser to Kafka to ClickHouse.
#[derive(Debug, Parser)]
#[command(name = "tracker", version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
pub struct Arguments {
    /// Settings [default: ./tracker.toml, else /etc/tracker/tracker.toml, else the defaults].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more, to standard error.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  tracker up
  tracker send ename=hello url=https://shop.example.com/
  tracker tap enriched --from start --until-end

Every key of tracker.toml can be set by the environment: TRACKER_SECTION__KEY.
Exit code: 0 done, 1 failed or a difference was found, 2 wrong arguments or settings.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look for what is wrong, and say what mends it.
    Doctor(doctor::Arguments),
    /// Send events: from arguments, a JSON or NDJSON file, or an access log.
    Send(send::Arguments),
    /// Start everything on this machine: a broker, a ClickHouse, the edge and the processors.
    Up(up::Arguments),
    /// Make a realistic access log, to try Tracker with.
    SampleLog(send::sample::Arguments),
    /// Print a topic as lines of JSON.
    Tap(tap::Arguments),
    /// Carry what a topic holds once more: into its table, a shadow, or the topic.
    Replay(replay::Arguments),
    /// Look at what an edge keeps on disk while the broker is away; verify, repair, drain it.
    Spool(spool::Arguments),
    /// Tell how far each consumer group is behind, and how long until it loses something.
    Lag(lag::Arguments),
    /// Tell how many machines, partitions and bytes so many events a second need, and what is full first.
    Plan(plan::Arguments),
    /// Short links: list, make, remove them; sign the URLs of redirects.
    Links(links::Arguments),
    /// Tell where an event or a payment is: received, stored, waiting, dropped, or a dead letter.
    Trace(trace::Arguments),
    /// What could not be carried on: list it, show it, correct it, send it again.
    Dead(dead::Arguments),
    /// Create the topics, or compare them with what they should be.
    Topics(topics::Arguments),
    /// Create the database's tables and views, or compare them with what they should be.
    Schema(schema::Arguments),
    /// Start a private Tracker, maltreat it under load, and look whether anything was lost or doubled.
    Chaos(chaos::Arguments),
    /// Say whether the books close: everything accepted is stored once, or has a reason.
    Ledger(ledger::Arguments),
    /// Make secret keys for servers.
    Keys(keys::Arguments),
    /// Print how a page loads track.js: its address, its integrity, the lines to paste.
    Script(script::Arguments),
    /// Print the settings in force, secrets as ***.
    Config(config::Arguments),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
        let parsed = Arguments::try_parse_from(["tracker", "tap", "enriched", "--config", "x.toml"]).unwrap();
        assert_eq!(parsed.config.as_deref(), Some(std::path::Path::new("x.toml")));
    }

    #[test]
    fn fields_and_a_file_are_not_sent_together() {
        assert!(Arguments::try_parse_from(["tracker", "send", "ename=a", "--file", "x"]).is_err());
        assert!(Arguments::try_parse_from(["tracker", "send", "--file", "x", "--rate", "0/s"]).is_err());
    }
}
