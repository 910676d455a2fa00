//! The values of a `LowCardinality(String)`: each distinct one once, and for every value its place among them.

use crate::rows::put_text;
use hashbrown::{HashTable, hash_table::Entry};
use std::{
    hash::{BuildHasher, RandomState},
    ops::Range,
};

/// Of the head's flags: the distinct values follow, and there are none but those.
const OWN_VALUES: u64 = 1 << 9 | 1 << 10;

/// A dictionary that grows. One that has had most of its values in a row, as one of empty texts or of one host, is asked for
/// none of them.
#[derive(Default)]
pub(super) struct Dictionary {
    distinct: Distinct,
    /// The places of the distinct values, found by what these say.
    known: HashTable<u32>,
    hasher: RandomState,
    /// The place of each value.
    places: Vec<u32>,
}

/// Distinct values by their places, in one piece of memory: that of all of them is touched for each row.
#[derive(Default)]
struct Distinct {
    /// Each with its length in front.
    bytes: Vec<u8>,
    /// Where in that each stands, without its length.
    values: Vec<Range<u32>>,
}

impl Distinct {
    fn get(&self, place: u32) -> &[u8] {
        let value = self.values.get(place as usize);
        value.and_then(|value| self.bytes.get(value.start as usize..value.end as usize)).unwrap_or_default()
    }

    fn add(&mut self, value: &[u8]) -> u32 {
        let place = self.values.len() as u32; // no insert has so many bytes
        put_text(value, &mut self.bytes);
        let end = self.bytes.len();
        self.values.push((end - value.len()) as u32..end as u32);
        place
    }
}

impl Dictionary {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &[u8]) {
        let place = match self.places.last() {
            Some(place) if value == self.distinct.get(*place) => *place,
            _ => self.place(value),
        };
        self.places.push(place);
    }

    fn place(&mut self, value: &[u8]) -> u32 {
        let Self { distinct, known, hasher, .. } = self;
        let hash = hasher.hash_one(value);
        let is_same = |place: &u32| distinct.get(*place) == value;
        match known.entry(hash, is_same, |place| hasher.hash_one(distinct.get(*place))) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(distinct.add(value)).get(),
        }
    }

    /// How wide the places are, their width, the distinct values, the places. Of no values: nothing.
    pub(super) fn written(self) -> Vec<u8> {
        let Self { distinct: Distinct { bytes, values }, places, .. } = self;
        if values.is_empty() {
            return Vec::new();
        }
        let width = Width::of(values.len());
        let mut out = Vec::with_capacity(3 * 8 + bytes.len() + places.len() * width.bytes());
        out.extend_from_slice(&(OWN_VALUES | width as u64).to_le_bytes());
        out.extend_from_slice(&(values.len() as u64).to_le_bytes());
        out.extend_from_slice(&bytes);
        out.extend_from_slice(&(places.len() as u64).to_le_bytes());
        match width {
            Width::One => out.extend(places.iter().map(|place| *place as u8)),
            Width::Two => out.extend(places.iter().flat_map(|place| (*place as u16).to_le_bytes())),
            Width::Four => out.extend(places.iter().flat_map(|place| place.to_le_bytes())),
        }
        out
    }
}

/// Bytes of a place, by the number that stands for them in the head.
#[derive(Clone, Copy)]
enum Width {
    One = 0,
    Two = 1,
    Four = 2,
}

impl Width {
    /// Those that so many distinct values need.
    const fn of(count: usize) -> Self {
        match count {
            0..=0x100 => Self::One,
            0x101..=0x1_0000 => Self::Two,
            _ => Self::Four,
        }
    }

    const fn bytes(self) -> usize {
        1 << self as usize
    }
}
