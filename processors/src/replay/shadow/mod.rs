//! A shadow beside the live database: compared with it, and swapped in, by partition.
//!
//! [`compare`] tells per table and partition how both differ. [`swap`] puts a partition of the shadow in the place of the
//! live one. The views do not follow such a change, for they are kept by inserts: so each of them is made anew from the table
//! as it then is, beside the old one, and exchanged with it ([`views`]). After a swap every view agrees with its table.

pub mod compare;
pub mod swap;
pub mod views;

use super::{Range, State, open, order::Where};
use crate::clickhouse::Client;
use serde::Deserialize;
use tracker_stream::{config::Settings, fault::Fault, process::Failure};

/// The same table twice.
pub struct Pair {
    /// Speaks to the live database.
    pub client: Client,
    /// Name of the live database.
    pub live: String,
    /// Name of the shadow.
    pub shadow: String,
    /// The table that was replayed into.
    pub table: &'static str,
    /// What tells its rows from each other.
    pub key: &'static str,
    /// What was replayed into the shadow.
    pub ranges: Vec<Range>,
}

/// Columns that tell where a row travelled, not what it says.
const TRAVEL: [&str; 6] = ["partition", "offset", "raw_partition", "raw_offset", "produced_at", "token"];

impl Pair {
    /// The pair of a replay into a shadow.
    ///
    /// # Errors
    /// A replay that is none, or has not ended; wrong settings.
    pub fn of(state: &State, settings: &Settings) -> Result<Self, Failure> {
        if state.order.into != Where::Shadow {
            let detail = format!("{} went into the live {}", state.id, state.order.topic.table());
            return Err(Fault::new("no_shadow", detail).into());
        }
        if state.finished_at.is_none() {
            let detail = format!("{0} has not ended: `tracker replay --resume {0}`", state.id);
            return Err(Fault::new("replay_unfinished", detail).into());
        }
        let live = crate::clickhouse::ClickHouseConfig::read(settings)?.database;
        let table = state.order.topic.table();
        Ok(Self {
            client: open::client(settings, &live)?,
            live,
            shadow: state.database.clone(),
            table,
            key: if table == "payments" { "(oid, id)" } else { "eid" },
            ranges: state.ranges.clone(),
        })
    }

    /// The columns of a table that tell what a row says, for a checksum.
    async fn content(&self, table: &str) -> Result<String, Fault> {
        let sql =
            "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}
            AND (is_in_sorting_key OR type NOT LIKE 'AggregateFunction%') ORDER BY position";
        let params = [("database", self.live.as_str()), ("table", table)];
        let columns: Vec<Named> = self.client.rows(sql, &params).await?;
        let said = columns.iter().filter(|column| !TRAVEL.contains(&column.name.as_str()));
        Ok(said.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", "))
    }
}

/// A name.
#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}
