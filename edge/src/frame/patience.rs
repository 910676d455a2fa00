//! How long one end of a WebSocket waits for the other. Time comes in as an argument.

use super::Closing;
use std::time::{Duration, Instant};

/// When a client was heard last.
#[derive(Debug)]
pub struct Patience {
    /// How long it may be silent until it is asked whether it is there, and at all.
    ping: Duration,
    idle: Duration,
    /// How long a message may take to arrive.
    whole: Duration,
    heard_at: Instant,
    /// When the message began that is not whole.
    begun_at: Option<Instant>,
    is_asked: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Ask whether it is there.
    Ping,
    /// Give it up.
    Close(Closing),
}

impl Patience {
    /// It was heard now.
    #[must_use]
    pub const fn new(ping: Duration, idle: Duration, whole: Duration, now: Instant) -> Self {
        Self { ping, idle, whole, heard_at: now, begun_at: None, is_asked: false }
    }

    /// Something came; `is_amid`: a message that is not whole.
    pub fn heard(&mut self, is_amid: bool, now: Instant) {
        self.heard_at = now;
        self.is_asked = false;
        self.begun_at = is_amid.then(|| self.begun_at.unwrap_or(now));
    }

    /// It was not listened to until now: that was not its silence.
    pub fn renew(&mut self, now: Instant) {
        self.heard_at = now;
        self.begun_at = self.begun_at.map(|_| now);
    }

    /// When something is to be done, if nothing more comes.
    #[must_use]
    pub fn due_at(&self) -> Instant {
        let silent = self.heard_at + if self.is_asked { self.idle } else { self.ping };
        self.begun_at.map_or(silent, |begun_at| silent.min(begun_at + self.whole))
    }

    /// What is to be done now that this time has come.
    pub fn due(&mut self, now: Instant) -> Option<Due> {
        if self.begun_at.is_some_and(|begun_at| now >= begun_at + self.whole) {
            return Some(Due::Close(Closing::SLOW));
        }
        if now >= self.heard_at + self.idle {
            return Some(Due::Close(Closing::IDLE));
        }
        let asks = !self.is_asked && now >= self.heard_at + self.ping;
        self.is_asked |= asks;
        asks.then_some(Due::Ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience(now: Instant) -> Patience {
        Patience::new(30 * SECOND, 120 * SECOND, 10 * SECOND, now)
    }

    #[test]
    fn who_is_silent_is_asked_once_and_then_given_up() {
        let start = Instant::now();
        let mut patience = patience(start);
        assert_eq!(patience.due_at(), start + 30 * SECOND);
        assert_eq!(patience.due(start + 29 * SECOND), None);
        assert_eq!(patience.due(start + 30 * SECOND), Some(Due::Ping));
        assert_eq!(patience.due(start + 60 * SECOND), None);
        assert_eq!(patience.due_at(), start + 120 * SECOND);
        assert_eq!(patience.due(start + 120 * SECOND), Some(Due::Close(Closing::IDLE)));
    }

    #[test]
    fn who_answers_is_asked_again_later() {
        let start = Instant::now();
        let mut patience = patience(start);
        assert_eq!(patience.due(start + 30 * SECOND), Some(Due::Ping));
        patience.heard(false, start + 31 * SECOND);
        assert_eq!(patience.due_at(), start + 61 * SECOND);
        assert_eq!(patience.due(start + 61 * SECOND), Some(Due::Ping));
    }

    #[test]
    fn a_message_that_drips_in_is_given_up_though_something_always_comes() {
        let start = Instant::now();
        let mut patience = patience(start);
        (0..10).for_each(|second| patience.heard(true, start + second * SECOND));
        assert_eq!(patience.due_at(), start + 10 * SECOND);
        assert_eq!(patience.due(start + 10 * SECOND), Some(Due::Close(Closing::SLOW)));
    }

    #[test]
    fn the_time_in_which_nobody_listens_is_not_counted() {
        let start = Instant::now();
        let mut patience = patience(start);
        patience.heard(true, start);
        patience.renew(start + 200 * SECOND);
        assert_eq!(patience.due(start + 209 * SECOND), None);
        assert_eq!(patience.due_at(), start + 210 * SECOND);
    }
}
