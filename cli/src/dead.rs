//! `tracker dead`: what could not be carried on: listed, shown, corrected, sent again.
//!
//! Letters are found in the table `dead_letters`. One is sent again together with its mark on the topic `redrives`, in one
//! transaction: so it goes at most once, however often and by how many this is run.

mod edit;
mod hex;
mod list;
mod redrive;
mod selection;
mod show;

use crate::{Failure, Out};
use std::collections::HashSet;
use tracker_schemas::{DeadLetter, Topic};
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{From, KafkaConfig, Reader, Reading},
};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker dead list --from 24h
  tracker dead show 0f8fad5b-d9cb-569f-a165-70867728950e
  tracker dead redrive --reason malformed --from 24h --dry-run
  tracker dead redrive 0f8fad5b-d9cb-569f-a165-70867728950e --edit '.created_at = .received_at'";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// The latest letters, a line each.
    List(list::Arguments),
    /// One letter, with its message decoded; as bytes where it cannot be.
    Show(show::Arguments),
    /// Send messages again, to the topic from which they were refused: each once, as it was or corrected.
    Redrive(redrive::Arguments),
}

/// Runs it.
///
/// # Errors
/// A ClickHouse or a broker that does not answer; a letter that is not there, or cannot be sent again.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let json = arguments.json;
    match &arguments.action {
        Action::List(arguments) => list::run(arguments, settings, json, out).await,
        Action::Show(arguments) => show::run(arguments, settings, json, out).await,
        Action::Redrive(arguments) => redrive::run(arguments, settings, json, out).await,
    }
}

/// The topic from which a letter was refused; of another prefix, none.
fn topic_of(letter: &DeadLetter, kafka: &KafkaConfig) -> Option<Topic> {
    Topic::ALL.into_iter().find(|topic| *kafka.topic(topic.name()) == *letter.topic)
}

/// The letters that were sent again already, by their marks.
async fn redriven(kafka: &KafkaConfig) -> Result<HashSet<Uuid>, Fault> {
    let mut reader = Reader::open(kafka, &kafka.topic(Topic::Redrives.name()), From::Beginning).await?;
    let mut marked = HashSet::new();
    while let Reading::Message(message) = reader.next().await? {
        let id = message.key.as_deref().and_then(|key| Uuid::try_parse_ascii(key).ok());
        // An operator takes a mark back with a tombstone.
        match id {
            Some(id) if message.payload.is_empty() => _ = marked.remove(&id),
            Some(id) => _ = marked.insert(id),
            None => {
                tracing::warn!(offset = message.offset, "a mark on `redrives` without the id of a letter")
            }
        }
    }
    Ok(marked)
}
