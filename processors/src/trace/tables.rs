//! What the tables know of an id.

use super::found::{Letter, Stored};
use crate::clickhouse::Client;
use serde::Deserialize;
use tracker_stream::fault::Fault;
use uuid::Uuid;

/// A row of an event. Its insert is named by the page of the ledger whose range holds its offset.
const EVENTS: &str =
    "SELECT 'events' AS table, oid, partition, offset, raw_partition, raw_offset, received_at, edge,
        NULL AS token
    FROM events WHERE eid = {id:UUID} ORDER BY enriched_at";
const PAYMENTS: &str =
    "SELECT 'payments' AS table, oid, partition, offset, NULL AS raw_partition, NULL AS raw_offset,
        received_at, edge, token
    FROM payments WHERE id = {id:UUID} ORDER BY received_at";
const TOKEN: &str = "SELECT token FROM ledger FINAL
    WHERE lane = 'load.events' AND topic = 'enriched' AND partition = {partition:Int32}
        AND first <= {offset:Int64} AND last >= {offset:Int64} ORDER BY written_at DESC LIMIT 1";

/// A letter holds the id in its key or, as text, in its message; or it was read where the message of a row stood.
const LETTERS: &str =
    "SELECT id AS letter, failed_at, origin, reason, detail, topic, partition, offset, received_at
    FROM dead_letters FINAL WHERE key = {id:String} OR position(payload, {id:String}) > 0 ORDER BY failed_at";

/// Its rows, with the inserts that stored them.
pub(super) async fn stored(client: &Client, id: Uuid) -> Result<Vec<Stored>, Fault> {
    let id = id.to_string();
    let params = [("id", id.as_str())];
    let mut rows: Vec<Stored> = client.rows(EVENTS, &params).await?;
    for row in &mut rows {
        row.token = token(client, row).await?;
    }
    rows.extend(client.rows::<Stored>(PAYMENTS, &params).await?);
    Ok(rows)
}

async fn token(client: &Client, row: &Stored) -> Result<Option<String>, Fault> {
    #[derive(Deserialize)]
    struct Page {
        token: String,
    }
    let (partition, offset) = (row.partition.to_string(), row.offset.to_string());
    let pages = client.rows::<Page>(TOKEN, &[("partition", &partition), ("offset", &offset)]).await?;
    Ok(pages.into_iter().next().map(|page| page.token))
}

/// Its dead letters, their topics with the prefix.
pub(super) async fn letters(client: &Client, id: Uuid) -> Result<Vec<Letter>, Fault> {
    client.rows(LETTERS, &[("id", &id.to_string())]).await
}
