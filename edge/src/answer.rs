//! What a request is answered, before it is HTTP. Pure.

#[cfg(test)]
mod tests;

use crate::{admit::Limited, collect::Route, inlet::Inlet, reason};
use http::HeaderMap;
use serde::Serialize;
use tracker_stream::fault::{Fault, Refusal};
use uuid::Uuid;

/// What is said of anything that could not be made safe. Why it could not is the operator's concern.
pub(crate) const UNKEPT: &str = "it could not be made safe; send it again, under the same id";

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

/// What is said to a request that records something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What became of it.
    pub outcome: Result<Answer, Denied>,
    /// What stands beside that: cookies, what is left of a rate.
    pub headers: HeaderMap,
}

impl Said {
    /// Nothing beside it.
    #[must_use]
    pub fn only(outcome: Result<Answer, Denied>) -> Self {
        Self { outcome, headers: HeaderMap::new() }
    }
}

/// An answer of success, as its JSON has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Nothing more to say: no body.
    Empty,
    /// The id of the one event.
    Id(Uuid),
    /// What became of several events.
    Several {
        /// How many are safe.
        accepted: usize,
        /// Those that are not.
        rejected: Vec<Rejected>,
        /// The ids of the safe ones, in order: to servers.
        #[serde(skip_serializing_if = "Option::is_none")]
        ids: Option<Vec<Uuid>>,
    },
    /// It will be done; under this id it can be asked for.
    Requested {
        /// Id of the request.
        request: Uuid,
    },
    /// The ids of payments, in order.
    Receipt {
        /// They.
        ids: Vec<Uuid>,
    },
    /// What the library of another product looks for.
    Foreign(Foreign),
}

/// An answer of success in another product's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Foreign {
    /// Segment's.
    Segment {
        /// Always.
        success: bool,
        /// Those of a batch that are not safe and never will be. Its libraries do not look here; people do.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rejected: Vec<Rejected>,
    },
    /// PostHog's.
    PostHog {
        /// 1: taken.
        status: u8,
        /// As Segment's.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rejected: Vec<Rejected>,
    },
    /// Umami's: the session and the visit, of which it is not told before consent is known. So nobody's.
    #[serde(rename_all = "camelCase")]
    Umami {
        /// The zero UUID.
        session_id: Uuid,
        /// The zero UUID.
        visit_id: Uuid,
    },
    /// Plausible's: 202 and a word.
    Plausible,
    /// Google's: 204.
    Google,
}

/// One of several that is not safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its place, from 0.
    pub index: usize,
    /// The tag of the reason.
    pub reason: &'static str,
    /// What to change.
    pub detail: String,
    /// It was not wrong: the same may be sent again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
}

impl Rejected {
    fn refused(index: usize, refusal: Refusal) -> Self {
        Self { index, reason: refusal.reason, detail: refusal.detail, retry: false }
    }
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
        /// The wrong ones.
        wrong: Vec<Rejected>,
    },
    /// The sender sends too much.
    Limited(Limited),
    /// It could not be made safe; the same may be sent again.
    Unkept(Fault),
}

impl Denied {
    /// The items of a request of which some are wrong; none when all are right.
    #[must_use]
    pub fn of_items<R>(items: &[Result<R, Refusal>]) -> Option<Self> {
        let each = items.iter().enumerate();
        let wrong =
            each.filter_map(|(index, item)| Some(Rejected::refused(index, item.as_ref().err()?.clone())));
        let wrong: Vec<Rejected> = wrong.collect();
        (!wrong.is_empty()).then_some(Self::Items { of: items.len(), wrong })
    }

