//! Whose turn it is, and how fast. Pure.

use std::time::Duration;
use tokio::time::Instant;

/// An outlet, as far as its turn depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// It has something to send.
    pub(super) has_work: bool,
    /// A broker answers it.
    pub(super) is_up: bool,
    /// It is left alone until then.
    pub(super) again_at: Option<Instant>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// This one sends.
    Send(usize),
    /// Nobody, until then.
    Wait(Instant),
    /// Nothing is left to send.
    Idle,
}

/// The first that has something to send. One that has failed holds back those after it, for the broker that comes back
/// must get its messages first; unless a broker answers it: then the trouble is its own, and others need not wait.
pub(super) fn next(states: &[State], now: Instant) -> Turn {
    let mut wait = None;
    for (index, state) in states.iter().enumerate().filter(|(_, state)| state.has_work) {
        match state.again_at.filter(|at| *at > now) {
            None => return Turn::Send(index),
            Some(at) => {
                wait = wait.into_iter().chain([at]).min();
                if !state.is_up {
                    break;
                }
            }
        }
    }
    wait.map_or(Turn::Idle, Turn::Wait)
}

/// So many messages a second.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u32,
    next_at: Option<Instant>,
}

impl Pace {
    pub(super) const fn new(per_second: u32) -> Self {
        Self { per_second, next_at: None }
    }

    /// Messages of a tenth of a second: no more are sent at once.
    pub(super) fn burst(&self) -> usize {
        usize::try_from(self.per_second / 10).unwrap_or(usize::MAX).max(1)
    }

    /// Counts messages that are to be sent, and says when they may be. Time in which nothing was sent is not made up for.
    pub(super) fn due(&mut self, messages: usize, now: Instant) -> Instant {
        let at = self.next_at.map_or(now, |at| at.max(now));
        self.next_at =
            Some(at + Duration::from_secs_f64(messages as f64 / f64::from(self.per_second.max(1))));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(has_work: bool, is_up: bool, again_at: Option<Instant>) -> State {
        State { has_work, is_up, again_at }
    }

    #[test]
    fn the_first_that_has_something_goes_first() {
        let now = Instant::now();
        let [payments, events] = [state(true, true, None), state(true, true, None)];
        assert_eq!(next(&[payments, events], now), Turn::Send(0));
        assert_eq!(next(&[state(false, true, None), events], now), Turn::Send(1));
        assert_eq!(next(&[], now), Turn::Idle);
    }

    #[test]
    fn while_the_broker_is_away_nothing_overtakes_payments() {
        let now = Instant::now();
        let soon = now + Duration::from_millis(1);
        let events = state(true, false, None);
        assert_eq!(next(&[state(true, false, Some(soon)), events], now), Turn::Wait(soon));
        assert_eq!(next(&[state(true, false, Some(soon)), events], soon), Turn::Send(0));
    }

    #[test]
    fn a_topic_that_payments_miss_holds_up_no_events() {
        let now = Instant::now();
        let later = Some(now + Duration::from_millis(1));
        assert_eq!(next(&[state(true, true, later), state(true, true, None)], now), Turn::Send(1));
    }

    #[test]
    fn a_second_s_messages_take_a_second() {
        let (mut pace, now) = (Pace::new(100), Instant::now());
        assert_eq!(pace.due(50, now), now);
        assert_eq!(pace.due(50, now), now + Duration::from_millis(500));
        assert_eq!(pace.due(1, now), now + Duration::from_secs(1));
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.due(100, later), later);
        assert_eq!(pace.due(1, later), later + Duration::from_secs(1), "an idle minute is no credit");
    }
}
