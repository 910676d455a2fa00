//! An object of somebody else's format, from which members are taken one by one. What nobody takes is still there.

use crate::{
    decode::{self, Limits},
    draft::Field,
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, hash_map::Entry},
};
use tracker_stream::fault::Refusal;

/// The members, in order, keys as they were written; none twice. Of a repeated one the last counts, as everywhere in JSON: were
/// each kept, a short text with thousands of one key would be thousands of members to be told apart by whoever puts them
/// together.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

impl<'a> Object<'a> {
    /// Reads an event, or an envelope.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &'a str, limits: &Limits) -> Result<Self, Refusal> {
        decode::fields(text, limits)?.collect::<Result<_, _>>().map(Self::of)
    }

    /// From pairs.
    pub fn of(members: Vec<(Cow<'a, str>, Field<'a>)>) -> Self {
        let mut places = HashMap::with_capacity(members.len());
        let mut distinct: Vec<(Cow<'a, str>, Field<'a>)> = Vec::with_capacity(members.len());
        for (key, field) in members {
            match places.entry(key.clone()) {
                Entry::Vacant(place) => {
                    place.insert(distinct.len());
                    distinct.push((key, field));
                }
                Entry::Occupied(place) => {
                    if let Some((_, held)) = distinct.get_mut(*place.get()) {
                        *held = field;
                    }
                }
            }
        }
        Self(distinct)
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, field)| field)
    }

    /// Takes a member out.
    pub fn take(&mut self, key: &str) -> Option<Field<'a>> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a member that is a text or a number and says something.
    pub fn scalar(&mut self, key: &str) -> Option<Field<'a>> {
        self.get(key).is_some_and(is_scalar).then(|| self.take(key)).flatten()
    }

    /// Takes such a member as a text.
    pub fn text(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.scalar(key).map(Field::into_text)
    }

    /// Takes a member that is an object. Anything else stays; none is an empty one.
    pub fn open(&mut self, key: &str) -> Self {
        match self.get(key) {
            Some(Field::Json(json)) if json.starts_with('{') => {
                self.take(key).map_or_else(Self::default, inner)
            }
            _ => Self::default(),
        }
    }

    /// Puts what is left of an opened object back, if anything is.
    pub fn put(&mut self, key: &'static str, object: Self) {
        self.0.extend(object.into_json().map(|json| (key.into(), Field::Json(json.into()))));
    }

    /// Puts another value in the place of a member.
    pub fn replace(&mut self, key: &'static str, field: Field<'a>) {
        self.take(key);
        self.0.push((key.into(), field));
    }

    /// Lays this over what is common: each member that only that has, too.
    pub fn over(mut self, common: &Self) -> Self {
        let own: HashSet<&str> = self.0.iter().map(|(key, _)| &**key).collect();
        let missing: Vec<_> = common.0.iter().filter(|(key, _)| !own.contains(&**key)).cloned().collect();
        self.0.extend(missing);
        self
    }

    /// Bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(key, field)| key.len() + field.as_text().len()).sum()
    }

    /// The members.
    pub fn into_members(self) -> Vec<(Cow<'a, str>, Field<'a>)> {
        self.0
    }

    /// As JSON; none when nothing is left.
    pub fn into_json(self) -> Option<String> {
        let mut json = String::new();
        for (key, field) in self.0 {
            json.push(if json.is_empty() { '{' } else { ',' });
            crate::draft::take::quote(&key, &mut json);
            json.push(':');
            field.write_json(&mut json);
        }
        (!json.is_empty()).then(|| json + "}")
    }
}

/// A text that is not blank, or a number.
pub fn is_scalar(field: &Field<'_>) -> bool {
    match field {
        Field::Text(_) => !field.is_blank(),
        Field::Json(json) => json.starts_with(|first: char| first == '-' || first.is_ascii_digit()),
    }
}

/// The members of an object's text, which was checked with the event that holds it.
pub fn inner(field: Field<'_>) -> Object<'_> {
    match field.into_text() {
        Cow::Borrowed(text) => Object::of(decode::inner(text)),
        Cow::Owned(text) => Object::of(decode::inner(&text).into_iter().map(owned).collect()),
    }
}

fn owned<'a>((key, field): (Cow<'_, str>, Field<'_>)) -> (Cow<'a, str>, Field<'a>) {
    let field = match field {
        Field::Text(text) => Field::Text(text.into_owned().into()),
        Field::Json(json) => Field::Json(json.into_owned().into()),
    };
    (key.into_owned().into(), field)
}
