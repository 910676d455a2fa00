//! What became of everything that was sent, from the client's side. Pure.

use super::client::Verdict;
use std::collections::BTreeSet;

/// What is known of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Known {
    /// It was never sent.
    #[default]
    Unsent,
    /// It was sent, and no answer was definite.
    InDoubt,
    /// It was refused.
    Refused,
    /// It was accepted, at least once.
    Accepted,
}

/// One kind of thing, by number.
#[derive(Debug, Default, Clone)]
pub struct Column(Vec<Known>);

impl Column {
    /// Notes an answer. Once accepted is accepted; a doubt does not undo a refusal.
    pub fn note(&mut self, number: u64, verdict: Verdict) {
        let Ok(place) = usize::try_from(number) else { return };
        if self.0.len() <= place {
            self.0.resize(place + 1, Known::Unsent);
        }
        let known = match verdict {
            Verdict::Kept => Known::Accepted,
            Verdict::Refused => Known::Refused,
            Verdict::InDoubt => Known::InDoubt,
        };
        if let Some(slot) = self.0.get_mut(place) {
            *slot = known.max(*slot);
        }
    }

    /// What is known of a number.
    #[must_use]
    pub fn known(&self, number: u64) -> Known {
        usize::try_from(number).ok().and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }

    /// How many are known to be so.
    #[must_use]
    pub fn count(&self, known: Known) -> u64 {
        self.0.iter().filter(|slot| **slot == known).count() as u64
    }

    /// The numbers that are known to be so.
    pub fn numbers(&self, known: Known) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().zip(0..).filter(move |(slot, _)| **slot == known).map(|(_, number)| number)
    }
}

/// All of it.
#[derive(Debug, Default, Clone)]
pub struct Accounts {
    /// Events.
    pub events: Column,
    /// Events that had to be refused.
    pub bad: Column,
    /// Payments.
    pub payments: Column,
    /// Payments that measured.
    pub probes: Column,
    /// Bodies that were no JSON: how many were not refused.
    pub garbage_taken: u64,
    /// Unreadable messages that were put on the topic of events.
    pub unreadable: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_was_accepted_once_is_accepted() {
        let mut column = Column::default();
        for verdict in [Verdict::InDoubt, Verdict::Kept, Verdict::InDoubt] {
            column.note(3, verdict);
        }
        assert_eq!(column.known(3), Known::Accepted);
        assert_eq!((column.known(2), column.known(9)), (Known::Unsent, Known::Unsent));
        assert_eq!(column.numbers(Known::Accepted).collect::<Vec<_>>(), [3]);
        assert_eq!(column.count(Known::Unsent), 3);
    }
}
