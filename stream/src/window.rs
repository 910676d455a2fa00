//! Which keys a partition has had lately: a repeat of one is a duplicate. Pure.
//!
//! A [`Window`] knows the keys of the last messages of one partition, counted in messages and never in time: after an
//! outage of hours, what was sent before it is met again all the same. It depends on nothing but those keys, so a
//! window that is built again from the partition is the one that was lost.
//!
//! A key is remembered as eight bytes, hashed by SipHash under a random key: nobody outside can make two keys collide.
//! By chance one new key in 3.7 × 10¹² is taken for one of five million others. Memory grows as keys come and is bounded
//! by the limit: `window_costs` in the tests of this module tells how many bytes a million keys take.

#[cfg(test)]
mod tests;

use crate::envelope::{Message, REDRIVE};
use hashbrown::{HashTable, hash_table::Entry};
use std::hash::{BuildHasher, RandomState};

/// Eight bytes that stand for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

/// Makes fingerprints. Those of one keyring mean nothing to another.
#[derive(Debug, Clone, Default)]
pub struct Fingerprints(RandomState);

impl Fingerprints {
    /// What stands for the key of a message. Without a key it is like no other. A message that was sent again from the
    /// dead letters has the key of the one that was refused, and is another all the same: it passes, once for each letter.
    #[must_use]
    pub fn of(&self, message: &Message) -> Option<Fingerprint> {
        self.of_key(message.key.as_deref(), message.headers.get(REDRIVE))
    }

    /// The same of a key, and of the header [`REDRIVE`] where there is one.
    #[must_use]
    pub fn of_key(&self, key: Option<&[u8]>, redrive: Option<&[u8]>) -> Option<Fingerprint> {
        key.map(|key| Fingerprint(self.0.hash_one((key, redrive))))
    }
}

/// Whether a key was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Not among the last ones.
    First,
    /// It was.
    Again,
}

/// The keys of the last messages of one partition.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    /// The last fingerprints. Once it is full, the next one takes the place of the oldest.
    ring: Vec<u64>,
    oldest: usize,
    /// Where in the ring each fingerprint came last.
    places: HashTable<u32>,
}

/// Places of the ring that are made at first.
const FIRST_PLACES: usize = 1024;

impl Window {
    /// An empty window of so many keys, at most [`u32::MAX`].
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        let limit = if limit > u32::MAX as usize { u32::MAX as usize } else { limit };
        Self { limit, ring: Vec::new(), oldest: 0, places: HashTable::new() }
    }

    /// Notes the next key, and says whether it is among those before it.
    pub fn note(&mut self, Fingerprint(print): Fingerprint) -> Seen {
        if self.limit == 0 {
            return Seen::First;
        }
        let seen = if self.knows(print) { Seen::Again } else { Seen::First };
        let place = self.make_place(print);
        let Self { ring, places, .. } = self;
        let same = |at: &u32| print_at(ring, *at) == print;
        match places.entry(print, same, |at| print_at(ring, *at)) {
            Entry::Occupied(mut known) => *known.get_mut() = place,
            Entry::Vacant(free) => drop(free.insert(place)),
        }
        seen
    }

    /// How many keys it holds, repeats included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many it holds at most.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ring.capacity() * size_of::<u64>() + self.places.allocation_size()
    }

    fn knows(&self, print: u64) -> bool {
        self.places.find(print, |at| print_at(&self.ring, *at) == print).is_some()
    }

    /// Writes the fingerprint behind the last one, over the oldest when the ring is full.
    fn make_place(&mut self, print: u64) -> u32 {
        if self.ring.len() < self.limit {
            if self.ring.len() == self.ring.capacity() {
                let more = self.ring.len().max(FIRST_PLACES).min(self.limit - self.ring.len());
                self.ring.reserve_exact(more);
            }
            self.ring.push(print);
            return index(self.ring.len() - 1);
        }
        let place = self.oldest;
        self.oldest = (place + 1) % self.limit;
        let gone = print_at(&self.ring, index(place));
        // Unless that key came again since: then its last place is another.
        if let Ok(known) = self.places.find_entry(gone, |at| *at == index(place)) {
            known.remove();
        }
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = print;
        }
        index(place)
    }
}

/// The places of a ring fit into 32 bits: [`Window::new`] sees to it.
fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn print_at(ring: &[u64], at: u32) -> u64 {
    ring.get(at as usize).copied().unwrap_or_default()
}
