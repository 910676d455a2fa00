//! Reading a field as what it has to be. A field that is read leaves the draft, unless its column holds less
//! than what was sent: then it stays as well, for `params`. Never repeats a value in a refusal.

use super::{Draft, Field};
use crate::reason;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tracker_schemas::{Decimal, JsonText, Timestamp};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

impl<'a> Draft<'a> {
    /// A text; numbers and booleans are taken as they were written, and a blank is none.
    ///
    /// # Errors
    /// An object or an array.
    #[inline]
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        self.take(key).map_or(Ok(None), |field| single(field, key))
    }

    /// A UUID, hyphenated or plain; the zero UUID is none.
    ///
    /// # Errors
    /// Anything else.
    #[inline]
    pub fn uuid(&mut self, key: &str) -> Result<Option<Uuid>, Refusal> {
        let wrong = || format!("`{key}` is no UUID; send it with hyphens, or as 32 hex digits");
        let id = self.read(key, |text| match uuid(text) {
            Some(id) => Ok(Read::All(id)),
            None => Err(reason::INVALID_UUID.refuse(wrong())),
        })?;
        Ok(id.filter(|id| !id.is_nil()))
    }

    /// A UUID, or any other text, which then names one: the UUIDv5 of (`namespace`, text). Such a text stays.
    ///
    /// # Errors
    /// An object or an array.
    pub fn named(&mut self, key: &str, namespace: Uuid) -> Result<Option<Uuid>, Refusal> {
        let id = self.read(key, |text| {
            let named = || Read::Part(Uuid::new_v5(&namespace, text.trim().as_bytes()));
            Ok(uuid(text).map_or_else(named, Read::All))
        })?;
        Ok(id.filter(|id| !id.is_nil()))
    }

    /// A whole number, also as `12.0`, `1e3` or text. A fraction is cut, as the predecessor did, and stays.
    ///
    /// # Errors
    /// No number, or beyond 64 bits.
    #[inline]
    pub fn whole(&mut self, key: &str) -> Result<Option<i64>, Refusal> {
        let wrong =
            || reason::INVALID_NUMBER.refuse(format!("`{key}` is no whole number of at most 64 bits"));
        self.read(key, |text| whole(text).ok_or_else(wrong))
    }

    /// A finite number.
    ///
    /// # Errors
    /// No number, or one too large for a float.
    #[inline]
    pub fn float(&mut self, key: &str) -> Result<Option<f64>, Refusal> {
        self.read(key, |text| match text.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Read::All(value)),
            _ => Err(reason::INVALID_NUMBER.refuse(format!("`{key}` is no finite number"))),
        })
    }

    /// An amount, exact to 4 places, from a number or a text.
    ///
    /// # Errors
    /// No decimal number, more places, too large.
    pub fn decimal(&mut self, key: &str) -> Result<Option<Decimal>, Refusal> {
        self.read(key, |text| match text.parse() {
            Ok(amount) => Ok(Read::All(amount)),
            Err(error) => Err(reason::INVALID_DECIMAL.refuse(format!("`{key}` {error}"))),
        })
    }

    /// An RFC 3339 time.
    ///
    /// # Errors
    /// Anything else.
    pub fn time(&mut self, key: &str) -> Result<Option<Timestamp>, Refusal> {
        let wrong = || format!("`{key}` is not RFC 3339, as in 2026-01-31T12:00:00Z");
        self.read(key, |text| match Timestamp::parse_rfc3339(text.trim()) {
            Some(time) => Ok(Read::All(time)),
            None => Err(reason::INVALID_TIME.refuse(wrong())),
        })
    }

    /// A list: an array of texts, or texts separated by commas.
    ///
    /// # Errors
    /// An object, or an array that holds objects or arrays.
    pub fn list(&mut self, key: &str) -> Result<Vec<String>, Refusal> {
        let refuse =
            || reason::INVALID_TYPE.refuse(format!("`{key}` is a list: send an array of texts, or a,b,c"));
        let items = match self.get(key) {
            None => return Ok(Vec::new()),
            Some(Field::Json(json)) if json.starts_with('[') => array(json).ok_or_else(refuse)?,
            Some(Field::Json(json)) if json.starts_with('{') => return Err(refuse()),
            Some(Field::Json(json)) if json == "null" => Vec::new(),
            Some(Field::Text(text) | Field::Json(text)) => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
            }
        };
        self.take(key);
        Ok(items)
    }

    /// Any value, as JSON text.
    pub fn json(&mut self, key: &str) -> Option<JsonText> {
        let field = self.take(key).filter(|field| !field.is_blank())?;
        let mut json = String::new();
        field.write_json(&mut json);
        Some(JsonText(json))
    }

    /// The client's time: RFC 3339 or epoch milliseconds. Kept if it lies within 30 days before and 1 hour after
    /// `received_at`; else, and when it is no time, `received_at` stands for it and what was sent stays.
    pub fn created_at(&mut self, received_at: Timestamp) -> Timestamp {
        const OLDEST: i64 = 30 * 86_400_000;
        const NEWEST: i64 = 3_600_000;
        let said = self.read("created_at", |text| {
            let milliseconds = || whole(text).map(|(Read::All(value) | Read::Part(value))| Timestamp(value));
            let at = Timestamp::parse_rfc3339(text.trim()).or_else(milliseconds);
            let believable = received_at.0 - OLDEST..=received_at.0 + NEWEST;
            Ok(match at.filter(|at| believable.contains(&at.0)) {
                Some(at) => Read::All(at),
                None => Read::Part(received_at),
            })
        });
        said.ok().flatten().unwrap_or(received_at)
    }

    /// Reads a scalar. A blank one is none.
    fn read<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&str) -> Result<Read<T>, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        let slot = self.slot(key);
        let Some(field) = slot.as_ref().and_then(|slot| slot.as_ref()) else { return Ok(None) };
        let (value, stays) = match field {
            nested if nested.is_nested() => return Err(not_single(key)),
            blank if blank.is_blank() => (None, false),
            scalar => match read(scalar.as_text())? {
                Read::All(value) => (Some(value), false),
                Read::Part(value) => (Some(value), true),
            },
        };
        if let (Some(slot), false) = (slot, stays) {
            *slot = None;
        }
        Ok(value)
    }
}