    /// The tag of the reason.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason,
            Self::Items { wrong, .. } => wrong.first().map_or(reason::MALFORMED.tag, |first| first.reason),
            Self::Limited(_) => reason::RATE_LIMITED.tag,
            Self::Unkept(fault) => fault.tag,
        }
    }
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
    let to_server = route == Route::Server;
    if taken.single {
        return match taken.fates.into_iter().next() {
            Some(Ended::Refused(refusal)) => Err(refusal.into()),
            Some(Ended::Unkept(fault)) => Err(fault.into()),
            Some(Ended::Kept(id)) if to_server => Ok(Answer::Id(id)),
            Some(Ended::Kept(_)) | None => Ok(Answer::Empty),
        };
    }
    let (mut ids, mut rejected, mut unkept) = (Vec::new(), Vec::new(), None);
    for (index, fate) in taken.fates.into_iter().enumerate() {
        match fate {
            Ended::Kept(id) => ids.push(id),
            Ended::Refused(refusal) => rejected.push(Rejected::refused(index, refusal)),
            Ended::Unkept(fault) => {
                let detail = UNKEPT.to_owned();
                rejected.push(Rejected { index, reason: fault.tag, detail, retry: true });
                unkept = unkept.or(Some(fault));
            }
        }
    }
    match unkept {
        Some(fault) if ids.is_empty() => Err(fault.into()),
        _ => Ok(Answer::Several { accepted: ids.len(), rejected, ids: to_server.then_some(ids) }),
    }
}

/// The answer to events in another product's format. None of their libraries reads a verdict for each event, and all of
/// them send the whole again after a 503: so one event that could not be made safe is reason enough for that, as the
/// others have ids and are stored once. One that is wrong is none: it would be wrong for ever. Only when nothing was
/// right is the request refused.
///
/// # Errors
/// What is no success.
pub fn foreign(taken: Taken, inlet: Inlet) -> Result<Answer, Denied> {
    let mut rejected = Vec::new();
    let events = taken.fates.len();
    for (index, fate) in taken.fates.into_iter().enumerate() {
        match fate {
            Ended::Kept(_) => {}
            Ended::Refused(refusal) if events == 1 => return Err(refusal.into()),
            Ended::Refused(refusal) => rejected.push(Rejected::refused(index, refusal)),
            Ended::Unkept(fault) => return Err(fault.into()),
        }
    }
    if events > 0 && rejected.len() == events {
        return Err(Denied::Items { of: events, wrong: rejected });
    }
    Ok(Answer::Foreign(match inlet {
        Inlet::Segment(_) | Inlet::SegmentApp(_) => Foreign::Segment { success: true, rejected },
        Inlet::PostHog => Foreign::PostHog { status: 1, rejected },
        Inlet::Umami => Foreign::Umami { session_id: Uuid::nil(), visit_id: Uuid::nil() },
        Inlet::Plausible => Foreign::Plausible,
        Inlet::Ga4 | Inlet::Gtag => Foreign::Google,
    }))
}

/// The answer to payments: all of them are safe, or the request is to be sent again. Half a payment with an answer
/// of success would be overlooked, and a repeat is harmless where the payments have ids.
///
/// # Errors
/// What is no success.
pub fn payments(taken: Taken, receipt: Receipt) -> Result<Answer, Denied> {
    let ids = all_kept(taken)?;
    Ok(match receipt {
        Receipt::Wanted => Answer::Receipt { ids },
        Receipt::Unwanted => Answer::Empty,
    })
}

/// The answer to who asked for an erasure: all that it takes is safe under the id of the request, or it is to be asked for
/// again.
///
/// # Errors
/// What is no success.
pub fn erasures(taken: Taken) -> Result<Answer, Denied> {
    let request = all_kept(taken)?.into_iter().next();
    Ok(request.map_or(Answer::Empty, |request| Answer::Requested { request }))
}

/// The ids, if all are safe.
fn all_kept(taken: Taken) -> Result<Vec<Uuid>, Denied> {
    let kept = taken.fates.into_iter().map(|fate| match fate {
        Ended::Kept(id) => Ok(id),
        Ended::Refused(refusal) => Err(refusal.into()),
        Ended::Unkept(fault) => Err(fault.into()),
    });
    kept.collect()
}

/// Whether the ids of payments are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// They are.
    Wanted,
    /// The body stays empty.
    Unwanted,
}
