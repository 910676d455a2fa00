//! Stops knocking at a door that nobody opens: closed, then open after failures in a row, then half-open for one probe.
//! Pure: time comes in as an argument.
//!
//! It protects the store and not the lane: while it is open the lane waits, and nothing is given up.

use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row that open it.
pub const FAILURES: u32 = 5;

/// Whether attempts are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All of them.
    Closed,
    /// One, and what comes of it decides.
    HalfOpen,
    /// None.
    Open,
}

impl State {
    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// The breaker of one lane, for all its partitions.
#[derive(Debug, Clone)]
pub struct Breaker {
    /// How long it stays open before it lets a probe through.
    pause: Duration,
    failures: u32,
    state: State,
    /// When the next probe may go, unless closed.
    probe_at: Option<Instant>,
}

impl Breaker {
    /// Closed; once open, it stays so for `pause`.
    #[must_use]
    pub const fn new(pause: Duration) -> Self {
        Self { pause, failures: 0, state: State::Closed, probe_at: None }
    }

    /// Whether attempts are let through.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Asks to be let through at `now`.
    ///
    /// # Errors
    /// The time to ask again, unless the breaker closes before.
    pub fn pass(&mut self, now: Instant) -> Result<(), Instant> {
        match self.probe_at {
            None => Ok(()),
            Some(probe_at) if now < probe_at => Err(probe_at),
            Some(_) => {
                self.state = State::HalfOpen;
                // A probe that is never heard of again, for its partition was let go, must not be the last one.
                self.probe_at = Some(now + self.pause);
                Ok(())
            }
        }
    }

    /// An attempt succeeded: the store answers.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
        self.state = State::Closed;
        self.probe_at = None;
    }

    /// An attempt failed at `now`, by the store's fault.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.state = State::Open;
            self.probe_at = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(30);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(PAUSE);
        (0..FAILURES).for_each(|_| breaker.failed(now));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PAUSE);
        (1..FAILURES).for_each(|_| breaker.failed(now));
        assert_eq!((breaker.state(), breaker.pass(now)), (State::Closed, Ok(())));
        breaker.failed(now);
        assert_eq!((breaker.state(), breaker.pass(now)), (State::Open, Err(now + PAUSE)));
    }

    #[test]
    fn a_success_between_them_counts_from_nothing() {
        let now = Instant::now();
        let mut breaker = Breaker::new(PAUSE);
        for _ in 0..10 {
            (1..FAILURES).for_each(|_| breaker.failed(now));
            breaker.succeeded();
        }
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn one_probe_goes_and_closes_it() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!((breaker.pass(later), breaker.state()), (Ok(()), State::HalfOpen));
        assert_eq!(breaker.pass(later), Err(later + PAUSE), "one probe");
        breaker.succeeded();
        assert_eq!((breaker.pass(later), breaker.state()), (Ok(()), State::Closed));
    }

    #[test]
    fn a_probe_that_fails_opens_it_again_for_as_long() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.pass(now + PAUSE).unwrap();
        breaker.failed(now + PAUSE);
        assert_eq!((breaker.state(), breaker.pass(now + PAUSE)), (State::Open, Err(now + PAUSE * 2)));
    }

    #[test]
    fn a_probe_that_is_never_heard_of_is_not_the_last_one() {
        let now = Instant::now();
        let mut breaker = opened(now);
        breaker.pass(now + PAUSE).unwrap();
        assert_eq!(breaker.pass(now + PAUSE * 2), Ok(()));
    }
}