/// What was read from a field.
enum Read<T> {
    /// All that it says: it leaves.
    All(T),
    /// Less than it says: it stays.
    Part(T),
}

fn single(field: Field<'_>, key: &str) -> Result<Option<String>, Refusal> {
    if field.is_nested() {
        return Err(not_single(key));
    }
    Ok((!field.is_blank()).then(|| field.into_text().into_owned()))
}

fn not_single(key: &str) -> Refusal {
    reason::INVALID_TYPE.refuse(format!("`{key}` is a single value, no object or array"))
}

impl<'a> Field<'a> {
    /// Its text, or that of its JSON.
    #[must_use]
    pub fn as_text(&self) -> &str {
        let (Self::Text(text) | Self::Json(text)) = self;
        text
    }

    /// Its text, or that of its JSON.
    #[must_use]
    pub fn into_text(self) -> Cow<'a, str> {
        let (Self::Text(text) | Self::Json(text)) = self;
        text
    }

    /// Whether it is an object or an array.
    #[must_use]
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::Json(json) if json.starts_with(['{', '[']))
    }

    /// Appends it as JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Json(json) => out.push_str(json),
            Self::Text(text) => quote(text, out),
        }
    }
}

/// Appends `text` as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::to_string(text).unwrap_or_default()); // a text always serialises
    } else {
        out.extend(["\"", text, "\""]);
    }
}

/// A UUID in one of the two forms that the contract knows.
pub fn uuid(text: &str) -> Option<Uuid> {
    let text = text.trim();
    if matches!(text.len(), 32 | 36) { Uuid::try_parse(text).ok() } else { None }
}

fn whole(text: &str) -> Option<Read<i64>> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0; // 2^63: the first that no i64 holds
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Some(Read::All(value));
    }
    let float: f64 = text.parse().ok().filter(|float| (-BEYOND..BEYOND).contains(float))?;
    let cut = float as i64; // the range is checked; cutting the fraction is the point
    Some(if float.fract() == 0.0 { Read::All(cut) } else { Read::Part(cut) })
}

/// The texts of an array of scalars; nulls are left out.
fn array(json: &str) -> Option<Vec<String>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let texts = items.into_iter().map(RawValue::get).filter(|item| *item != "null");
    texts
        .map(|item| match item.bytes().next() {
            Some(b'"') => serde_json::from_str(item).ok(),
            Some(b'{' | b'[') => None,
            _ => Some(item.to_owned()),
        })
        .collect()
}
