//! A number, asked of a database.

use serde::Deserialize;
use tracker_processors::clickhouse::Client;
use tracker_stream::fault::Fault;

/// The `n` of the one row that a query gives; without a row, 0.
///
/// # Errors
/// A database that does not answer.
pub(super) async fn count(client: &Client, sql: &str, parameters: &[(&str, &str)]) -> Result<u64, Fault> {
    #[derive(Deserialize)]
    struct Count {
        n: u64,
    }
    let rows: Vec<Count> = client.rows(sql, parameters).await?;
    Ok(rows.first().map_or(0, |row| row.n))
}
