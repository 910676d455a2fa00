//! Dead letters found again in the table `dead_letters`: told in a line each, or whole.

use crate::clickhouse::Client;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use tracker_schemas::{DeadLetter, Timestamp};
use tracker_stream::fault::Fault;
use uuid::Uuid;

/// Which letters. What is not given does not matter; nothing given means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// By id.
    pub ids: Vec<Uuid>,
    /// The tag of the refusal.
    pub reason: Option<String>,
    /// Topic's name on the broker.
    pub topic: Option<String>,
    /// Process that refused it.
    pub origin: Option<String>,
    /// Refused at this time or later.
    pub from: Option<Timestamp>,
    /// Refused before this time.
    pub to: Option<Timestamp>,
}

/// A letter without its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: Uuid,
    /// When it was refused.
    pub failed_at: Timestamp,
    /// Process that refused it.
    pub origin: String,
    /// Tag, snake_case.
    pub reason: String,
    /// What was wrong, in words.
    pub detail: String,
    /// Topic it was read from.
    pub topic: String,
    /// Partition it was read from.
    pub partition: i32,
    /// Offset it was read at.
    pub offset: i64,
    /// When what it tells of was received.
    pub received_at: Option<Timestamp>,
    /// Schema that the payload names.
    pub schema: String,
    /// Version of the binary that refused it.
    pub version: String,
    /// Bytes of the message.
    pub bytes: u64,
}

/// Where a letter stands in the table: its sorting key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: Uuid,
    topic: String,
    partition: i32,
    offset: i64,
}

/// The latest letters first, at most `limit`.
///
/// # Errors
/// A ClickHouse that does not answer.
pub async fn list(client: &Client, wanted: &Wanted, limit: u64) -> Result<Vec<Summary>, Fault> {
    let Condition { sql, params } = wanted.condition();
    let sql = format!(
        "SELECT id, failed_at, origin, reason, detail, topic, partition, offset, received_at, schema, version,
            length(payload) AS bytes
        FROM dead_letters FINAL WHERE {sql} ORDER BY failed_at DESC, id LIMIT {limit}"
    );
    client.rows(&sql, &params).await
}

/// Where all of them are, the oldest first.
///
/// # Errors
/// As [`list`].
pub async fn places(client: &Client, wanted: &Wanted, limit: Option<u64>) -> Result<Vec<Place>, Fault> {
    let Condition { sql, params } = wanted.condition();
    let limit = limit.map_or_else(String::new, |limit| format!("LIMIT {limit}"));
    let sql = format!(
        "SELECT id, topic, partition, offset FROM dead_letters FINAL WHERE {sql} ORDER BY failed_at, id {limit}"
    );
    client.rows(&sql, &params).await
}

/// The letters at these places, whole, in the order in which they were refused. Ask for few at a time: each may hold a
/// megabyte.
///
/// # Errors
/// As [`list`].
pub async fn fetch(client: &Client, places: &[Place]) -> Result<Vec<DeadLetter>, Fault> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let key = |Place { id, topic, partition, offset }: &Place| {
        format!("('{}',{partition},{offset},'{id}')", escaped(topic))
    };
    let keys: Vec<String> = places.iter().map(key).collect();
    let sql = format!(
        "SELECT * REPLACE (concat('hex:', lower(hex(key))) AS key, concat('hex:', lower(hex(payload))) AS payload)
        FROM dead_letters FINAL WHERE (topic, partition, offset, id) IN ({}) ORDER BY failed_at, id",
        keys.join(",")
    );
    let mut letters: Vec<DeadLetter> = client.rows(&sql, &[]).await?;
    for letter in &mut letters {
        // The table holds '' for what is absent.
        letter.key.take_if(|key| key.0.is_empty());
        letter.traceparent.take_if(|trace| trace.is_empty());
        letter.schema.take_if(|schema| schema.is_empty());
    }
    Ok(letters)
}

/// Those of `events` that are stored.
///
/// # Errors
/// As [`list`].
pub async fn stored_events(client: &Client, events: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    #[derive(Deserialize)]
    struct Row {
        eid: Uuid,
    }
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let events: Vec<String> = events.iter().map(|eid| format!("'{eid}'")).collect();
    let sql = format!("SELECT DISTINCT eid FROM events WHERE eid IN ({})", events.join(","));
    let rows: Vec<Row> = client.rows(&sql, &[]).await?;
    Ok(rows.into_iter().map(|row| row.eid).collect())
}

/// A text between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

struct Condition<'a> {
    sql: String,
    params: Vec<(&'a str, &'a str)>,
}

impl Wanted {
    fn condition(&self) -> Condition<'_> {
        let mut all = vec!["1".to_owned()];
        let mut params = Vec::new();
        if !self.ids.is_empty() {
            let ids: Vec<String> = self.ids.iter().map(|id| format!("'{id}'")).collect();
            all.push(format!("id IN ({})", ids.join(",")));
        }
        for (name, value) in [("reason", &self.reason), ("topic", &self.topic), ("origin", &self.origin)] {
            if let Some(value) = value {
                all.push(format!("{name} = {{{name}:String}}"));
                params.push((name, value.as_str()));
            }
        }
        for (sign, at) in [(">=", self.from), ("<", self.to)] {
            if let Some(Timestamp(ms)) = at {
                all.push(format!("failed_at {sign} fromUnixTimestamp64Milli({ms}, 'UTC')"));
            }
        }
        Condition { sql: all.join(" AND "), params }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_wanted_is_everything() {
        let wanted = Wanted::default();
        let Condition { sql, params } = wanted.condition();
        assert_eq!((sql.as_str(), params.len()), ("1", 0));
    }

    #[test]
    fn what_is_wanted_must_hold_all_together() {
        let wanted = Wanted {
            ids: vec![Uuid::nil()],
            reason: Some("malformed".to_owned()),
            topic: Some("tracker.events".to_owned()),
            from: Some(Timestamp(5)),
            to: Some(Timestamp(7)),
            ..Wanted::default()
        };
        let Condition { sql, params } = wanted.condition();
        assert_eq!(
            sql,
            "1 AND id IN ('00000000-0000-0000-0000-000000000000') AND reason = {reason:String} AND topic = {topic:String} \
             AND failed_at >= fromUnixTimestamp64Milli(5, 'UTC') AND failed_at < fromUnixTimestamp64Milli(7, 'UTC')"
        );
        assert_eq!(params, [("reason", "malformed"), ("topic", "tracker.events")]);
    }

    #[test]
    fn no_name_of_a_topic_ends_its_quotes() {
        assert_eq!(escaped(r"it's \ here"), r"it\'s \\ here");
    }
}
