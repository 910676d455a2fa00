//! Rows of `ledger`.

use super::{
    TableRow,
    cell::{Id, Instant, cell},
};
use tracker_schemas::LedgerPage;
use tracker_stream::fault::Refusal;

/// A page as the table `ledger` takes it: its counts as four columns of one length.
#[derive(Debug, Clone, PartialEq, clickhouse::Row, serde::Serialize)]
pub struct LedgerRow {
    id: Id,
    process: String,
    lane: String,
    written_at: Instant,
    topic: String,
    partition: Option<i32>,
    first: Option<i64>,
    last: Option<i64>,
    token: String,
    minutes: Vec<Instant>,
    fates: Vec<String>,
    reasons: Vec<String>,
    counts: Vec<i64>,
}

impl TableRow for LedgerRow {
    const TABLE: &'static str = "ledger";
}

impl TryFrom<LedgerPage> for LedgerRow {
    type Error = Refusal;

    fn try_from(page: LedgerPage) -> Result<Self, Refusal> {
        let minutes =
            page.counts.iter().map(|count| cell("minute", count.minute)).collect::<Result<_, _>>()?;
        Ok(Self {
            id: cell("id", page.id)?,
            process: page.process,
            lane: page.lane,
            written_at: cell("written_at", page.written_at)?,
            topic: page.topic,
            partition: page.partition,
            first: page.first,
            last: page.last,
            token: page.token,
            minutes,
            counts: page.counts.iter().map(|count| count.count).collect(),
            fates: page.counts.iter().map(|count| count.fate.clone()).collect(),
            reasons: page.counts.into_iter().map(|count| count.reason).collect(),
        })
    }
}
