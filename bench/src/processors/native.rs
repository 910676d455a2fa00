//! The rows of a filled table as blocks that need no more work: what the database alone makes of them. Into a table that is made
//! like Tracker's own, views and all, and into a plain one of the same columns without any.

use super::{
    ask::{self, ask, failed},
    drain::{merged, of_database},
};
use crate::{latency::us, site::Site};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::time::Instant;
use tracker_cli::Failure;

/// Rows of one block: as many as the loader's largest.
const ROWS: u64 = 100_000;
/// Inserts at once: as many as the loader has partitions.
const AT_ONCE: usize = 3;
/// No two inserts have the same token.
static INSERTS: AtomicU64 = AtomicU64::new(0);

/// How a block is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// By columns.
    Native,
    /// By rows.
    RowBinary,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Native => "Native",
            Self::RowBinary => "RowBinary",
        }
    }
}

/// Encoded rows, compressed as the loader's.
pub struct Blocks {
    blocks: Vec<Bytes>,
    rows: f64,
    format: Format,
}

impl Blocks {
    /// All rows of a site's `events`, each block a range of one partition, in the order in which they came.
    ///
    /// # Errors
    /// A database that does not give them.
    pub async fn of(site: &Site, format: Format) -> Result<Self, Failure> {
        let (port, database, name) = (ask::port(site).await?, ask::database(site)?, format.name());
        let source = format!("{database}.as_they_came");
        let copy = format!(
            "CREATE TABLE IF NOT EXISTS {source} ENGINE = MergeTree ORDER BY (`partition`, `offset`) AS SELECT * FROM {database}.events"
        );
        ask::sql(site, &copy).await?;
        let mut blocks = Vec::new();
        for (partition, first, last) in ranges(site, &source).await? {
            let query = format!(
                "SELECT * FROM {source} WHERE `partition` = {partition} AND `offset` BETWEEN {first} AND {last} ORDER BY `offset` \
                 FORMAT {name} SETTINGS max_block_size = {ROWS}"
            );
            blocks.push(ask(port, Request::post("/?compress=1"), Bytes::from(query)).await?);
        }
        let rows = ask::number(site, &format!("SELECT count() FROM {source}")).await?;
        Ok(Self { blocks, rows, format })
    }
}

/// Partition, first and last offset of each block: the first of each partition, the second of each, …
async fn ranges(site: &Site, source: &str) -> Result<Vec<(i32, i64, i64)>, Failure> {
    let query = format!(
        "SELECT `partition`, min(`offset`), max(`offset`) FROM (SELECT `partition`, `offset`, \
         intDiv(row_number() OVER (PARTITION BY `partition` ORDER BY `offset`) - 1, {ROWS}) AS block FROM {source}) \
         GROUP BY block, `partition` ORDER BY block, `partition`"
    );
    let range = |line: &str| {
        let mut fields = line.split('\t');
        let [partition, first, last] = [fields.next()?, fields.next()?, fields.next()?];
        Some((partition.parse().ok()?, first.parse().ok()?, last.parse().ok()?))
    };
    let ranges = ask::sql(site, &query).await?.lines().map(range).collect::<Option<Vec<_>>>();
    ranges.ok_or_else(|| failed("the ranges of the blocks cannot be read"))
}

/// What an insert of all blocks has cost.
#[derive(Debug, Clone, Copy)]
pub struct Inserted {
    /// Rows a second, until the last answer.
    pub rate: f64,
    /// CPU of the database for a row, merges included, microseconds.
    pub us_a_row: f64,
}

/// A plain table of the columns and the order of a site's `events`, in a database of its own, whose name this is.
///
/// # Errors
/// A database that does not make it.
pub async fn plain(site: &Site) -> Result<String, Failure> {
    let database = ask::database(site)?;
    let plain = format!("{database}_plain");
    ask::sql(site, &format!("CREATE DATABASE {plain}")).await?;
    let key =
        format!("SELECT sorting_key FROM system.tables WHERE database = '{database}' AND name = 'events'");
    let key = ask::sql(site, &key).await?;
    let make = format!(
        "CREATE TABLE {plain}.events AS {database}.events ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY ({key})"
    );
    ask::sql(site, &make).await?;
    Ok(plain)
}

/// Inserts all of them into a database whose tables are empty, by plain HTTP with the settings of the loader's inserts, and
/// waits for the merges.
///
/// # Errors
/// A database that does not take them.
pub async fn insert(site: &Site, blocks: &Blocks, database: &str) -> Result<Inserted, Failure> {
    empty(site, database).await?;
    merged(site).await?;
    let port = ask::port(site).await?;
    let (began, before) = (Instant::now(), of_database(site).await?);
    let format = blocks.format.name();
    let send = |block: &Bytes| {
        let token = INSERTS.fetch_add(1, Ordering::Relaxed);
        let path = format!(
            "/?optimize_on_insert=0&async_insert=0&max_insert_block_size=1000000&decompress=1&insert_deduplication_token=ready-{token}\
             &deduplicate_blocks_in_dependent_materialized_views=1&query=INSERT%20INTO%20{database}.events%20FORMAT%20{format}"
        );
        ask(port, Request::post(path), block.clone())
    };
    let all = stream::iter(blocks.blocks.iter().map(send)).buffer_unordered(AT_ONCE);
    all.try_collect::<Vec<_>>().await?;
    let wall = began.elapsed();
    merged(site).await?;
    let stored = ask::number(site, &format!("SELECT count() FROM {database}.events")).await?;
    if stored < blocks.rows {
        return Err(failed(format!("{stored} of {} rows were stored", blocks.rows)));
    }
    let spent = of_database(site).await?.saturating_sub(before);
    Ok(Inserted { rate: blocks.rows / wall.as_secs_f64(), us_a_row: us(spent) / blocks.rows })
}

/// Empties each table of a database, those behind its views among them: they are not to grow from round to round.
///
/// # Errors
/// A database that does not do it.
pub async fn empty(site: &Site, database: &str) -> Result<(), Failure> {
    let tables = format!(
        "SELECT name FROM system.tables WHERE database = '{database}' AND engine LIKE '%MergeTree' AND name != 'schema_history'"
    );
    for table in ask::sql(site, &tables).await?.lines() {
        ask::sql(site, &format!("TRUNCATE TABLE {database}.`{table}`")).await?;
    }
    Ok(())
}
