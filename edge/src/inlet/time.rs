//! When something happened, by a clock that may be wrong.

use crate::draft::Field;
use std::borrow::Cow;
use tracker_schemas::Timestamp;

/// How far the sender's clock is behind ours: it says when it sent, and we know when that arrived. The way itself counts
/// as nothing, as the products that invented this have it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    behind: i64,
}

impl Clock {
    /// The clock of a sender that says when it sent.
    pub fn of(sent_at: Option<&Field<'_>>, received_at: Timestamp) -> Self {
        let sent = sent_at.and_then(|field| instant(field.as_text()));
        Self { behind: sent.map_or(0, |sent| received_at.0.saturating_sub(sent.0)) }
    }

    /// The field of an instant by the sender's clock. What is no instant stays as it is, and will stay in `params`.
    pub fn by_ours<'a>(self, field: Field<'a>) -> Field<'a> {
        match instant(field.as_text()) {
            Some(at) => created(Timestamp(at.0.saturating_add(self.behind))),
            None => field,
        }
    }
}

/// An instant as `created_at`.
pub fn created<'a>(at: Timestamp) -> Field<'a> {
    Field::Json(Cow::Owned(at.0.to_string()))
}

/// RFC 3339, or epoch milliseconds.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| text.parse().ok().map(Timestamp))
}

/// An instant that is a count of something, in milliseconds; `unit` of them are one.
pub fn counted<'a>(field: &Field<'_>, milliseconds: impl FnOnce(f64) -> f64) -> Option<Field<'a>> {
    const MOST: f64 = 9.0e15;
    let count: f64 = field.as_text().trim().parse().ok()?;
    let at = milliseconds(count);
    (at.abs() < MOST).then(|| created(Timestamp(at as i64)))
}
