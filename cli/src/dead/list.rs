//! `tracker dead list`.

use super::{redriven, selection::Selection};
use crate::{Failure, Out, schema};
use serde::Serialize;
use tracker_processors::dead::letters::{self, Summary};
use tracker_stream::{clock, config::Settings};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tracker dead list --topic events --reason malformed --from 24h --json")]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

/// A letter, and whether it was sent again.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    letter: Summary,
    redriven: bool,
}

/// Longest detail in a line for people.
const DETAIL: usize = 100;

/// Lists.
///
/// # Errors
/// As [`super::run`].
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    json: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let kafka = settings.kafka()?;
    let wanted = arguments.selection.wanted(&kafka, clock::now_ms())?;
    let found = letters::list(&schema::client(settings)?, &wanted, arguments.limit).await?;
    let marked = redriven(&kafka).await?;
    for letter in &found {
        let line = Line { redriven: marked.contains(&letter.id), letter: letter.clone() };
        if json {
            out.push(serde_json::to_string(&line).map_err(|error| Failure::Io(error.to_string()))?)?;
        } else {
            out.push(told(&line))?;
        }
    }
    if found.is_empty() && !json {
        out.push("no dead letter")?;
    }
    out.flush()
}

fn told(Line { letter, redriven }: &Line) -> String {
    let Summary { id, failed_at, reason, detail, topic, partition, offset, .. } = letter;
    let detail: String = detail.split('\n').next().unwrap_or_default().chars().take(DETAIL).collect();
    let sent = if *redriven { " (sent again)" } else { "" };
    format!("{id}  {failed_at}  {topic}:{partition}:{offset}  {reason}{sent}: {detail}")
}
