//! Events of visitors who were sent on already, and are not safe yet: only so many, and none is left behind at the end.

use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// The events under way.
pub struct UnderWay {
    free: Arc<Semaphore>,
    open: TaskTracker,
}

/// Each holds an event of what one address may say, 16 KiB at most.
const MOST: usize = 8192;

impl Default for UnderWay {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(MOST)), open: TaskTracker::new() }
    }
}

impl UnderWay {
    /// Room for one more, if there is any.
    #[must_use]
    pub fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Goes on with one; the visitor does not wait.
    pub fn go_on(&self, event: impl Future<Output = ()> + Send + 'static) {
        self.open.spawn(event);
    }

    /// Waits until none is under way any more, at most so long.
    pub async fn end(&self, most: Duration) {
        self.open.close();
        if tokio::time::timeout(most, self.open.wait()).await.is_err() {
            tracing::warn!(left = self.open.len(), "some redirects are not recorded");
        }
    }
}
