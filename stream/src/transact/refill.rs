//! Fills the window of a partition that has just come, while its messages wait.

use super::{LONGEST_WAIT, Log, Progress, Refill, Shared};
use crate::{clock, metrics, retry::Backoff, window::Window};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often its progress is logged.
const SAID: Duration = Duration::from_secs(5);

/// Tries until the window is full, or whoever waits for it ends the task. What it has begun may outlive it for a moment,
/// and tells nothing once nobody waits: `wanted` is cancelled.
pub(super) async fn refill<L: Log, St, Sc>(
    shared: Arc<Shared<L, St, Sc>>,
    partition: i32,
    next: i64,
    wanted: &CancellationToken,
) -> Window
where
    St: Send + Sync + 'static,
    Sc: Send + Sync + 'static,
{
    let started_at = Instant::now();
    let mut backoff = Backoff::new(LONGEST_WAIT);
    loop {
        let (window, prints) = (Window::new(shared.window), shared.prints.clone());
        let told = tell(Arc::clone(&shared), partition, wanted.clone());
        let fault = match shared.log.refill(Refill { partition, next, window, prints }, told).await {
            Ok(window) => {
                let (keys, bytes, took) = (window.len(), window.bytes(), started_at.elapsed());
                tracing::info!(lane = shared.name, partition, keys, bytes, ?took, "the window is built");
                return window;
            }
            Err(fault) => fault,
        };
        let wait = backoff.next(clock::now_ms().unsigned_abs());
        metrics::faulted(shared.name, fault.tag);
        tracing::warn!(lane = shared.name, partition, tries = backoff.tries(), %fault,
            "cannot read the keys of the window; trying again in {wait:?}");
        shared.standing.refills(partition, fault.to_string(), wanted);
        tokio::time::sleep(wait).await;
    }
}

/// Says how far it has come.
fn tell<L, St, Sc>(
    shared: Arc<Shared<L, St, Sc>>,
    partition: i32,
    wanted: CancellationToken,
) -> impl Fn(Progress) + Send + 'static
where
    L: Send + Sync + 'static,
    St: Send + Sync + 'static,
    Sc: Send + Sync + 'static,
{
    let said_at = Mutex::new(Instant::now());
    move |Progress { read, of }| {
        let how_far = format!("reads the keys of its window: {read} of {of}");
        shared.standing.refills(partition, how_far, &wanted);
        let mut said_at = said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.elapsed() >= SAID {
            *said_at = Instant::now();
            tracing::info!(lane = shared.name, partition, read, of, "reading the keys of the window");
        }
    }
}
