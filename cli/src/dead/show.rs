//! `tracker dead show`.

use super::{hex, redriven, topic_of};
use crate::{
    Failure, Out, schema,
    tap::{decode, line::Line},
};
use serde::Serialize;
use tracker_processors::dead::letters::{self, Wanted};
use tracker_schemas::DeadLetter;
use tracker_stream::{config::Settings, registry};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tracker dead show 0f8fad5b-d9cb-569f-a165-70867728950e --json | jq .record"
)]
pub struct Arguments {
    /// Id of the letter, as `tracker dead list` tells it.
    id: Uuid,
}

/// A letter and what its message says.
#[derive(Serialize)]
struct Shown {
    letter: DeadLetter,
    redriven: bool,
    record: Option<Line>,
    undecodable: Option<String>,
}

/// Most lines of bytes for people.
const HEX_LINES: usize = 256;

/// Shows.
///
/// # Errors
/// As [`super::run`].
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    json: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let client = schema::client(settings)?;
    let wanted = Wanted { ids: vec![arguments.id], ..Wanted::default() };
    let places = letters::places(&client, &wanted, Some(1)).await?;
    let Some(letter) = letters::fetch(&client, &places).await?.pop() else {
        return Err(Failure::Io(format!("no dead letter {}; `tracker dead list` tells them", arguments.id)));
    };
    let redriven = redriven(&settings.kafka()?).await?.contains(&letter.id);
    let (record, undecodable) = match decoded(settings, &letter).await? {
        Ok(line) => (Some(line), None),
        Err(why) => (None, Some(why)),
    };
    let shown = Shown { letter, redriven, record, undecodable };
    if json { out.json(&shown) } else { tell(&shown, out) }
}

/// What the message says, or why it says nothing.
async fn decoded(settings: &Settings, letter: &DeadLetter) -> Result<Result<Line, String>, Failure> {
    let Some(topic) = topic_of(letter, &settings.kafka()?) else {
        return Ok(Err(format!("{} is no topic of this prefix", letter.topic)));
    };
    let registered = registry::versions(settings, &letter.topic).await?;
    Ok(decode::of(topic, registered)?.decode(&letter.payload.0))
}

fn tell(Shown { letter, redriven, record, undecodable }: &Shown, out: &mut Out) -> Result<(), Failure> {
    let DeadLetter { id, failed_at, origin, reason, detail, topic, partition, offset, version, .. } = letter;
    let received_at = letter.received_at.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
    let key = letter.key.as_ref().map(|key| String::from_utf8_lossy(&key.0).into_owned());
    out.push(format_args!("id           {id}"))?;
    out.push(format_args!("refused      {failed_at}, by {origin} {version}"))?;
    out.push(format_args!("reason       {reason}"))?;
    out.push(format_args!("detail       {detail}"))?;
    out.push(format_args!("message      {topic}:{partition}:{offset}"))?;
    out.push(format_args!("received     {received_at}"))?;
    out.push(format_args!("key          {}", key.unwrap_or_default()))?;
    out.push(format_args!("schema       {}", letter.schema.as_deref().unwrap_or("names none")))?;
    out.push(format_args!("trace        {}", letter.traceparent.as_deref().unwrap_or_default()))?;
    out.push(format_args!("sent again   {}", if *redriven { "yes" } else { "no" }))?;
    if let Some(record) = record {
        let value: serde_json::Value =
            serde_json::to_value(record).map_err(|error| Failure::Io(error.to_string()))?;
        return out.line(format_args!("{value:#}"));
    }
    out.push(format_args!("undecodable  {}", undecodable.as_deref().unwrap_or_default()))?;
    for line in hex::lines(&letter.payload.0, HEX_LINES) {
        out.push(line)?;
    }
    out.flush()
}
