//! One event as it was sent: the fields of cookies, path, query and body, merged, nothing checked yet.
//! Never interprets a value by itself: [`take`] does, when it is asked for a type.

use std::{borrow::Cow, collections::BTreeMap};

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
    /// Nothing said: JSON's `null`, or an empty text.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Json(json) => json == "null",
        }
    }
}

/// One event as its fields were merged: keys lower-cased, nothing checked yet. What is taken out of it has found
/// its column; what is left goes to `params`.
///
/// The map is ordered: one event always gives the same text of `params`, and no choice of keys makes it slow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft<'a> {
    fields: BTreeMap<Cow<'a, str>, Field<'a>>,
}

impl<'a> Draft<'a> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a field; upper case in `key` does not count. A blank is no answer where another one stands.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, field: Field<'a>) {
        let mut key = key.into();
        if key.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            key = key.to_lowercase().into();
        }
        self.put(key, field);
    }

    /// Lays what was sent later over this: the later wins.
    pub fn overlay(&mut self, later: Draft<'a>) {
        if self.fields.is_empty() {
            *self = later;
            return;
        }
        for (key, field) in later.fields {
            self.put(key, field);
        }
    }

    fn put(&mut self, key: Cow<'a, str>, field: Field<'a>) {
        if !(field.is_blank() && self.fields.contains_key(&key)) {
            self.fields.insert(key, field);
        }
    }

    /// The field of a lower-cased key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.fields.get(key)
    }

    /// Takes a field out.
    pub fn take(&mut self, key: &str) -> Option<Field<'a>> {
        self.fields.remove(key)
    }

    /// Bytes of its keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.fields.iter().map(|(key, field)| key.len() + field.as_text().len()).sum()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<'a> IntoIterator for Draft<'a> {
    type Item = (Cow<'a, str>, Field<'a>);
    type IntoIter = std::collections::btree_map::IntoIter<Cow<'a, str>, Field<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}
