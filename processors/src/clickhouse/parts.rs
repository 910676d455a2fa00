//! How many parts the tables have: a table that has too many takes no more rows.

use super::Client;
use crate::metrics;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tracker_stream::fault::Fault;

/// What was counted last.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<BTreeMap<String, u64>>);

impl Parts {
    /// The parts of that partition of a table which has the most; 0 where nothing was counted yet.
    pub(super) fn of(&self, table: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(table).copied().unwrap_or_default()
    }

    fn note(&self, counted: BTreeMap<String, u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }
}

#[derive(Deserialize)]
struct Counted {
    table: String,
    parts: u64,
}

/// Answered from memory by the server.
const COUNT: &str = "SELECT table, max(parts) AS parts FROM (
        SELECT table, partition_id, count() AS parts FROM system.parts
        WHERE active AND database = {database:String} GROUP BY table, partition_id
    ) GROUP BY table";

impl Client {
    /// The parts of that partition of a table which has the most, as they were counted last.
    pub(crate) fn parts_of(&self, table: &str) -> u64 {
        self.parts.of(table)
    }

    /// Counts the parts of every table.
    pub(crate) async fn count_parts(&self) -> Result<(), Fault> {
        let counted: Vec<Counted> = self.server().rows(COUNT, &[("database", self.database())]).await?;
        for Counted { table, parts } in &counted {
            metrics::parts(table, *parts);
        }
        self.parts.note(counted.into_iter().map(|Counted { table, parts }| (table, parts)).collect());
        Ok(())
    }
}
