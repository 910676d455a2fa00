//! Waiting for a condition instead of for a time.

use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at `condition` until it gives a value; `None` when `limit` has passed.
pub async fn wait_until<T>(limit: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition().await {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(LOOK).await;
    }
}
