//! The rows of a filled table as blocks that need no more work: what the database alone makes of them. A table that is made
//! like Tracker's own, views and all, and a plain one of the same columns without any.

use super::{
    ask::{self, ask, failed},
    drain::{merged, of_database},
};
use crate::site::Site;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use std::time::Duration;
use tokio::time::Instant;
use tracker_cli::{Failure, schema};
use tracker_stream::config::Settings;

/// Rows of one block: as many as the loader's largest.
const ROWS: u64 = 100_000;
/// Inserts at once: as many as the loader has partitions.
const AT_ONCE: usize = 3;
/// A database with Tracker's tables and views.
const TWIN: &str = "twin";
/// One with the same columns in a plain table.
const PLAIN: &str = "plain";

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

/// Encoded rows.
pub struct Blocks {
    blocks: Vec<Bytes>,
    rows: u64,
    format: Format,
}

impl Blocks {
    /// The first so many rows of a site's `events`, in the order in which they were loaded.
    ///
    /// # Errors
    /// A database that does not give them.
    pub async fn of(site: &Site, database: &str, rows: u64, format: Format) -> Result<Self, Failure> {
        let port = ask::port(site).await?;
        let mut blocks = Vec::new();
        for first in (0..rows).step_by(ROWS as usize) {
            let query = format!(
                "SELECT * FROM {database}.events ORDER BY partition, offset LIMIT {} OFFSET {first} FORMAT {} \
                 SETTINGS max_block_size = {ROWS}",
                ROWS.min(rows - first),
                format.name(),
            );
            blocks.push(ask(port, Request::post("/"), Bytes::from(query)).await?);
        }
        Ok(Self { blocks, rows, format })
    }
}

/// What an insert of all blocks has cost.
#[derive(Debug, Clone, Copy)]
pub struct Inserted {
    /// Rows a second, until the last answer.
    pub rate: f64,
    /// CPU of the database for a row, merges included, microseconds.
    pub us_a_row: f64,
}

/// Where blocks go.
#[derive(Debug, Clone, Copy)]
pub enum Table {
    /// With its views.
    Twin,
    /// Without any.
    Plain,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Twin => TWIN,
            Self::Plain => PLAIN,
        }
    }
}

/// Makes both tables.
///
/// # Errors
/// A database that does not make them.
pub async fn prepare(site: &Site, database: &str) -> Result<(), Failure> {
    let told = site.told(&format!("[clickhouse]\ndatabase = \"{TWIN}\"\n"))?;
    schema::apply(&Settings::merge(&told, "the twin's settings", std::iter::empty())?).await?;
    ask::sql(site, &format!("CREATE DATABASE {PLAIN}")).await?;
    let key =
        format!("SELECT sorting_key FROM system.tables WHERE database = '{database}' AND name = 'events'");
    let key = ask::sql(site, &key).await?;
    let make = format!(
        "CREATE TABLE {PLAIN}.events AS {database}.events ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY ({key})"
    );
    ask::sql(site, &make).await.map(drop)
}

/// Inserts all of them by plain HTTP, with the settings of the loader's inserts, and waits for the merges.
///
/// # Errors
/// A database that does not take them.
pub async fn insert(site: &Site, blocks: &Blocks, table: Table) -> Result<Inserted, Failure> {
    ask::sql(site, &format!("TRUNCATE TABLE {}.events", table.name())).await?;
    merged(site).await?;
    let port = ask::port(site).await?;
    let (began, before) = (Instant::now(), of_database(site).await?);
    let format = blocks.format.name();
    let send = |(place, block): (usize, &Bytes)| {
        let path = format!(
            "/?optimize_on_insert=0&async_insert=0&max_insert_block_size=1000000&insert_deduplication_token={format}{place}-{}\
             &deduplicate_blocks_in_dependent_materialized_views=1&query=INSERT%20INTO%20{}.events%20FORMAT%20{format}",
            before.as_millis(),
            table.name()
        );
        ask(port, Request::post(path), block.clone())
    };
    let all = stream::iter(blocks.blocks.iter().enumerate().map(send)).buffer_unordered(AT_ONCE);
    all.try_collect::<Vec<_>>().await?;
    let wall = began.elapsed();
    merged(site).await?;
    let stored = ask::number(site, &format!("SELECT count() FROM {}.events", table.name())).await?;
    if stored < blocks.rows as f64 {
        return Err(failed(format!("{stored} of {} rows were stored", blocks.rows)));
    }
    let spent: Duration = of_database(site).await?.saturating_sub(before);
    Ok(Inserted {
        rate: blocks.rows as f64 / wall.as_secs_f64(),
        us_a_row: crate::latency::us(spent) / blocks.rows as f64,
    })
}
