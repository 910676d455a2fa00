//! `tracker lag`: how far each consumer group is behind, and how long until it loses something. Looks only.

use crate::{Failure, Out, span};
use serde_json::json;
use tracker_processors::groups;
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{Guard, Standing, Watched},
};

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
  tracker lag
  tracker lag --json | jq '.groups[] | select(.partitions | any(.seconds_until_data_loss < 21600))'

A message is deleted when the topic's retention is over, read or not; UNTIL LOSS is what a group has left for its oldest unread
one, or would have for one that comes now. The processors tell the same in their metrics, as tracker_group_….
Exit code: 0 when every group has what it needs, 1 when one lost messages or cannot be asked.";

/// How each group of Tracker stands, or why it cannot be asked.
pub type Groups = Vec<(Watched, Result<Vec<Standing>, Fault>)>;

/// Asks the broker.
///
/// # Errors
/// Wrong settings, or no broker.
pub async fn look(settings: &Settings) -> Result<Groups, Failure> {
    let kafka = settings.kafka()?;
    Ok(Guard::new(&kafka, groups::watched(&kafka))?.look().await?)
}

/// Prints it.
///
/// # Errors
/// [`Failure::Told`] when a group lost messages or cannot be asked.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let groups = look(settings).await?;
    if arguments.json {
        let group = |(watched, standings): &(Watched, Result<Vec<Standing>, Fault>)| match standings {
            Ok(all) => json!({ "group": watched.group, "topic": &*watched.topic, "partitions": all }),
            Err(fault) => {
                json!({ "group": watched.group, "topic": &*watched.topic, "error": fault.tag, "detail": fault.detail })
            }
        };
        out.json(&json!({ "groups": groups.iter().map(group).collect::<Vec<_>>() }))?;
    } else {
        table(&groups, out)?;
    }
    let well = |(_, standings): &(_, Result<Vec<Standing>, Fault>)| {
        standings.as_ref().is_ok_and(|all| all.iter().all(|standing| standing.lost_messages == 0))
    };
    if groups.iter().all(well) { Ok(()) } else { Err(Failure::Told) }
}

fn table(groups: &Groups, out: &mut Out) -> Result<(), Failure> {
    let line = |cells: [&str; 7]| {
        let [group, topic, partition, behind, oldest, until, lost] = cells;
        format!("{group:28} {topic:24} {partition:>9} {behind:>10} {oldest:>8} {until:>10} {lost:>8}")
    };
    out.line(line(["GROUP", "TOPIC", "PARTITION", "BEHIND", "OLDEST", "UNTIL LOSS", "LOST"]))?;
    for (Watched { group, topic }, standings) in groups {
        match standings {
            Ok(all) => all.iter().try_for_each(|standing| {
                let Standing { partition, lag_messages, lag_seconds, lost_messages, .. } = standing;
                let oldest = if *lag_messages > 0 { span::told(*lag_seconds) } else { "-".to_owned() };
                let until = standing.seconds_until_data_loss.map_or_else(|| "never".to_owned(), span::told);
                let numbers = [partition.to_string(), lag_messages.to_string(), lost_messages.to_string()];
                let [partition, behind, lost] = numbers.each_ref().map(String::as_str);
                out.line(line([group, topic, partition, behind, &oldest, &until, lost]))
            })?,
            Err(fault) => out.line(format_args!("{group:28} {topic:24} {fault}"))?,
        }
    }
    Ok(())
}
