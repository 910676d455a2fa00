//! `tracker tap`: a topic as lines of JSON, for people and for `jq`. Joins no group and commits nothing: it cannot
//! disturb anybody.

pub(crate) mod decode;
pub(crate) mod line;
pub(crate) mod wanted;

use crate::{Failure, Out};
use futures::FutureExt;
use line::Line;
use tracker_schemas::Topic;
use tracker_stream::{
    clock,
    config::Settings,
    kafka::{Reader, Reading},
    registry,
};
use wanted::{Condition, Start};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// events, enriched, messages, payments, agreements, redirects, dead_letters, ledger, erasures or redrives. `events` holds raw client addresses.
    topic: Topic,
    /// Where to begin: `start`, `end`, a time (`2026-11-24T08:00:00Z`), or a span ago (`10m`).
    #[arg(long, default_value = "end", value_name = "WHERE")]
    from: Start,
    /// Stop when everything that is there now has been read.
    #[arg(long)]
    until_end: bool,
    /// Only messages with `field=value`, `field!=value` or `field~part`; all of them, where repeated. An absent field
    /// is empty. `params.plan=pro` looks into an object.
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// Only these fields, in this order; absent ones as null.
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    fields: Vec<String>,
    /// Stop after so many lines.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Add _partition, _offset, _timestamp and _key.
    #[arg(long)]
    meta: bool,
}

const AFTER: &str = "\
Examples:
  tracker tap enriched
  tracker tap enriched --from 1h --until-end --where country=DE --where bot=false --fields eid,ename,url,channel
  tracker tap payments --from start --until-end | jq -r '[.uid, .currency, .revenue] | @tsv'
  tracker tap dead_letters --from 2026-11-24T00:00:00Z --where reason~uuid --meta

Fields that a message does not have are left out. A message that cannot be decoded is told on standard error, and the
exit code is then 1.";

/// Reads, and prints what is wanted.
///
/// # Errors
/// A broker that does not answer; no such topic; a message that could not be decoded.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let kafka = settings.kafka()?;
    let name = kafka.topic(arguments.topic.name());
    let mut decoder = decode::of(arguments.topic, registry::versions(settings, &name).await?)?;
    let mut reader = Reader::open(&kafka, &name, arguments.from.at(clock::now_ms())).await?;
    let (mut printed, mut undecoded) = (0, 0_u64);
    while arguments.limit.is_none_or(|limit| printed < limit) {
        // What was pushed is shown as soon as nothing more waits.
        let reading = match reader.next().now_or_never() {
            Some(reading) => reading?,
            None => {
                out.flush()?;
                reader.next().await?
            }
        };
        let message = match reading {
            Reading::CaughtUp if arguments.until_end => break,
            Reading::CaughtUp => continue,
            Reading::Message(message) => message,
        };
        if message.payload.is_empty() {
            continue; // removes what its key had: there is no value to print
        }
        match decoder.decode(&message.payload) {
            Ok(line) if arguments.conditions.iter().all(|condition| condition.holds(&line)) => {
                let line = if arguments.meta { line.with_meta(&message) } else { line };
                out.push(line.select(&arguments.fields))?;
                printed += 1;
            }
            Ok(_) => {}
            Err(error) => {
                undecoded += 1;
                tracing::warn!(partition = message.partition, offset = message.offset, %error, "cannot be decoded");
            }
        }
    }
    out.flush()?;
    if undecoded == 0 {
        Ok(())
    } else {
        Err(Failure::Io(format!("{undecoded} messages could not be decoded")))
    }
}
