//! Ways in for clients of other products: each speaks its own format, and means the same events. Pure.
//!
//! [`Inlet::decode`] makes drafts of what a library sends, as [`decode`] does of Tracker's own format:
//! what has a column goes there, and everything else to `params` under its own name and with its type. A value that
//! does not fit its column is kept in `params` too: what another product takes is never refused for Tracker's types.
//! Whoever is named in what is left is concealed: see `inlet::tidy`.

mod event;
mod ga4;
mod gtag;
mod object;
mod plausible;
mod posthog;
mod segment;
#[cfg(test)]
mod tests;
mod tidy;
mod time;
mod umami;
mod voice;

use crate::{
    decode::{self, Batch, Limits},
    draft::{Draft, Field, take::uuid},
    reason,
    request::Request,
};
use std::borrow::Cow;
use tracker_schemas::Timestamp;
use tracker_stream::fault::Refusal;
use uuid::Uuid;

pub use segment::Call;
pub use voice::{Person, Voice};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inlet {
    /// Segment's HTTP API, as libraries for servers call it.
    Segment(Call),
    /// The same, as libraries for browsers and apps call it.
    SegmentApp(Call),
    /// PostHog's capture.
    PostHog,
    /// Plausible's events API.
    Plausible,
    /// Umami's.
    Umami,
    /// Google Analytics 4: the Measurement Protocol, for servers.
    Ga4,
    /// Google Analytics 4, as gtag.js sends it.
    Gtag,
}

/// What was sent to an inlet.
#[derive(Debug, Clone, Copy)]
pub struct Posted<'a> {
    /// The request.
    pub request: &'a Request,
    /// Its body, [unwrapped](Inlet::unwrap).
    pub body: &'a [u8],
    /// What an event may be.
    pub limits: &'a Limits,
    /// When it had been read.
    pub received_at: Timestamp,
}

/// What was understood.
#[derive(Debug)]
pub struct Told<'a> {
    /// The events.
    pub batch: Batch<'a>,
    /// Under which keys they were sent.
    pub keys: Vec<String>,
    /// Whom the request is about.
    pub voice: Voice,
    /// Advertising was objected to.
    pub opts_out: bool,
}

impl Inlet {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment(_) | Self::SegmentApp(_) => "segment",
            Self::PostHog => "posthog",
            Self::Plausible => "plausible",
            Self::Umami => "umami",
            Self::Ga4 | Self::Gtag => "ga4",
        }
    }

    /// Takes a body out of what it was wrapped in for the way.
    ///
    /// # Errors
    /// A wrapping that is not what it says.
    pub fn unwrap(self, body: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
        match self {
            Self::PostHog => posthog::unwrap(body),
            _ => Ok(body.into()),
        }
    }

    /// Makes drafts of it.
    ///
    /// # Errors
    /// The body as a whole: no JSON, too many events.
    pub fn decode<'a>(self, posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
        match self {
            Self::Segment(call) => segment::decode(posted, call, voice::of_server(posted.request)),
            Self::SegmentApp(call) => segment::decode(posted, call, Voice::Own),
            Self::PostHog => posthog::decode(posted),
            Self::Plausible => plausible::decode(posted),
            Self::Umami => umami::decode(posted),
            Self::Ga4 => ga4::decode(posted),
            Self::Gtag => gtag::decode(posted),
        }
    }

    /// Forgets keys that stood where the product has a name which is kept: Plausible's of a site.
    pub fn forget_keys(self, drafts: &mut [Result<Draft<'_>, Refusal>], is_key: impl Fn(&str) -> bool) {
        if self != Self::Plausible {
            return;
        }
        for draft in drafts.iter_mut().flatten() {
            let Some(named) = draft.take("app").map(|field| field.into_text().into_owned()) else { continue };
            let names = named.split(',').map(str::trim).filter(|name| !name.is_empty() && !is_key(name));
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                draft.set("app", Field::Text(names.join(",").into()));
            }
        }
    }
}

/// Makes ids of event ids that are none: the UUIDv5 of (`tenant`, text), so that what is sent again is the same event.
/// The text stays, as `message_id`.
pub fn name_events(drafts: &mut [Result<Draft<'_>, Refusal>], tenant: Uuid) {
    for draft in drafts.iter_mut().flatten() {
        let Some(text) = draft.get("eid").map(|field| field.as_text().trim().to_owned()) else { continue };
        if uuid(&text).is_none() {
            let id = Uuid::new_v5(&tenant, text.as_bytes());
            draft.set("eid", Field::Text(id.to_string().into()));
            draft.set("message_id", Field::Text(text.into()));
        }
    }
}

/// A body that is one object with its members, and is as long as a body may be.
fn envelope<'a>(posted: &Posted<'a>) -> Result<object::Object<'a>, Refusal> {
    let text = decode::utf8(posted.body)?.trim_ascii();
    object::Object::read(text, &Limits { event_bytes: usize::MAX, ..*posted.limits })
}

/// The texts of the events in a list.
fn elements<'a>(list: Option<Field<'a>>, name: &str, limits: &Limits) -> Result<Vec<&'a str>, Refusal> {
    match list {
        Some(Field::Json(Cow::Borrowed(list))) if list.starts_with('[') => decode::elements(list, limits),
        _ => Err(reason::MALFORMED.refuse(format!("`{name}` is an array of events"))),
    }
}

/// What is common to the events is copied to each: a short body of many must not become more than a long one could be.
fn check_copies(common: &object::Object<'_>, events: usize, limits: &Limits) -> Result<(), Refusal> {
    let most = limits.event_bytes.saturating_mul(COPIES);
    if common.bytes().saturating_mul(events) > most {
        let detail = "what is common to the events is too long for so many of them";
        return Err(reason::EVENT_TOO_LARGE.refuse(detail));
    }
    Ok(())
}

/// How many events of the longest kind the copies may take as much as.
const COPIES: usize = 32;

/// A value of the query.
fn asked<'a>(posted: &Posted<'a>, name: &str) -> Option<Field<'a>> {
    let pairs = decode::form(&posted.request.query, posted.limits);
    pairs.filter_map(Result::ok).find(|(key, _)| key == name).map(|(_, field)| field)
}
