//! Whether the books close: what edges acknowledged is in the log, what is in the log has a fate, what was delivered is
//! where it belongs, once. By topic, and by the minute in which it was received.
//!
//! [`Verifier`] gathers the [`Evidence`]: the table `ledger`, the rows of the tables, and what the log holds that no page
//! accounts for yet. [`judge`] makes a [`Report`] of it, purely. A minute of which a message is still on its way is not
//! judged; what looks wrong while things move is looked at again.
//!
//! An edge that is killed takes its last second of pages with it, so its counts are a lower bound: what it answered 200
//! is in the log or in its spool, and it is the log that is counted from there on. Pages of enrichment are part of the
//! transaction that they tell of, and a lane that loads writes its page again, as the same page, until it has gone on: none
//! of them is ever missing or doubled, whoever is killed.

mod ask;
mod evidence;
mod judge;
mod log;
mod report;
#[cfg(test)]
mod tests;

pub use evidence::{Entry, Evidence, Flaw, Rows, Unread};
pub use judge::judge;
pub use report::{Balance, Break, Counts, Report, State};

use crate::{clickhouse::Client, enrich, load, payments};
use std::time::Duration;
use tracker_schemas::Topic;
use tracker_stream::{books::minute, clock, fault::Fault, kafka::KafkaConfig};

/// The lanes whose books are compared, in the order in which data meets them, each with the topic that it reads.
pub const LANES: [(&str, &str); 5] = [
    (enrich::LANE, Topic::Events.name()),
    (load::EVENTS, Topic::Enriched.name()),
    (payments::PAYMENTS, Topic::Payments.name()),
    (load::AGREED, Topic::Agreements.name()),
    (load::DEAD_LETTERS, Topic::DeadLetters.name()),
];

/// Which minutes are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant, milliseconds; judged from the start of its minute.
    pub from_ms: i64,
    /// The instant after the last.
    pub to_ms: i64,
    /// Minutes that end after this are told and not judged: their messages may be under way.
    pub settled_ms: i64,
}

impl Span {
    /// From `from_ms` to `to_ms`, as it is `now_ms`. What is younger than `settle` is not judged; zero says that nothing is
    /// being sent any more.
    #[must_use]
    pub fn new(from_ms: i64, to_ms: i64, now_ms: i64, settle: Duration) -> Self {
        let settle = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX);
        let settled_ms = if settle == 0 { i64::MAX } else { minute(now_ms.saturating_sub(settle)) };
        Self { from_ms: minute(from_ms), to_ms, settled_ms }
    }
}

/// Looks at the books of one deployment.
pub struct Verifier {
    /// Where the tables are.
    pub client: Client,
    /// Where the log is.
    pub kafka: KafkaConfig,
}

/// What looks wrong is looked at so often before it is said: pages and rows arrive one after the other.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

impl Verifier {
    /// Looks, and judges.
    ///
    /// # Errors
    /// A broker or a ClickHouse that does not answer.
    pub async fn verify(&self, span: &Span) -> Result<Report, Fault> {
        let mut report = judge(&self.look(span).await?, span);
        for _ in 1..LOOKS {
            if report.breaks.is_empty() {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            report = judge(&self.look(span).await?, span).confirming(&report);
        }
        Ok(report)
    }

    /// The same, until every message that was there has its page, or `patience` is over.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_settled(&self, span: &Span, patience: Duration) -> Result<Report, Fault> {
        let give_up_at =
            clock::now_ms().saturating_add(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX));
        loop {
            let report = self.verify(span).await?;
            let waits = !report.behind.is_empty() || !report.is_balanced();
            if !waits || clock::now_ms() >= give_up_at {
                return Ok(report);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// The pages first: whatever they tell of is in the log and in the tables already.
    async fn look(&self, span: &Span) -> Result<Evidence, Fault> {
        let positions = ask::positions(&self.client, span).await?;
        let entries = ask::entries(&self.client, span).await?;
        let flaws = self.look_into(ask::flaws(&self.client, span).await?).await?;
        let unread = log::unread(&self.kafka, &positions).await?;
        let rows = ask::rows(&self.client, &self.kafka.prefix, span).await?;
        Ok(Evidence { entries, rows, flaws, unread })
    }

    /// Asks the log whether offsets that no page counts hold messages at all: markers of transactions have some, too.
    async fn look_into(&self, mut flaws: Vec<Flaw>) -> Result<Vec<Flaw>, Fault> {
        for flaw in flaws.iter_mut().filter(|flaw| flaw.is_hole()) {
            flaw.found = log::messages(&self.kafka, flaw).await?;
        }
        Ok(flaws)
    }
}
