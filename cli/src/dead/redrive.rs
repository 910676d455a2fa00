//! `tracker dead redrive`.

mod plan;
mod report;

use super::{edit::Filter, redriven, selection::Selection};
use crate::{Failure, Out, schema};
use plan::{Outcome, Planner};
use report::Report;
use tracker_processors::{
    codec,
    dead::letters::{self, Wanted},
};
use tracker_schemas::{Redrive, Timestamp, Topic};
use tracker_stream::{
    clock,
    config::Settings,
    envelope::Headers,
    kafka::{Outgoing, Together},
};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Ids of letters; with none, the conditions say which.
    ids: Vec<Uuid>,
    #[command(flatten)]
    selection: Selection,
    /// All letters, when there is neither an id nor a condition.
    #[arg(long)]
    all: bool,
    /// At most so many, the oldest first.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Correct each record with this filter of the jq language before it is sent. Its id stays.
    #[arg(long, value_name = "FILTER")]
    edit: Option<String>,
    /// Say what would be done, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

const AFTER: &str = "\
Examples:
  tracker dead redrive --origin load --reason refused_by_clickhouse --from 2h
  tracker dead redrive 0f8fad5b-d9cb-569f-a165-70867728950e --edit '.ver = 7 | del(.score)'
  tracker dead redrive --topic events --from 24h --dry-run --json

A message goes back to the topic from which it was refused, under its key and its time. One that was sent again before is
not sent twice, nor one whose event is stored by now. With --json, a line for each letter.";

/// Letters of one transaction.
const CHUNK: usize = 100;

/// Sends again.
///
/// # Errors
/// As [`super::run`]; [`Failure::Told`] when a letter could not be sent.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    json: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let (kafka, client) = (settings.kafka()?, schema::client(settings)?);
    let wanted =
        Wanted { ids: arguments.ids.clone(), ..arguments.selection.wanted(&kafka, clock::now_ms())? };
    if wanted == Wanted::default() && !arguments.all {
        return Err(Failure::Usage("name ids or a condition; --all for every letter there is".to_owned()));
    }
    let filter = arguments.edit.as_deref().map(Filter::parse).transpose().map_err(Failure::Usage)?;
    let planner = Planner::new(settings, filter).await?;
    let places = letters::places(&client, &wanted, arguments.limit).await?;
    let mut report = Report::new(json, arguments.dry_run);
    for id in arguments.ids.iter().filter(|id| !places.iter().any(|place| place.id == **id)) {
        report.tell(*id, &Outcome::Refused("there is no such letter".to_owned()), out)?;
    }
    // First the id is taken from any other run, then the marks are read: nobody adds to them any more.
    let sender = match arguments.dry_run {
        true => None,
        false => Some(Together::start(&kafka, &kafka.group("redrive")).await?),
    };
    let marked = redriven(&kafka).await?;
    let marks =
        Marks { topic: kafka.topic(Topic::Redrives.name()), encoder: codec::encoder(settings).await? };
    for chunk in places.chunks(CHUNK) {
        let letters = letters::fetch(&client, chunk).await?;
        let stored = planner.stored(&client, &letters).await?;
        let outcomes: Vec<_> =
            letters.into_iter().map(|letter| (letter.id, planner.plan(letter, &marked, &stored))).collect();
        if let Some(sender) = &sender {
            let sent = outcomes.iter().filter_map(|(id, outcome)| match outcome {
                Outcome::Send(message) => Some([message.as_ref().clone(), marks.of(*id, message, &planner)]),
                _ => None,
            });
            let messages: Vec<Outgoing> = sent.flatten().collect();
            if !messages.is_empty() {
                sender.send(messages).await?;
            }
        }
        for (id, outcome) in &outcomes {
            report.tell(*id, outcome, out)?;
        }
    }
    report.end(out)
}

/// Writes the marks of letters that were sent again.
struct Marks {
    topic: std::sync::Arc<str>,
    encoder: tracker_schemas::Encoder<Redrive>,
}

impl Marks {
    fn of(&self, id: Uuid, message: &Outgoing, planner: &Planner) -> Outgoing {
        let redriven_at = Timestamp(clock::now_ms());
        let mark = Redrive {
            id,
            redriven_at,
            topic: message.topic.to_string(),
            edited: planner.edits(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Outgoing {
            topic: self.topic.clone(),
            key: id.to_string().into_bytes(),
            payload: self.encoder.encode(&mark),
            headers: Headers::new(),
            timestamp_ms: redriven_at.0,
        }
    }
}
