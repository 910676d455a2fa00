//! Whose events a request brings: the ids that they carry, else new ones, and the cookies by which a browser brings the
//! same ids again. Pure: consent's defaults, the country and new ids come in with the [`Visit`].
//!
//! An id is given only together with its cookie. Without consent to statistics there is neither, and where a browser
//! would not keep the cookie (see [`would_keep`]) each event would make one more visitor that never comes back.

mod jar;
mod site;
#[cfg(test)]
mod tests;

pub use jar::{Jar, SameSite, registrable};
pub use site::would_keep;

use http::HeaderValue;
use std::cell::LazyCell;
use tracker_geo::country;
use tracker_schemas::{
    Event, Fact,
    consent::{Defaults, STATISTICS},
};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

/// What is asked about the visitor of a request.
pub struct Visit<'a> {
    /// How its cookies are written.
    pub jar: Jar,
    /// Which of our cookies it brought.
    pub brought: Brought,
    /// What counts where there is no signal.
    pub defaults: &'a Defaults,
    /// The country of its address: asked for only where no event says its consent.
    pub country: &'a dyn Fn() -> Option<String>,
    /// A new id.
    pub new_id: &'a dyn Fn() -> Uuid,
}

/// Which cookies a request brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// The visitor's.
    pub vid: bool,
    /// The session's.
    pub sid: bool,
}

/// What all events of a request say together about statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// Each allows them.
    Given,
    /// Each refuses them, in so many words.
    Refused,
    /// Neither.
    Missing,
}

/// Gives the visitor's ids to the events that have none, and says the cookies that keep them. Those of a visitor who
/// has refused are taken back.
pub fn settle(events: &mut [Result<Event, Refusal>], visit: &Visit<'_>) -> Vec<HeaderValue> {
    match consent(events, visit) {
        Consent::Given => recognise(events, visit),
        Consent::Refused => forget(visit),
        Consent::Missing => Vec::new(),
    }
}

/// The same rule by which enrichment removes the ids again: an id that it would remove is not given.
fn consent(events: &[Result<Event, Refusal>], visit: &Visit<'_>) -> Consent {
    let found = LazyCell::new(visit.country);
    let (mut given, mut refused, mut any) = (true, true, false);
    for Event { fact, opt_out, .. } in events.iter().flatten() {
        let country = || country::settle(fact.country.as_deref(), fact.tz.as_deref(), || found.clone());
        let country = if fact.cflags.is_none() { country() } else { None };
        let bits = visit.defaults.in_force(fact.cflags, country.as_deref(), *opt_out);
        given &= bits & STATISTICS != 0;
        refused &= bits & STATISTICS == 0 && fact.cflags.is_some();
        any = true;
    }
    match (any, given, refused) {
        (true, true, _) => Consent::Given,
        (true, _, true) => Consent::Refused,
        _ => Consent::Missing,
    }
}

/// Events of several visitors come from no browser, but from whoever collects for them: that one gets no cookie, and
/// nobody is guessed. Of several sessions, the last is the one that goes on.
fn recognise(events: &mut [Result<Event, Refusal>], visit: &Visit<'_>) -> Vec<HeaderValue> {
    let mut facts: Vec<&mut Fact> = events.iter_mut().flatten().map(|event| &mut event.fact).collect();
    let mut visitors = facts.iter().filter_map(|fact| fact.vid);
    let vid = visitors.next();
    if visitors.any(|other| Some(other) != vid) {
        return Vec::new();
    }
    let vid = vid.unwrap_or_else(visit.new_id);
    let sid = facts.iter().rev().find_map(|fact| fact.sid).unwrap_or_else(visit.new_id);
    for fact in &mut facts {
        fact.vid.get_or_insert(vid);
        fact.sid.get_or_insert(sid);
    }
    [visit.jar.visitor(vid), visit.jar.session(sid)].into_iter().flatten().collect()
}

fn forget(visit: &Visit<'_>) -> Vec<HeaderValue> {
    let Brought { vid, sid } = visit.brought;
    let gone = [(vid, jar::VISITOR), (sid, jar::SESSION)];
    gone.into_iter().filter(|(brought, _)| *brought).filter_map(|(_, name)| visit.jar.remove(name)).collect()
}
