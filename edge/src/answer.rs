//! What a request is answered, before it is HTTP. Pure.

#[cfg(test)]
mod tests;

use crate::{admit::Limited, collect::Route};
use serde_json::{Value, json};
use tracker_stream::fault::{Fault, Refusal};
use uuid::Uuid;

/// How one event or payment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It is safe.
    Kept(Uuid),
    /// It is wrong.
    Refused(Refusal),
    /// It could not be made safe; the same may be sent again.
    Unkept(Fault),
}

/// What became of all that a request carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// How each ended, in order.
    pub fates: Vec<Ended>,
    /// The request was about one thing, not a list.
    pub single: bool,
}

/// An answer of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing more to say.
    Empty,
    /// This.
    Json(Value),
}

/// Why a request as a whole is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It is wrong.
    Refused(Refusal),
    /// Some of its line items are wrong, so none was kept.
    Items {
        /// How many there were.
        of: usize,
        /// The wrong ones, by their index.
        wrong: Vec<(usize, Refusal)>,
    },
    /// The sender sends too much.
    Limited(Limited),
    /// It could not be made safe; the same may be sent again.
    Unkept(Fault),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Limited> for Denied {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Unkept(fault)
    }
}

/// The answer to events. Of several, each has its own verdict; only when not one is safe, and some could have been,
/// is the whole request to be sent again.
///
/// # Errors
/// What is no success.
pub fn events(taken: Taken, route: Route) -> Result<Answer, Denied> {
    if taken.single {
        return match taken.fates.into_iter().next() {
            Some(Ended::Refused(refusal)) => Err(refusal.into()),
            Some(Ended::Unkept(fault)) => Err(fault.into()),
            Some(Ended::Kept(id)) if route == Route::Server => Ok(Answer::Json(json!(id))),
            Some(Ended::Kept(_)) | None => Ok(Answer::Empty),
        };
    }
    let (mut ids, mut rejected, mut unkept) = (Vec::new(), Vec::new(), None);
    for (index, fate) in taken.fates.into_iter().enumerate() {
        match fate {
            Ended::Kept(id) => ids.push(id),
            Ended::Refused(refusal) => rejected.push(verdict(index, refusal.reason, &refusal.detail)),
            Ended::Unkept(fault) => {
                rejected.push(verdict(index, fault.tag, &fault.detail));
                unkept = unkept.or(Some(fault));
            }
        }
    }
    match unkept {
        Some(fault) if ids.is_empty() => Err(fault.into()),
        _ if route == Route::Server => {
            Ok(Answer::Json(json!({ "accepted": ids.len(), "rejected": rejected, "ids": ids })))
        }
        _ => Ok(Answer::Json(json!({ "accepted": ids.len(), "rejected": rejected }))),
    }
}

/// The answer to payments: all of them are safe, or the request is to be corrected or sent again. Half a payment
/// with an answer of success would be overlooked, and a repeat is harmless where the payments have ids.
///
/// # Errors
/// What is no success.
pub fn payments(taken: Taken, receipt: Receipt) -> Result<Answer, Denied> {
    let of = taken.fates.len();
    let (mut ids, mut wrong, mut unkept) = (Vec::new(), Vec::new(), None);
    for (index, fate) in taken.fates.into_iter().enumerate() {
        match fate {
            Ended::Kept(id) => ids.push(id),
            Ended::Refused(refusal) => wrong.push((index, refusal)),
            Ended::Unkept(fault) => unkept = unkept.or(Some(fault)),
        }
    }
    match (wrong.is_empty(), unkept) {
        (false, _) => Err(Denied::Items { of, wrong }),
        (true, Some(fault)) => Err(fault.into()),
        (true, None) if receipt == Receipt::Wanted => Ok(Answer::Json(json!({ "ids": ids }))),
        (true, None) => Ok(Answer::Empty),
    }
}

/// Whether the ids of payments are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// They are.
    Wanted,
    /// The body stays empty.
    Unwanted,
}

/// One entry of `rejected`.
#[must_use]
pub fn verdict(index: usize, reason: &str, detail: &str) -> Value {
    json!({ "index": index, "reason": reason, "detail": detail })
}
