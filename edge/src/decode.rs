//! From bytes to drafts: bodies, paths, queries, cookies. Never knows a route, never panics on what it is given,
//! and lets no event of a body spoil another.

use crate::{draft::Draft, reason};
use tracker_stream::fault::Refusal;

mod cookies;
mod json;
mod pairs;
#[cfg(test)]
mod tests;

pub use cookies::cookies;
pub(crate) use json::{elements, fields, inner, is_nested, members, object, too_large, too_many};
pub(crate) use pairs::form;

/// What one event, or one body of them, may be at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the JSON text of one event.
    pub event_bytes: usize,
    /// Events in one body.
    pub events: usize,
    /// Bytes of a key, at any depth.
    pub key_bytes: usize,
    /// Objects and arrays in one another; the event is the first of them.
    pub depth: usize,
    /// Bytes of a path.
    pub path_bytes: usize,
}

/// How the events of a body are written one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object, or an array of them.
    Json,
    /// One object a line.
    Ndjson,
}

impl Format {
    /// The format of a `Content-Type`. Whatever is not known is JSON: `sendBeacon` calls it `text/plain`.
    #[must_use]
    pub fn of(content_type: Option<&str>) -> Self {
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        let lines =
            ["application/x-ndjson", "application/ndjson", "application/x-jsonlines", "application/jsonl"];
        if lines.iter().any(|known| essence.eq_ignore_ascii_case(known)) { Self::Ndjson } else { Self::Json }
    }
}

/// What a body held.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Each event, in order, or why it is none.
    pub drafts: Vec<Result<Draft<'a>, Refusal>>,
    /// The body was one bare object: it is answered as the predecessor answered.
    pub single: bool,
}

impl<'a> Batch<'a> {
    /// The one draft of a body that was a bare object. `mend` says what to send instead of a list.
    ///
    /// # Errors
    /// A list; and what is wrong with the object.
    pub fn one(self, mend: &str) -> Result<Draft<'a>, Refusal> {
        if !self.single {
            return Err(reason::NOT_AN_OBJECT.refuse(mend));
        }
        self.drafts.into_iter().next().unwrap_or_else(|| Ok(Draft::new()))
    }
}

/// Decodes a body. A syntax error spoils an array, for its elements can no longer be told apart; among lines it
/// spoils its line.
///
/// # Errors
/// The body as a whole: malformed, not UTF-8, too many events.
pub fn body<'a>(bytes: &'a [u8], format: Format, limits: &Limits) -> Result<Batch<'a>, Refusal> {
    match format {
        Format::Ndjson => lines(bytes, limits),
        Format::Json => {
            let text = utf8(bytes)?.trim_ascii();
            if text.starts_with('[') {
                let events = json::elements(text, limits)?;
                let drafts = events.into_iter().map(|event| json::object(event, limits)).collect();
                return Ok(Batch { drafts, single: false });
            }
            if !text.starts_with('{') {
                return Err(reason::MALFORMED.refuse("send one JSON object, or an array of them"));
            }
            let draft = json::object(text, limits);
            Ok(Batch { drafts: vec![draft], single: true })
        }
    }
}

fn lines<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Batch<'a>, Refusal> {
    let lines = || bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    if lines().nth(limits.events).is_some() {
        return Err(json::too_many(limits));
    }
    let drafts = lines().map(|line| json::object(utf8(line)?, limits)).collect();
    Ok(Batch { drafts, single: false })
}

/// A body as text.
///
/// # Errors
/// Bytes that are no UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(bytes)
        .map_err(|error| reason::INVALID_UTF8.refuse(format!("no UTF-8 after byte {}", error.valid_up_to())))
}

/// Decodes the path pairs after the route, raw as they were sent, and the query, which wins.
///
/// # Errors
/// Too long, or bytes that are no text.
pub fn url<'a>(path: &'a str, query: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    if path.len() > limits.path_bytes {
        return Err(
            reason::PATH_TOO_LONG.refuse(format!("a path has at most {} bytes; use POST", limits.path_bytes))
        );
    }
    if query.len() > limits.event_bytes {
        return Err(json::too_large(limits));
    }
    let mut draft = pairs::path(path, limits)?;
    draft.overlay(pairs::query(query, limits)?);
    json::embed(&mut draft, limits);
    Ok(draft)
}
