//! From a draft to an event: typed, checked, and stamped with what the request says of itself. Pure: the time, the
//! ids and the keys come in with the [`Context`]. Decides nothing about consent; that is enrichment's.

use crate::draft::Draft;
use std::net::IpAddr;
use tracker_schemas::{Event, Kind, Timestamp, Topic, history};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

mod facts;
mod identity;
mod origin;
mod page;
mod params;
mod person;
mod plain;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use identity::{conceal, tenant};
pub(crate) use origin::{address, hhash, host};
pub(crate) use params::gather;

/// What the request says about every event in it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// When the request had been read.
    pub received_at: Timestamp,
    /// Whether a client or a server sent it.
    pub kind: Kind,
    /// Client address.
    pub ip: Option<IpAddr>,
    /// `Host` as it was sent.
    pub host: Option<&'a str>,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Accept-Language`.
    pub accept_language: Option<&'a str>,
    /// `Referer`.
    pub referer: Option<&'a str>,
    /// `Sec-GPC: 1` or `DNT: 1` was sent.
    pub opt_out: bool,
    /// Name of this node.
    pub node: &'a str,
    /// The deployment's key for hashes.
    pub hash_key: &'a [u8; 32],
    /// `anonymize_at_edge`: the address is truncated here already.
    pub anonymize: bool,
    /// The tenant that the secret key speaks for.
    pub tenant: Option<Uuid>,
    /// A new UUIDv7.
    pub new_id: &'a dyn Fn() -> Uuid,
}

/// Stamps a draft. Each verb takes its fields out of the draft; what is left becomes `params`.
///
/// # Errors
/// What the event got wrong.
pub fn event(mut draft: Draft<'_>, context: &Context<'_>) -> Result<Event, Refusal> {
    let mut event = Event::default(); // filled where it stands, not moved into place: it has 2 KB
    let fact = &mut event.fact;
    facts::name(&mut draft, fact)?;
    identity::ids(&mut draft, context, fact)?;
    identity::hashes(&mut draft, context, fact)?;
    facts::describe(&mut draft, fact)?;
    facts::place(&mut draft, fact)?;
    facts::measure(&mut draft, fact)?;
    page::pages(&mut draft, fact)?;
    let person = person::of(&mut draft, context)?;
    fact.created_at = draft.created_at(context.received_at);
    fact.params = params::gather(draft, Draft::new());

    fact.received_at = context.received_at;
    fact.kind = context.kind;
    fact.host = origin::host(context.host);
    fact.hhash = fact.host.as_deref().map(origin::hhash);
    context.node.clone_into(&mut fact.edge);
    fact.schema = history::version(Topic::Events);

    event.ip = person.ip.map(|ip| origin::address(ip, context.anonymize));
    event.opt_out = context.opt_out;
    event.user_agent = person.user_agent;
    event.accept_language = person.accept_language;
    event.referer = person.referer.map(page);
    Ok(event)
}

/// A page without fragment, user, and secret-looking query values.
pub(crate) fn page(url: String) -> String {
    page::clean(url, |_, _| page::Pair::Stays)
}

fn given(header: Option<&str>) -> Option<String> {
    header.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}
