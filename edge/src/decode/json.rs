//! The JSON of an event, taken apart one level deep: every value below keeps the letters in which it was written.
//! Limits are checked here, so that nothing later meets a text that is too long, too deep, or no text.

use super::Limits;
use crate::{
    draft::{Draft, Field},
    reason,
};
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};
use tracker_stream::fault::Refusal;

/// Fields that a client may send as the JSON text of an object or array, as a path and a query must.
const EMBEDDED: [&str; 6] = ["params", "targets", "audience", "audience_tags", "content_tags", "tags"];

/// One event.
///
/// # Errors
/// What is wrong with it.
pub fn object<'a>(text: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    let mut draft: Draft<'_> = fields(text, limits)?.collect::<Result<_, Refusal>>()?;
    embed(&mut draft, limits);
    Ok(draft)
}

/// The fields of one event, in order, their keys as they were written.
///
/// # Errors
/// What is wrong with it as a whole; each field may be wrong besides.
pub fn fields<'a>(
    text: &'a str,
    limits: &Limits,
) -> Result<impl Iterator<Item = Result<(Cow<'a, str>, Field<'a>), Refusal>>, Refusal> {
    if text.len() > limits.event_bytes {
        return Err(too_large(limits));
    }
    if !text.starts_with('{') {
        return Err(reason::NOT_AN_OBJECT.refuse("an event is a JSON object"));
    }
    let members = members(text).map_err(|error| malformed(&error))?;
    Ok(members.into_iter().map(|(key, value)| {
        check_key(&key, limits)?;
        Ok((key, field(value, limits)?))
    }))
}

/// The fields of an object within an event, which was checked with it.
pub fn inner(text: &str) -> Vec<(Cow<'_, str>, Field<'_>)> {
    members(text).unwrap_or_default().into_iter().map(|(key, json)| (key, checked(json))).collect()
}

fn checked(json: &str) -> Field<'_> {
    let literal = json.starts_with('"').then(|| string(json).ok()).flatten();
    literal.map_or_else(|| Field::Json(json.into()), Field::Text)
}

/// The texts of an array's elements.
///
/// # Errors
/// A syntax error, or more elements than a body may carry.
pub fn elements<'a>(text: &'a str, limits: &Limits) -> Result<Vec<&'a str>, Refusal> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let found = Elements { most: limits.events }.deserialize(&mut parser);
    let found = found.and_then(|found| parser.end().map(|()| found)).map_err(|error| malformed(&error))?;
    found.ok_or_else(|| too_many(limits))
}

/// The members of an object, in order, repeated keys included.
///
/// # Errors
/// A syntax error, or a key that is no text.
pub fn members(text: &str) -> serde_json::Result<Vec<(Cow<'_, str>, &str)>> {
    serde_json::from_str(text).map(|Members(members)| members)
}

/// Text that holds JSON becomes JSON, where a field may be sent so. What is no JSON, or breaks a limit, stays text.
pub fn embed(draft: &mut Draft<'_>, limits: &Limits) {
    for key in EMBEDDED {
        let Some(Field::Text(text)) = draft.get(key) else { continue };
        if is_nested(text, limits)
            && let Some(Field::Text(text)) = draft.take(key)
        {
            draft.set(key, Field::Json(text));
        }
    }
}

/// Whether a text is that of an object or array that an event may hold.
pub fn is_nested(text: &str, limits: &Limits) -> bool {
    text.starts_with(['{', '['])
        && serde_json::from_str::<&RawValue>(text).is_ok()
        && nested(text, limits).is_ok()
}

/// A key within its limits.
pub fn check_key(key: &str, limits: &Limits) -> Result<(), Refusal> {
    if key.len() > limits.key_bytes {
        return Err(reason::KEY_TOO_LONG.refuse(format!("a key has at most {} bytes", limits.key_bytes)));
    }
    check_text(key)
}

/// A text that every store can keep.
pub fn check_text(text: &str) -> Result<(), Refusal> {
    if text.contains('\0') { Err(invalid_text()) } else { Ok(()) }
}

/// The refusal of a text that is none.
pub fn invalid_text() -> Refusal {
    reason::INVALID_TEXT.refuse("a text holds a NUL, half a surrogate pair, or bytes that are not UTF-8")
}

/// The refusal of an event that is too long.
pub fn too_large(limits: &Limits) -> Refusal {
    reason::EVENT_TOO_LARGE.refuse(format!("an event has at most {} bytes", limits.event_bytes))
}

/// The refusal of a body with too many events.
pub fn too_many(limits: &Limits) -> Refusal {
    reason::TOO_MANY_EVENTS.refuse(format!("a body carries at most {} events", limits.events))
}

fn malformed(error: &serde_json::Error) -> Refusal {
    reason::MALFORMED.refuse(format!("{error}; several events go as an array, or as application/x-ndjson"))
}

fn field<'a>(json: &'a str, limits: &Limits) -> Result<Field<'a>, Refusal> {
    match json.bytes().next() {
        Some(b'"') => string(json).map(Field::Text),
        Some(b'{' | b'[') => nested(json, limits).map(|()| Field::Json(json.into())),
        _ => Ok(Field::Json(json.into())),
    }
}

/// The text of a string literal.
fn string(literal: &str) -> Result<Cow<'_, str>, Refusal> {
    match literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(plain.into()),
        _ => {
            let text: String = serde_json::from_str(literal).map_err(|_| invalid_text())?;
            check_text(&text)?;
            Ok(text.into())
        }
    }
}

/// Checks an object or array below the event, whose syntax is known to be right: a walk over its brackets and
/// strings, without recursion, that builds nothing.
fn nested(json: &str, limits: &Limits) -> Result<(), Refusal> {
    let mut depth = 1; // the event
    let mut rest = json;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'{' | b'[' | b'}' | b']' | b'"')) {
        let mark = rest.get(at..).unwrap_or_default();
        let (token, after) = literal(mark).unwrap_or_else(|| mark.split_at(1));
        rest = after;
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth -= 1,
            key if after.trim_ascii_start().starts_with(':') => check_key(&string(key)?, limits)?,
            text if text.contains("\\u") => string(text).map(drop)?,
            _ => {}
        }
        if depth > limits.depth {
            let most = limits.depth;
            return Err(
                reason::TOO_DEEP.refuse(format!("at most {most} objects and arrays stand in one another"))
            );
        }
    }
    Ok(())
}

/// Splits off the string literal at the front, if there is one.
fn literal(json: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let inside = json.strip_prefix('"')?;
    let end = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    json.split_at_checked(end + 2)
}

struct Elements {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Option<Vec<&'de str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Option<Vec<&'de str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(element) = seq.next_element::<&RawValue>()? {
            if found.len() == self.most {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            found.push(element.get());
        }
        Ok(Some(found))
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

/// A key, borrowed where it holds no escape.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(32);
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    members.push((key, value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
