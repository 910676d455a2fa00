//! When a client is given up and built anew. Pure: what was seen comes in, and the time with it.
//!
//! A producer that holds messages and gets none acknowledged may wait for a broker that is away, and then waiting is right;
//! or it may have lost its way while the broker is well, and then it waits for ever. So it is not judged by its
//! connections but by its deliveries; and before it is given up, another client is asked whether a broker answers. After an
//! outage the old one has a little time to find that out by itself.

use std::time::{Duration, Instant};

/// Each rebuild that brought no delivery doubles the patience, so often at most: what a new client does not mend, such as
/// a partition without enough copies, is not mended by ten of them.
const DOUBLINGS: u32 = 3;

/// The least time from one rebuild of a client that has failed for good to the next.
const FATAL_PAUSE: Duration = Duration::from_secs(1);

/// What part of the patience is left to a client from when a broker answers to another one. More than librdkafka's pause
/// between two tries to connect, with the default of 30 s.
const SETTLE: u32 = 6;

/// How long a message that was not acknowledged speaks against the producer. Whoever sends nothing to a process that is
/// not ready would never learn otherwise that it is well again.
const LAPSE: Duration = Duration::from_secs(30);

/// What a client shows at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Messages that wait for the broker; of a consumer, whether its group is out of reach.
    pub(super) queued: usize,
    /// Whether the client takes nothing any more.
    pub(super) fatal: bool,
    /// When the broker last acknowledged a message; of a consumer, when its group was last in reach.
    pub(super) delivered_at: Option<Instant>,
    /// When a message was last given up.
    pub(super) failed_at: Option<Instant>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Wait,
    /// Ask whether a broker answers to another client.
    Ask,
    /// A new client, which sends again what this one holds.
    Rebuild(Why),
}

/// Why a client is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It has messages and delivers none.
    Stalled,
    /// It says itself that it has failed for good.
    Fatal,
}

impl Why {
    pub(super) const ALL: [Self; 2] = [Self::Stalled, Self::Fatal];

    /// The tag in metrics and logs.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::Fatal => "fatal",
        }
    }
}

/// What is remembered of a client from look to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watchdog {
    stall: Duration,
    /// Since when a delivery is wanted and does not come.
    wanted_since: Option<Instant>,
    delivered_at: Option<Instant>,
    tried_at: Option<Instant>,
    /// Since when a broker is known to answer to another client, while messages wait.
    answered_at: Option<Instant>,
    /// Rebuilds since the last delivery.
    rebuilds: u32,
}

impl Watchdog {
    /// Of a new client. `stall`: how long no delivery is borne.
    pub(super) fn new(stall: Duration) -> Self {
        Self { stall, wanted_since: None, delivered_at: None, tried_at: None, answered_at: None, rebuilds: 0 }
    }

    /// Takes in what is seen now, and decides.
    pub(super) fn look(&mut self, seen: Seen, now: Instant) -> Verdict {
        self.observe(seen, now);
        decide(self, seen, now)
    }

    /// Notes a rebuild.
    pub(super) fn rebuilt(&mut self, now: Instant) {
        (self.tried_at, self.answered_at) = (Some(now), None);
        self.rebuilds += 1;
    }

    /// Notes that a broker answers to another client.
    pub(super) fn answered(&mut self, now: Instant) {
        self.answered_at = Some(now);
    }

    /// Notes that none does, so that the old client is as good, and is kept; it is asked again in a while.
    pub(super) fn unanswered(&mut self, now: Instant) {
        (self.tried_at, self.answered_at) = (Some(now), None);
    }

    /// How long a delivery has been wanted.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        self.wanted_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn observe(&mut self, seen: Seen, now: Instant) {
        if seen.delivered_at > self.delivered_at {
            self.delivered_at = seen.delivered_at;
            self.rebuilds = 0;
            (self.wanted_since, self.answered_at) = (None, None);
        }
        if seen.queued == 0 {
            self.answered_at = None;
        }
        // A queue that was emptied by giving up is not one that was emptied by delivering.
        if seen.queued == 0 && seen.failed_at <= seen.delivered_at {
            self.wanted_since = None;
        } else if self.wanted_since.is_none() {
            self.wanted_since = Some(now);
        }
    }
}

fn decide(dog: &Watchdog, seen: Seen, now: Instant) -> Verdict {
    let rested = |pause| dog.tried_at.is_none_or(|tried_at| now.saturating_duration_since(tried_at) >= pause);
    let patience = dog.stall * (1 << dog.rebuilds.min(DOUBLINGS));
    if seen.fatal {
        return if rested(FATAL_PAUSE) { Verdict::Rebuild(Why::Fatal) } else { Verdict::Wait };
    }
    let settle = dog.stall / SETTLE;
    let due = |early| {
        seen.queued > 0 && dog.waited(now) + early >= dog.stall && rested(patience.saturating_sub(early))
    };
    match dog.answered_at {
        None if due(settle) => Verdict::Ask,
        Some(at) if due(Duration::ZERO) && now.saturating_duration_since(at) >= settle => {
            Verdict::Rebuild(Why::Stalled)
        }
        _ => Verdict::Wait,
    }
}

/// Whether messages are acknowledged, as far as any were sent lately: what readiness goes by.
pub(super) fn acknowledges(seen: Seen, now: Instant) -> bool {
    seen.failed_at.is_none_or(|failed_at| {
        seen.delivered_at >= Some(failed_at) || now.saturating_duration_since(failed_at) >= LAPSE
    })
}

#[cfg(test)]
mod tests;
