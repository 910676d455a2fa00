//! How a client of HTTP/2 treats a connection: whether it still asks, and whether it takes back what it asked.
//!
//! A request that is taken back makes room for the next one while its work goes on, so that a client which resets
//! each at once has any number under way ("rapid reset", CVE-2023-44487). h2 bounds those that are taken back before
//! they are looked at; here those are bounded that were begun. Knows no stream and no frame.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Requests more than were let be answered that a client may take back: a page that is left takes back all it asked.
const ALLOWED: u64 = 200;

/// The requests of one connection, counted.
#[derive(Debug, Default)]
pub(super) struct Pace {
    begun: AtomicU64,
    answered: AtomicU64,
    taken_back: AtomicU64,
    spent: Notify,
}

impl Pace {
    /// A request begins.
    pub(super) fn begin(pace: &Arc<Self>) -> Turn {
        pace.begun.fetch_add(1, Relaxed);
        Turn { pace: Arc::clone(pace), answered: false }
    }

    /// How many requests there were.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Relaxed)
    }

    fn is_quiet(&self) -> bool {
        self.answered.load(Relaxed) + self.taken_back.load(Relaxed) == self.begun()
    }

    /// Waits until no request was open and none began for a whole `span`, or a little longer.
    pub(super) async fn quiet(&self, span: Duration) {
        loop {
            let begun = self.begun();
            tokio::time::sleep(span).await;
            if self.begun() == begun && self.is_quiet() {
                return;
            }
        }
    }

    /// Waits until the client has taken back more requests than is allowed.
    pub(super) async fn spent(&self) {
        self.spent.notified().await;
    }
}

/// A request that was begun. Dropped before its end, it was taken back.
#[derive(Debug)]
pub(super) struct Turn {
    pace: Arc<Pace>,
    answered: bool,
}

impl Turn {
    /// The client let it be answered.
    pub(super) fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let pace = &self.pace;
        if self.answered {
            pace.answered.fetch_add(1, Relaxed);
        } else if pace.taken_back.fetch_add(1, Relaxed) >= pace.answered.load(Relaxed) + ALLOWED {
            pace.spent.notify_one();
        }
    }
}
