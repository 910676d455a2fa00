//! A partition of the shadow in the place of the live one.
//!
//! What the shadow cannot know is carried over first: rows of the live partition that stood on the topic outside the ranges
//! that were replayed. What stood inside and is not in the shadow goes: erased persons, and whatever should not have been
//! there. No row is lost between, for nobody may write meanwhile: the loader has to be stopped, cleanly, and its topic
//! keeps what comes. Killed at any moment, the same swap again ends where it should.

use super::{
    Pair,
    compare::{Compared, table},
    views::{self, Rebuilt},
};
use crate::replay::{Order, Replayed};
use serde::{Deserialize, Serialize};
use std::fmt;
use tracker_stream::{config::Settings, fault::Fault, kafka::Admin, process::Failure};

/// What a swap would do to one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SwapPart {
    /// Id of the partition.
    pub part: String,
    /// Different ids in the live partition.
    pub live: u64,
    /// Different ids in the shadow.
    pub shadow: u64,
    /// Rows of the live partition from outside the replayed ranges: they are carried over.
    pub carried: u64,
    /// Rows of the live partition from inside the ranges that the shadow does not have: they go.
    pub going: u64,
    /// Ids that the shadow has and the live partition does not: they come.
    pub coming: u64,
}

impl fmt::Display for SwapPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, live, shadow, carried, going, coming } = self;
        write!(
            f,
            "{part}: {live} ids live, {shadow} in the shadow; {coming} come, {going} go, {carried} of other times stay"
        )
    }
}

/// Says what swapping these partitions would do; none named: all that the shadow has.
///
/// # Errors
/// A partition that the shadow does not have; a shadow that a filter left things out of; no answer.
pub async fn plan(pair: &Pair, order: &Order, parts: &[String]) -> Result<Vec<SwapPart>, Fault> {
    if !order.filter.is_empty() {
        let detail =
            "a filter left rows out of this shadow: in the place of a live partition they would be lost";
        return Err(Fault::new("shadow_filtered", detail));
    }
    let compared = table(pair, pair.table, pair.key).await?;
    let has = |part: &str| compared.iter().find(|both| both.part == part && both.shadow.rows > 0);
    if let Some(missing) = parts.iter().find(|part| has(part).is_none()) {
        let known: Vec<&str> =
            compared.iter().filter(|both| both.shadow.rows > 0).map(|both| both.part.as_str()).collect();
        let detail = format!("the shadow has no partition {missing}; it has {}", known.join(", "));
        return Err(Fault::new("no_such_partition", detail));
    }
    let chosen = compared.iter().filter(|both| both.shadow.rows > 0);
    let chosen = chosen.filter(|both| parts.is_empty() || parts.contains(&both.part));
    let mut plan = Vec::new();
    for both in chosen {
        plan.push(part(pair, both).await?);
    }
    Ok(plan)
}

async fn part(pair: &Pair, both: &Compared) -> Result<SwapPart, Fault> {
    #[derive(Deserialize)]
    struct Row {
        carried: u64,
        going: u64,
    }
    let (outside, missing) = (outside(pair), missing(pair, &both.part));
    let sql = format!(
        "SELECT countIf({outside}) AS carried, count() - carried AS going FROM {}.{} WHERE {missing}",
        pair.live, pair.table
    );
    let rows: Vec<Row> = pair.client.rows(&sql, &[]).await?;
    let row = rows.first();
    Ok(SwapPart {
        part: both.part.clone(),
        live: both.live.ids,
        shadow: both.shadow.ids,
        carried: row.map_or(0, |row| row.carried),
        going: row.map_or(0, |row| row.going),
        coming: both.shadow.only,
    })
}

/// Rows of the live partition that the shadow does not have.
fn missing(pair: &Pair, part: &str) -> String {
    let Pair { shadow, table, key, .. } = pair;
    format!(
        "_partition_id = '{part}' AND {key} NOT IN (SELECT {key} FROM {shadow}.{table} WHERE _partition_id = '{part}')"
    )
}

