//! An event as it is put together from somebody else's: columns under Tracker's names, and the rest.

use super::{
    object::{Object, is_scalar},
    tidy,
};
use crate::draft::{Draft, Field, take::quote};
use std::{borrow::Cow, collections::BTreeMap, ops::RangeInclusive};

/// Columns and rest. The first that is said of a column counts.
#[derive(Debug, Default)]
pub struct Event<'a> {
    columns: Vec<(Cow<'a, str>, Field<'a>)>,
    rest: BTreeMap<Cow<'a, str>, Field<'a>>,
}

impl<'a> Event<'a> {
    /// An event of this name.
    pub fn named(name: impl Into<Cow<'a, str>>) -> Self {
        let mut event = Self::default();
        event.set("ename", Field::Text(name.into()));
        event
    }

    /// What a column holds.
    pub fn get(&self, column: &str) -> Option<&Field<'a>> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, field)| field)
    }

    /// Fills a column, if it is empty.
    pub fn set(&mut self, column: &'static str, field: Field<'a>) {
        if self.get(column).is_none() {
            self.columns.push((column.into(), field));
        }
    }

    /// Moves members that are texts or numbers into columns. What has no place there stays where it is; what says the
    /// same again goes.
    pub fn texts(&mut self, from: &mut Object<'a>, names: &[(&str, &'static str)]) {
        for (key, column) in names {
            self.fill(from, key, column, is_scalar);
        }
    }

    /// Moves members that are whole numbers, or nearly, into columns; a fraction is cut.
    pub fn wholes(&mut self, from: &mut Object<'a>, names: &[(&str, &'static str)]) {
        const MOST: f64 = 9.0e15; // every whole number up to here is a float
        for (key, column) in names {
            self.fill(from, key, column, |field| {
                number(field).is_some_and(|number| (0.0..MOST).contains(&number))
            });
        }
    }

    /// Moves a member that is a number in this range into a column.
    pub fn number(
        &mut self,
        from: &mut Object<'a>,
        (key, column): (&str, &'static str),
        range: RangeInclusive<f64>,
    ) {
        self.fill(from, key, column, |field| number(field).is_some_and(|number| range.contains(&number)));
    }

    fn fill(
        &mut self,
        from: &mut Object<'a>,
        key: &str,
        column: &'static str,
        fits: impl FnOnce(&Field<'_>) -> bool,
    ) {
        let Some(said) = from.get(key).filter(|field| fits(field)) else { return };
        match self.get(column).map(|held| held.as_text() == said.as_text()) {
            Some(false) => {}
            Some(true) => drop(from.take(key)),
            None => self.columns.extend(from.take(key).map(|field| (column.into(), field))),
        }
    }

    /// Width and height, as in `1920x1080`.
    pub fn screen(&mut self, from: &mut Object<'a>, key: &str) {
        let Some(Field::Text(text)) = from.get(key) else { return };
        let size =
            text.split_once('x').and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
        if let (Some((w, h)), None, None) = (size, self.get("w"), self.get("h")) {
            self.set("w", Field::Json(w.to_string().into()));
            self.set("h", Field::Json(h.to_string().into()));
            from.take(key);
        }
    }

    /// Keeps one value among the rest; a name that is taken gets a `_`.
    pub fn keep(&mut self, key: impl Into<Cow<'a, str>>, field: Field<'a>) {
        let mut key = key.into();
        while self.rest.contains_key(&key) {
            key.to_mut().push('_');
        }
        self.rest.insert(key, field);
    }

    /// Keeps what is left of an object, each member for itself.
    pub fn keep_all(&mut self, object: Object<'a>) {
        object.into_members().into_iter().for_each(|(key, field)| self.keep(key, field));
    }

    /// Keeps what is left of an envelope: likewise, without members that say nothing.
    pub fn keep_said(&mut self, envelope: Object<'a>) {
        let says = |field: &Field<'a>| !field.is_blank() && !matches!(field.as_text(), "{}" | "[]");
        let said = envelope.into_members().into_iter().filter(|(_, field)| says(field));
        said.for_each(|(key, field)| self.keep(key, field));
    }

    /// Keeps what is left of an object as one value.
    pub fn keep_object(&mut self, key: &'static str, object: Object<'a>) {
        if let Some(json) = object.into_json() {
            self.keep(key, Field::Json(json.into()));
        }
    }

    /// The draft. Who is named in the rest is concealed.
    pub fn draft(mut self) -> Draft<'a> {
        let mut params = String::new();
        for (key, field) in std::mem::take(&mut self.rest) {
            let Some(field) = tidy::value(&key, field, &mut |column, text| {
                self.set(column, Field::Text(text.into()));
            }) else {
                continue;
            };
            params.push(if params.is_empty() { '{' } else { ',' });
            quote(&key, &mut params);
            params.push(':');
            field.write_json(&mut params);
        }
        if !params.is_empty() {
            self.set("params", Field::Json((params + "}").into()));
        }
        self.columns.into_iter().collect()
    }
}

fn number(field: &Field<'_>) -> Option<f64> {
    let said = Some(field).filter(|field| is_scalar(field))?;
    said.as_text().trim().parse().ok().filter(|number: &f64| number.is_finite())
}
