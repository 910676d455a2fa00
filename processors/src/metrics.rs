//! The metrics of the processors, named in this one place. Those of the lanes themselves are in `tracker_stream`.
#![expect(clippy::disallowed_macros, reason = "this is the replacement that the ban names")]

use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// A User-Agent that was not remembered was taken apart.
pub(crate) fn agent_parsed() {
    counter!("tracker_agent_parsed_total").increment(1);
}

/// An event of a hot visitor was spread; the first one since that visitor is hot, or a later one.
pub(crate) fn hot_event(first: bool) {
    counter!("tracker_enrich_hot_events_total").increment(1);
    counter!("tracker_enrich_hot_visitors_total").increment(u64::from(first));
}

/// Parts of the partition that has the most, of a table.
pub(crate) fn parts(table: &str, parts: u64) {
    gauge!("tracker_clickhouse_parts", "table" => table.to_owned()).set(parts as f64);
}

/// Rows that ClickHouse stored in one insert.
pub(crate) fn inserted(table: &'static str, rows: usize, took: Duration) {
    counter!("tracker_clickhouse_rows_total", "table" => table).increment(rows as u64);
    histogram!("tracker_clickhouse_insert_seconds", "table" => table).record(took.as_secs_f64());
}
