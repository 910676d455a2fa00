//! The ledger of the lab: every message that is in the log has its page, and the pages add up.

use crate::{Failure, chaos::lab::Lab};
use std::time::Duration;
use tracker_processors::ledger::verify::{Span, Verifier};
use tracker_stream::clock;

/// How long pages may still be on their way.
const PATIENCE: Duration = Duration::from_secs(60);
/// Clocks of a minute around the run are looked at.
const AROUND_MS: i64 = 60_000;

/// Where the books do not close, since `began_ms`; a line each.
///
/// # Errors
/// A broker or a database that does not answer.
pub async fn books(lab: &Lab, began_ms: i64) -> Result<Vec<String>, Failure> {
    let verifier = Verifier { client: lab.client()?, kafka: lab.settings.kafka()? };
    let now = clock::now_ms();
    let span = Span::new(began_ms - AROUND_MS, now + AROUND_MS, now, Duration::ZERO);
    let report = verifier.verify_settled(&span, PATIENCE).await?;
    let behind = report.behind.iter().map(|unread| format!("not accounted for: {unread:?}"));
    Ok(report.breaks.iter().map(ToString::to_string).chain(behind).collect())
}
