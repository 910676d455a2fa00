//! What the tests of several modules share. On a paused clock its waits take no time.

use std::time::Duration;

/// Waits for a condition, or fails when `within` is over.
pub(crate) async fn until(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    let met = tokio::time::timeout(within, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    met.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