/// Rows that stood outside the replayed ranges. Those from before rows knew where they stood are taken for such.
fn outside(pair: &Pair) -> String {
    let unknown = match pair.table {
        "payments" => "token = ''",
        _ => "partition = 0 AND offset = 0 AND raw_partition IS NULL",
    };
    let inside = pair.ranges.iter().map(|range| {
        format!("(partition = {} AND offset >= {} AND offset < {})", range.partition, range.first, range.end)
    });
    let inside: Vec<String> = inside.collect();
    format!(
        "(({unknown}) OR NOT ({}))",
        if inside.is_empty() { "false".to_owned() } else { inside.join(" OR ") }
    )
}

/// Swaps the partitions of the plan, and makes every view of the table anew.
///
/// # Errors
/// A loader that runs, or was killed in the middle of something; views that know more than the table; no answer.
pub async fn swap(
    pair: &Pair,
    plan: &[SwapPart],
    topic: Replayed,
    settings: &Settings,
) -> Result<Vec<Rebuilt>, Failure> {
    nobody_writes(topic, settings).await?;
    views_know_no_more(pair).await?;
    let Pair { client, live, shadow, table, .. } = pair;
    for SwapPart { part, .. } in plan {
        let carry = format!(
            "INSERT INTO {shadow}.{table} SELECT * FROM {live}.{table} WHERE {} AND {} SETTINGS insert_deduplicate = 0",
            missing(pair, part),
            outside(pair)
        );
        client.execute(&carry, &[]).await?;
        let replace =
            format!("ALTER TABLE {live}.{table} REPLACE PARTITION ID '{part}' FROM {shadow}.{table}");
        client.execute(&replace, &[]).await?;
    }
    let mut rebuilt = Vec::new();
    for view in views::of(pair).await? {
        rebuilt.push(views::rebuild(pair, &view).await?);
    }
    Ok(rebuilt)
}

/// A partition that is replaced forgets the tokens of its inserts, and so does a view that is exchanged: a loader that
/// repeated one would store it twice.
async fn nobody_writes(topic: Replayed, settings: &Settings) -> Result<(), Failure> {
    let kafka = settings.kafka()?;
    let (Some(lane), admin) = (topic.lane(), Admin::connect(&kafka)?) else { return Ok(()) };
    let group = kafka.group(lane);
    let members = admin.members(&group).await?;
    if members > 0 {
        let detail = format!(
            "{members} members of {group} would write meanwhile: stop them with SIGTERM, swap, and start them again; \
            the topic keeps what comes"
        );
        return Err(Fault::new("loader_running", detail).into());
    }
    let planned = admin.planned(&group, &kafka.topic(topic.topic().name())).await?;
    if !planned.is_empty() {
        let detail = format!(
            "the last reader of {group} was killed in the middle of an insert: start it, let it end by SIGTERM, then swap"
        );
        return Err(Fault::new("loader_killed", detail).into());
    }
    Ok(())
}

/// Views outlive what is pruned from their table. Made anew, they would forget it.
async fn views_know_no_more(pair: &Pair) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Row {
        more: u64,
    }
    if pair.table != "events" {
        return Ok(());
    }
    let Pair { client, live, shadow, .. } = pair;
    let sql = format!(
        "SELECT countIf(day < (SELECT toDate(min(created_at)) FROM (
            SELECT created_at FROM {live}.events UNION ALL SELECT created_at FROM {shadow}.events
        ))) AS more FROM {live}.dailies_data"
    );
    let rows: Vec<Row> = client.rows(&sql, &[]).await?;
    if rows.first().is_some_and(|row| row.more > 0) {
        let detail = "dailies has days from before the oldest event of both: made anew, the views would forget them. Swap by hand: \
            ALTER TABLE … REPLACE PARTITION, and mend the views of that month";
        return Err(Fault::new("views_know_more", detail));
    }
    Ok(())
}
