//! The tables of ClickHouse as a replay sees them: what they have, and what they are given.

use super::{About, Key, Replayed};
use crate::{
    clickhouse::Client,
    codec,
    load::ToRow,
    rows::{EventRow, PaymentRow, TableRow},
};
use serde::Deserialize;
use std::collections::HashSet;
use tracker_schemas::{Enriched, Payment};
use tracker_stream::{
    config::Settings,
    envelope::{Message, PlannedRange, Verdict},
    fault::{Fault, WriteError},
    lane::Step,
    process::Failure,
};
use uuid::Uuid;

/// A database, and how messages become rows of it.
pub struct Store {
    client: Client,
    table: &'static str,
    rows: Rows,
}

enum Rows {
    Events(ToRow<Enriched, EventRow>),
    Payments(ToRow<Payment, PaymentRow>),
}

/// Ids in one question: some 700 KB of it.
const ASKED: usize = 10_000;

impl Store {
    /// The database of `client`, for the messages of `topic`.
    ///
    /// # Errors
    /// A registry that does not answer.
    pub async fn open(client: Client, topic: Replayed, settings: &Settings) -> Result<Self, Failure> {
        let rows = match topic {
            Replayed::Events | Replayed::Enriched => {
                Rows::Events(ToRow::new(codec::decoder(settings).await?))
            }
            Replayed::Payments => Rows::Payments(ToRow::new(codec::decoder(settings).await?)),
        };
        Ok(Self { client, table: topic.table(), rows })
    }

    /// The database.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Its table.
    #[must_use]
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// Which of these it has.
    ///
    /// # Errors
    /// No answer.
    pub async fn stored(&self, wanted: &[About]) -> Result<HashSet<Key>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            #[serde(default)]
            oid: Uuid,
            id: Uuid,
        }
        let mut stored = HashSet::new();
        for some in wanted.chunks(ASKED) {
            let sql = match self.rows {
                Rows::Events(_) => events(some),
                Rows::Payments(_) => payments(some),
            };
            let rows: Vec<Row> = self.client.rows(&sql, &[]).await?;
            stored.extend(rows.into_iter().map(|Row { oid, id }| Key { oid, id }));
        }
        Ok(stored)
    }

    /// Stores these messages as one block known by the range's token, and says how many were refused. A block that
    /// ClickHouse refuses for its content is cut in halves, down to the rows that are to blame: the same each time, so
    /// their tokens are too.
    ///
    /// # Errors
    /// The world's: the same call again stores nothing twice.
    pub async fn insert(&self, range: &PlannedRange, messages: &[&Message]) -> Result<u64, Fault> {
        let stored = match &self.rows {
            Rows::Events(step) => {
                let (offsets, rows) = kept(step, messages);
                insert(&self.client, range, &offsets, &rows).await?
            }
            Rows::Payments(step) => {
                let ((offsets, rows), token) = (kept(step, messages), range.token());
                let rows: Vec<_> = rows.iter().map(|row| row.stamped(&token)).collect();
                insert(&self.client, range, &offsets, &rows).await?
            }
        };
        Ok((messages.len() - stored) as u64)
    }
}

/// The rows of messages, and their offsets beside them. What is no row was a dead letter before, and still is.
fn kept<S: Step>(step: &S, messages: &[&Message]) -> (Vec<i64>, Vec<S::Out>) {
    let row = |message: &&Message| match step.step(message) {
        Verdict::Keep(row) => Some((message.offset, row)),
        Verdict::Drop(_) | Verdict::Refuse(_) => None,
    };
    messages.iter().filter_map(row).unzip()
}

/// Stores rows, and says how many of them were taken.
async fn insert<T: TableRow>(
    client: &Client,
    range: &PlannedRange,
    offsets: &[i64],
    rows: &[T],
) -> Result<usize, Fault> {
    let (mut stored, mut waiting) = (0, vec![(range.clone(), offsets, rows)]);
    while let Some((range, offsets, rows)) = waiting.pop() {
        if rows.is_empty() {
            continue;
        }
        match client.insert(rows, &range.token()).await {
            Ok(()) => stored += rows.len(),
            Err(WriteError::Fault(fault)) => return Err(fault),
            Err(WriteError::Content(refusal)) if rows.len() == 1 => {
                tracing::warn!(partition = range.partition, offset = range.first, %refusal, "not stored");
            }
            Err(WriteError::Content(_)) => {
                let middle = rows.len() / 2;
                let ((left, right), (first, second)) = (offsets.split_at(middle), rows.split_at(middle));
                let halves = [(right, second), (left, first)];
                waiting.extend(halves.map(|(offsets, rows)| (part(&range, offsets), offsets, rows)));
            }
        }
    }
    Ok(stored)
}

/// The range of some rows of it.
fn part(range: &PlannedRange, offsets: &[i64]) -> PlannedRange {
    PlannedRange {
        first: offsets.first().copied().unwrap_or(range.first),
        last: offsets.last().copied().unwrap_or(range.last),
        ..range.clone()
    }
}

/// Ids stand in one text: a list of so many literals is more than ClickHouse parses. What a block holds is of a few
/// months, so most partitions are not looked at.
fn events(wanted: &[About]) -> String {
    let created_at = || wanted.iter().map(|about| about.created_at);
    let (least, most) = (created_at().min().unwrap_or(0), created_at().max().unwrap_or(0));
    let ids: Vec<String> = wanted.iter().map(|about| about.key.id.to_string()).collect();
    format!(
        "SELECT DISTINCT eid AS id FROM events
        WHERE created_at BETWEEN fromUnixTimestamp64Milli({least}, 'UTC') AND fromUnixTimestamp64Milli({most}, 'UTC')
            AND eid IN (SELECT toUUID(arrayJoin(splitByChar(',', '{}'))))",
        ids.join(",")
    )
}

fn payments(wanted: &[About]) -> String {
    let ids: Vec<String> = wanted.iter().map(|about| format!("{}{}", about.key.oid, about.key.id)).collect();
    format!(
        "SELECT DISTINCT oid, id FROM payments WHERE (oid, id) IN (
            SELECT toUUID(substring(both, 1, 36)), toUUID(substring(both, 37))
            FROM (SELECT arrayJoin(splitByChar(',', '{}')) AS both))",
        ids.join(",")
    )
}
