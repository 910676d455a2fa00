//! Whether the broker is known to be away, so that not every request has to wait to learn it.

use std::sync::atomic::{AtomicBool, Ordering};
use tracker_stream::{
    fault::Fault,
    kafka::{QUEUE_FULL, TOO_LARGE},
};

/// The faults that say nothing of the broker: too much waits for it already; the message itself is too large.
const OWN: [&str; 2] = [QUEUE_FULL, TOO_LARGE];

/// One way to the broker. Closed by a message that was not acknowledged, or by a connection that was lost; opened by
/// the first acknowledgement, for which the drain of the spool keeps trying.
#[derive(Debug)]
pub struct Way {
    name: &'static str,
    away: AtomicBool,
    /// A broker answered when it was last asked. A client needs a moment to notice that one answers again: only the
    /// loss of a connection closes the way, not the lack of one.
    was_up: AtomicBool,
}

impl Way {
    /// Open: the first message finds out. `name` is for logs.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, away: AtomicBool::new(false), was_up: AtomicBool::new(false) }
    }

    /// Whether it is known to be closed.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Whether a message should be tried, when a broker answers or does not.
    #[must_use]
    pub fn is_open(&self, is_up: bool) -> bool {
        if is_up {
            self.was_up.store(true, Ordering::Release);
        } else if self.was_up.swap(false, Ordering::AcqRel) {
            self.close(&Fault::new("connection_lost", "no broker answers any more"));
        }
        !self.is_away()
    }

    /// Notes that a message was not acknowledged.
    pub fn close(&self, fault: &Fault) {
        if !OWN.contains(&fault.tag) && !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!(way = self.name, %fault, "the broker does not acknowledge; what comes is spooled");
        }
    }

    /// Notes that a message was acknowledged, or is likely to be.
    pub fn open(&self) {
        if self.away.swap(false, Ordering::AcqRel) {
            tracing::info!(
                way = self.name,
                "the broker acknowledges again; what is spooled is being drained"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_closes_it_at_once_and_one_that_never_was_does_not() {
        let way = Way::new("events");
        assert!(way.is_open(false), "the first message finds out");
        assert!(way.is_open(true));
        assert!(!way.is_open(false));
        way.open();
        assert!(way.is_open(false), "the client has not noticed yet that a broker answers");
    }

    #[test]
    fn a_full_queue_and_a_message_that_is_too_large_say_nothing_of_the_broker() {
        let way = Way::new("events");
        way.close(&Fault::new("queue_full", ""));
        way.close(&Fault::new("too_large", ""));
        assert!(!way.is_away());
        way.close(&Fault::new("unacknowledged", ""));
        assert!(way.is_away());
    }
}
