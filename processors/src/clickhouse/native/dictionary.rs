//! The values of a `LowCardinality(String)`: each distinct one once, and for every value its place among them.

use crate::rows::put_text;
use std::collections::HashMap;

/// Of the head's flags: the distinct values follow, and there are none but those.
const OWN_VALUES: u64 = 1 << 9 | 1 << 10;

/// A dictionary that grows. One that has had most of its values in a row, as one of empty texts or of one host, is asked for
/// none of them.
#[derive(Default)]
pub(super) struct Dictionary {
    /// Distinct values, each with its length in front, by their places.
    distinct: Vec<u8>,
    known: HashMap<Box<[u8]>, u32>,
    /// The place of each value.
    places: Vec<u32>,
    /// The last one.
    latest: Vec<u8>,
}

impl Dictionary {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &[u8]) {
        let place = match self.places.last() {
            Some(place) if value == self.latest => *place,
            _ => self.place(value),
        };
        self.places.push(place);
    }

    fn place(&mut self, value: &[u8]) -> u32 {
        self.latest.clear();
        self.latest.extend_from_slice(value);
        if let Some(place) = self.known.get(value) {
            return *place;
        }
        let place = self.known.len() as u32; // no insert has so many bytes
        self.known.insert(value.into(), place);
        put_text(value, &mut self.distinct);
        place
    }

    /// How wide the places are, their width, the distinct values, the places. Of no values: nothing.
    pub(super) fn written(self) -> Vec<u8> {
        let count = self.known.len();
        if count == 0 {
            return Vec::new();
        }
        let width = Width::of(count);
        let mut out = Vec::with_capacity(3 * 8 + self.distinct.len() + self.places.len() * width.bytes());
        out.extend_from_slice(&(OWN_VALUES | width as u64).to_le_bytes());
        out.extend_from_slice(&(count as u64).to_le_bytes());
        out.extend_from_slice(&self.distinct);
        out.extend_from_slice(&(self.places.len() as u64).to_le_bytes());
        for place in &self.places {
            match width {
                Width::One => out.push(*place as u8),
                Width::Two => out.extend_from_slice(&(*place as u16).to_le_bytes()),
                Width::Four => out.extend_from_slice(&place.to_le_bytes()),
            }
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
