//! Rows into a table.

use super::{
    Client,
    config::{PROMISED, TOKEN},
    error,
    native::{Block, Sent},
};
use crate::{metrics, rows::TableRow};
use clickhouse::{error::Error, insert_formatted::BufInsertFormatted};
use tokio::time::Instant;
use tracker_stream::{
    envelope::PlannedRange,
    fault::{Fault, WriteError},
    lane::Sink,
    strategy::Pressure,
};

/// Most rows of one insert. More would be cut into several blocks of which some could be stored and some not.
pub const MOST_ROWS: usize = 1_000_000;

/// Parts in one partition of a table from which on batches are made rarer and larger: half of where ClickHouse begins to slow
/// inserts down (`parts_to_delay_insert`, 1000).
const CROWDED: u64 = 500;

/// Sent with each insert, before the operator's own settings; those of [`PROMISED`] come last.
const TUNED: [(&str, &str); 2] = [
    // Rows are left as they come, and merged in the background: a third of the server's cost of an insert.
    ("optimize_on_insert", "0"),
    // A batch of odd times must not be refused as a whole, for ever; 100 months is the default bound.
    ("max_partitions_per_insert_block", "0"),
];

impl Client {
    /// Stores all rows in one block, or says why not. The same `token` again stores nothing again, neither in the
    /// table nor in a view of it. Sent by columns, in ClickHouse's Native format: a table of other columns refuses it.
    ///
    /// # Errors
    /// [`WriteError::Content`] when a row is to blame, else [`WriteError::Fault`]; see [`error`].
    pub async fn insert<R: TableRow>(&self, rows: &[R], token: &str) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut written = self.attempt(rows, token).await;
        if matches!(written, Err(WriteError::Content(_))) {
            // Or was the table changed since its columns were looked up? Then no row is to blame.
            self.tables.forget(R::TABLE);
            written = self.attempt(rows, token).await;
        }
        if written.is_err() {
            self.tables.forget(R::TABLE);
        }
        written
    }

    async fn attempt<R: TableRow>(&self, rows: &[R], token: &str) -> Result<(), WriteError> {
        let started_at = Instant::now();
        let limit = self.config.insert_timeout;
        tokio::time::timeout(limit, self.send(rows, token)).await.unwrap_or_else(|_| {
            let detail = format!("no answer within {limit:?} (clickhouse.insert_timeout)");
            Err(Fault::new("clickhouse_timeout", detail).into())
        })?;
        metrics::inserted(R::TABLE, rows.len(), started_at.elapsed());
        Ok(())
    }

    async fn send<R: TableRow>(&self, rows: &[R], token: &str) -> Result<(), WriteError> {
        let table = self.table::<R>().await?;
        let mut insert = self.inner.insert_formatted_with(&table.statement).with_setting(TOKEN, token);
        let given = self.config.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in TUNED.into_iter().chain(given).chain(PROMISED) {
            insert = insert.with_setting(name, value);
        }
        let block = turned(rows, &table.columns).await;
        // An insert without a byte, and a compressed frame without one, are errors for ClickHouse: this writes neither.
        let mut insert = insert.buffered();
        for part in block.parts() {
            write_all(&mut insert, &part).await.map_err(|failure| error::of_insert(&failure))?;
        }
        insert.end().await.map_err(|failure| error::of_insert(&failure))
    }
}

/// Rows that are turned at once: a few hundred microseconds, in which a thread does nothing else.
const AT_ONCE: usize = 500;

/// The block of these rows.
async fn turned<R: TableRow>(rows: &[R], columns: &[Sent]) -> Block {
    let mut block = Block::of(columns, rows.len());
    for some in rows.chunks(AT_ONCE) {
        some.iter().for_each(|row| block.add(row.packed()));
        tokio::task::yield_now().await;
    }
    block
}

/// Sends bytes by pieces that are compressed each by itself.
async fn write_all(insert: &mut BufInsertFormatted, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let written = insert.write(bytes).await?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// The end of a lane: each batch is one insert, known by its range.
impl<R: TableRow> Sink<R> for Client {
    async fn write(&self, range: &PlannedRange, items: &[R]) -> Result<(), WriteError> {
        self.insert(items, &range.token()).await
    }

    fn pressure(&self, fault: Option<&Fault>) -> Pressure {
        match fault.map(|fault| fault.tag) {
            Some(error::NO_MEMORY) => Pressure::TooLarge,
            Some(error::TOO_MANY_PARTS) => Pressure::TooMany,
            None if self.parts.of(R::TABLE) >= CROWDED => Pressure::TooMany,
            _ => Pressure::Fine,
        }
    }
}
