//! Commits one batch, as often as the world makes it necessary.

use super::{LONGEST_WAIT, NotCommitted, Shared, Transactor, prepare::Prepared, session::late};
use crate::{clock, envelope::Decided, fault::Fault, metrics, retry::Backoff};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The batch cannot be committed any more: its messages stay open.
pub(super) struct LeftOpen(pub(super) Fault);

/// Tries until the batch is committed, `forced` says that the time is over, or nobody can tell.
pub(super) async fn commit<L, St, Sc, T: Transactor>(
    shared: Arc<Shared<L, St, Sc>>,
    transactor: Arc<T>,
    batch: Prepared,
    forced: CancellationToken,
) -> Result<(), LeftOpen> {
    let Prepared { transaction, decided } = batch;
    let started_at = Instant::now();
    let mut backoff = Backoff::new(LONGEST_WAIT);
    loop {
        if forced.is_cancelled() {
            return Err(LeftOpen(late()));
        }
        // Not cut off by force: it ends by itself, and only its end says what is there.
        let fault = match transactor.commit(Arc::clone(&transaction)).await {
            Ok(()) => break,
            Err(NotCommitted::TakenBack(fault)) => fault,
            Err(NotCommitted::Unknown(fault)) => return Err(LeftOpen(fault)),
        };
        let wait = backoff.next(clock::now_ms().unsigned_abs());
        metrics::faulted(shared.name, fault.tag);
        tracing::warn!(lane = shared.name, tries = backoff.tries(), %fault,
            "a transaction was taken back; trying it again in {wait:?}");
        // One that was taken back once went into a rebalance, as a rule.
        if backoff.tries() > 1 {
            shared.standing.stalls(fault.to_string());
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = forced.cancelled() => return Err(LeftOpen(fault)),
        }
    }
    if shared.standing.goes_on() {
        tracing::info!(lane = shared.name, "the lane goes on");
    }
    metrics::stored(shared.name, decided.len(), started_at.elapsed());
    for (partition, next) in &transaction.offsets {
        metrics::committed(shared.name, *partition, *next);
    }
    decided.into_iter().for_each(Decided::stand);
    Ok(())
}
