//! One event as it was sent: the fields of cookies, path, query and body, merged, nothing checked yet.
//! Never interprets a value by itself: [`take`] does, when it is asked for a type.

use std::borrow::Cow;

pub mod take;
#[cfg(test)]
mod tests;

/// A value as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<'a> {
    /// Text: of a path, a query, a cookie, or a JSON string without its quotes and escapes.
    Text(Cow<'a, str>),
    /// Any other JSON value, letter for letter as it was written. `serde_json::Value` would round its numbers, and
    /// the feature that keeps them exact breaks `#[serde(flatten)]` in the whole workspace.
    Json(Cow<'a, str>),
}

impl Field<'_> {
    /// Nothing said: JSON's `null`, or a text of spaces at most.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim_start().is_empty(),
            Self::Json(json) => json == "null",
        }
    }
}

/// One event as its fields were merged: keys lower-cased, nothing checked yet. What is taken out of it has found
/// its column; what is left goes to `params`.
///
/// The fields stand in the order of their keys: one event always gives the same text of `params`, and no choice of
/// keys makes it slow. A `BTreeMap` does the same, but a third slower from draft to event (measured): each of some
/// 70 columns asks for its field, and most are not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft<'a> {
    slots: Vec<Slot<'a>>,
    /// The [`mark`]s of all keys: most that are asked for are not there, and found so at once.
    marks: u128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot<'a> {
    /// The first 8 bytes of the key, which decide nearly every comparison.
    prefix: u64,
    key: Cow<'a, str>,
    /// `None` when it was taken.
    field: Option<Field<'a>>,
}

impl<'a> Draft<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lays what was sent later over this: the later wins, but a blank is no answer where another one stands.
    pub fn overlay(&mut self, later: Draft<'a>) {
        if self.slots.is_empty() {
            *self = later;
        } else if !later.slots.is_empty() {
            self.slots.extend(later.slots);
            self.marks |= later.marks;
            self.settle();
        }
    }

    /// Sets one field; upper case in `key` does not count. Many at once are better collected.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, field: Field<'a>) {
        let slot = Slot::new(key.into(), field);
        self.marks |= mark(slot.prefix);
        self.slots.push(slot);
        self.settle();
    }

    /// The field of a lower-cased key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.find(key).and_then(|at| self.slots.get(at)).and_then(|slot| slot.field.as_ref())
    }

    /// Takes a field out.
    #[inline]
    pub fn take(&mut self, key: &str) -> Option<Field<'a>> {
        self.slot(key)?.take()
    }

    /// Inlined where a column asks for its field: the key is known there, so that its mark is, too, when it is compiled.
    #[inline]
    fn slot(&mut self, key: &str) -> Option<&mut Option<Field<'a>>> {
        let at = self.find(key)?;
        self.slots.get_mut(at).map(|slot| &mut slot.field)
    }

    /// Bytes of its keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bytes =
            |slot: &Slot<'_>| slot.key.len() + slot.field.as_ref().map_or(0, |field| field.as_text().len());
        self.slots.iter().map(bytes).sum()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(|slot| slot.field.is_none())
    }

    #[inline]
    fn find(&self, key: &str) -> Option<usize> {
        let prefix = prefix(key);
        if self.marks & mark(prefix) == 0 { None } else { self.search(prefix, key) }
    }

    /// By prefixes alone, which takes no branches: those of a search by whole keys are guessed wrong half the time.
    fn search(&self, prefix: u64, key: &str) -> Option<usize> {
        let at = self.slots.partition_point(|slot| slot.prefix < prefix);
        let first = self.slots.get(at).filter(|slot| slot.prefix == prefix)?;
        if first.key == key { Some(at) } else { self.search_whole(prefix, key) }
    }

    /// Among keys that begin alike; there may be many, if somebody means harm.
    fn search_whole(&self, prefix: u64, key: &str) -> Option<usize> {
        self.slots.binary_search_by(|slot| slot.prefix.cmp(&prefix).then_with(|| (*slot.key).cmp(key))).ok()
    }

    /// Orders the slots, and lets the last of each key stand that is not blank.
    fn settle(&mut self) {
        self.slots.sort_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| a.key.cmp(&b.key)));
        self.slots.dedup_by(|later, earlier| {
            let same = later.prefix == earlier.prefix && later.key == earlier.key;
            if same
                && (earlier.field.is_none() || later.field.as_ref().is_some_and(|field| !field.is_blank()))
            {
                earlier.field = later.field.take();
            }
            same
        });
    }
}

impl<'a> Slot<'a> {
    fn new(mut key: Cow<'a, str>, field: Field<'a>) -> Self {
        if key.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            key = key.to_lowercase().into();
        }
        Self { prefix: prefix(&key), key, field: Some(field) }
    }
}

/// The first 8 bytes as a number, in the order of the bytes, as keys are: no key holds a NUL.
#[inline]
fn prefix(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let rest = 64_usize.saturating_sub(8 * bytes.len()) as u32;
    match (bytes.first_chunk(), bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), _, _) => u64::from_be_bytes(*first),
        (None, Some(first), Some(last)) => {
            let (first, last) = (u32::from_be_bytes(*first), u32::from_be_bytes(*last)); // they may overlap
            u64::from(first) << 32 | u64::from(last) << rest
        }
        _ => bytes.iter().fold(0, |prefix, byte| prefix << 8 | u64::from(*byte)).unbounded_shl(rest),
    }
}

/// One of 128 bits for a key.
const fn mark(prefix: u64) -> u128 {
    1 << (prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) // the golden ratio spreads them
}

/// The later of a key wins.
impl<'a> FromIterator<(Cow<'a, str>, Field<'a>)> for Draft<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Field<'a>)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        // Fields that may fail promise no number, only how many at most: room for so many, and no more.
        let mut slots = Vec::with_capacity(fields.size_hint().1.unwrap_or_default());
        slots.extend(fields.map(|(key, field)| Slot::new(key, field)));
        let marks = slots.iter().fold(0, |marks, slot| marks | mark(slot.prefix));
        let mut draft = Self { slots, marks };
        draft.settle();
        draft
    }
}

impl<'a> IntoIterator for Draft<'a> {
    type Item = (Cow<'a, str>, Field<'a>);
    type IntoIter = Left<'a>;

    fn into_iter(self) -> Left<'a> {
        Left(self.slots.into_iter())
    }
}

/// What is left of a draft, by key.
pub struct Left<'a>(std::vec::IntoIter<Slot<'a>>);

impl<'a> Iterator for Left<'a> {
    type Item = (Cow<'a, str>, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|slot| slot.field.map(|field| (slot.key, field)))
    }
}
