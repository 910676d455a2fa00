//! What was gathered: messages in order, what the step made of each, and the receipts that are still owed. Pure.
//!
//! A range of it is named by the places of its messages. Items are apart from messages, for a sink takes them as one slice.

use crate::{
    books::{Tally, minute},
    envelope::{Envelope, Fate, Message, PlannedRange, Receipt, Verdict},
    fault::Refusal,
};
use std::ops::Range;

/// Everything that was gathered and needs a fate.
pub(super) struct Gathered<T> {
    items: Vec<T>,
    entries: Vec<Entry>,
}

struct Entry {
    message: Message,
    /// `None`: it has its fate.
    receipt: Option<Receipt>,
    /// How many items stand before its own.
    before: usize,
    role: Role,
}

/// What is to become of a message.
enum Role {
    Kept,
    Dropped(&'static str),
    Refused(Refusal),
}

impl Role {
    const fn fate(&self) -> Fate {
        match self {
            Self::Kept => Fate::Delivered,
            Self::Dropped(reason) => Fate::Dropped(reason),
            Self::Refused(refusal) => Fate::Dead(refusal.reason),
        }
    }
}

impl<T> Gathered<T> {
    pub(super) const fn new() -> Self {
        Self { items: Vec::new(), entries: Vec::new() }
    }

    /// One message more, and what the step made of it.
    pub(super) fn add(&mut self, envelope: Envelope, verdict: Verdict<T>) {
        let Envelope { message, receipt } = envelope;
        let before = self.items.len();
        let role = match verdict {
            Verdict::Keep(item) => {
                self.items.push(item);
                Role::Kept
            }
            Verdict::Drop(reason) => Role::Dropped(reason),
            Verdict::Refuse(refusal) => Role::Refused(refusal),
        };
        self.entries.push(Entry { message, receipt: Some(receipt), before, role });
    }

    /// How many messages.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The range of the messages at `places`.
    pub(super) fn range(&self, places: &Range<usize>) -> Option<PlannedRange> {
        let entries = self.entries.get(places.clone())?;
        let (first, last) = (&entries.first()?.message, &entries.last()?.message);
        Some(PlannedRange {
            topic: first.topic.clone(),
            partition: first.partition,
            first: first.offset,
            last: last.offset,
            first_at_ms: first.timestamp_ms,
        })
    }

    /// The items of the messages at `places`.
    pub(super) fn items(&self, places: &Range<usize>) -> &[T] {
        self.items.get(self.span(places)).unwrap_or_default()
    }

    /// The items' own places.
    fn span(&self, places: &Range<usize>) -> Range<usize> {
        let before = |place: usize| self.entries.get(place).map_or(self.items.len(), |entry| entry.before);
        before(places.start)..before(places.end)
    }

    /// Takes those items at `places` away for which there is a reason.
    pub(super) fn sift(&mut self, places: &Range<usize>, reasons: &[Option<&'static str>]) {
        let span = self.span(places);
        let reason =
            |item: usize| item.checked_sub(span.start).and_then(|at| reasons.get(at).copied().flatten());
        let mut dropped = 0;
        for (place, entry) in self.entries.iter_mut().enumerate().skip(places.start) {
            let own = entry.before;
            entry.before -= dropped;
            if let (true, Role::Kept, Some(reason)) = (places.contains(&place), &entry.role, reason(own)) {
                entry.role = Role::Dropped(reason);
                dropped += 1;
            }
        }
        let mut place = 0..;
        self.items
            .retain(|_| place.next().is_none_or(|item| !span.contains(&item) || reason(item).is_none()));
    }

    /// Both halves of a range of several items, by items; `None`: it has one.
    pub(super) fn halves(&self, places: &Range<usize>) -> Option<[Range<usize>; 2]> {
        let span = self.span(places);
        if span.len() < 2 {
            return None;
        }
        let middle = span.start + span.len() / 2;
        let entries = self.entries.get(places.clone())?;
        let cut = places.start + entries.partition_point(|entry| entry.before < middle);
        Some([places.start..cut, cut..places.end])
    }

    /// The one item of a range is refused.
    pub(super) fn refuse(&mut self, places: &Range<usize>, refusal: &Refusal) {
        for entry in self.entries.get_mut(places.clone()).unwrap_or_default() {
            if matches!(entry.role, Role::Kept) {
                entry.role = Role::Refused(refusal.clone());
            }
        }
    }

    /// The refused messages of a range, and why.
    pub(super) fn refused(&self, places: &Range<usize>) -> Vec<(&Message, &Refusal)> {
        let entries = self.entries.get(places.clone()).unwrap_or_default().iter();
        entries
            .filter_map(|entry| match &entry.role {
                Role::Refused(refusal) => Some((&entry.message, refusal)),
                Role::Kept | Role::Dropped(_) => None,
            })
            .collect()
    }

    /// What becomes of the messages of a range.
    pub(super) fn tally(&self, places: &Range<usize>) -> Tally {
        let of = |entry: &Entry| (minute(entry.message.timestamp_ms), entry.role.fate());
        let entries = self.entries.get(places.clone()).unwrap_or_default();
        let mut tally = Tally::default();
        for same in entries.chunk_by(|one, next| of(one) == of(next)) {
            let Some((minute, fate)) = same.first().map(of) else { continue };
            let (fate, reason) = fate.tags();
            tally.add(minute, fate, reason, same.len() as u64);
        }
        tally
    }

    /// Gives the messages of a range their fate.
    pub(super) fn settle(&mut self, places: &Range<usize>) {
        for entry in self.entries.get_mut(places.clone()).unwrap_or_default() {
            if let Some(receipt) = entry.receipt.take() {
                receipt.settle(entry.role.fate());
            }
        }
    }

    /// Gives back to the broker whatever has no fate yet.
    pub(super) fn leave_open(self) {
        self.entries.into_iter().filter_map(|entry| entry.receipt).for_each(Receipt::leave_open);
    }
}
