//! What becomes of an event: the verbs, in their order. Pure: it reads no clock and asks no service.

#[cfg(test)]
mod tests;

use super::{
    address::{Address, AddressHash},
    agent::{Agents, Form},
    culture, locate,
    places::Places,
    privacy::{self, Privacy},
    referrer::Referrers,
};
use std::{net::IpAddr, sync::Arc};
use tracker_geo::Place;
use tracker_schemas::{Enriched, Event, Fact, Timestamp, consent::STATISTICS};

/// What enriching looks things up in, and by which rules.
pub struct Lookups {
    /// Where an address is.
    pub places: Places,
    /// What a User-Agent says.
    pub agents: Agents,
    /// Who a referrer is.
    pub referrers: Referrers,
    /// What consent removes.
    pub privacy: Privacy,
    /// Hashes addresses.
    pub address_hash: AddressHash,
    /// How much of an address is used and kept.
    pub addresses: Addresses,
}

/// How much of an address is used and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// Its network: /24 or /48.
    Truncated,
    /// All of it.
    Whole,
}

/// Makes of an event what data teams may have of it.
#[must_use]
pub fn enrich(event: Event, lookups: &Lookups, now: Timestamp) -> Enriched {
    let Event { fact, ip, opt_out, user_agent, accept_language, referer } = event;
    let address = ip.as_deref().and_then(Address::parse);
    let mut event = Enriched { fact, user_agent, enriched_at: now, ..Enriched::default() };

    let place = find(address, lookups);
    locate::country(&mut event.fact, &place);
    weigh_consent(&mut event, opt_out, &lookups.privacy);
    locate_in_country(&mut event, &place);
    identify(&mut event, &lookups.agents);
    name_culture(&mut event.fact, accept_language.as_deref());
    name_channel(&mut event, referer.as_deref(), &lookups.referrers);
    keep_address(&mut event, address, lookups);
    lookups.privacy.filter(&mut event);
    event
}

fn find(address: Option<Address>, lookups: &Lookups) -> Arc<Place> {
    address.map(|address| lookups.places.find(lookups.addresses.of(address))).unwrap_or_default()
}

fn weigh_consent(event: &mut Enriched, opt_out: bool, privacy: &Privacy) {
    let fact = &event.fact;
    event.consent = privacy.defaults.in_force(fact.cflags, fact.country.as_deref(), opt_out);
}

/// The client's own position is kept with the statistics bit only, whatever the settings remove without it.
fn locate_in_country(event: &mut Enriched, place: &Place) {
    event.asn = place.asn;
    event.as_org.clone_from(&place.as_org);
    if event.consent & STATISTICS == 0 || !locate::has_position(&event.fact) {
        locate::without_position(&mut event.fact);
    }
    locate::place(&mut event.fact, place);
}

/// Device, browser, system: the client's word, else its User-Agent's. The verdict is the User-Agent's alone.
fn identify(event: &mut Enriched, agents: &Agents) {
    let agent = agents.identify(event.user_agent.as_deref());
    let fact = &mut event.fact;
    let form = agent.form.or_else(|| Form::of(fact.device.as_deref()?, fact.os.as_deref()));
    for (said, found) in
        [(&mut fact.device, &agent.device), (&mut fact.os, &agent.os), (&mut fact.browser, &agent.browser)]
    {
        if said.is_none() {
            *said = found.as_deref().map(str::to_owned);
        }
    }
    let verdict = agent.verdict(fact.kind);
    let form = form.filter(|form| *form != Form::Bot || verdict.is_some());
    event.device_type = form.map(|form| form.word().to_owned());
    event.bot = verdict.is_some();
    event.bot_reason = verdict.map(str::to_owned);
}

fn name_culture(fact: &mut Fact, accept_language: Option<&str>) {
    if fact.culture.is_none() {
        fact.culture = accept_language.and_then(culture::preferred);
    }
}

/// Before the consent filter: that a click was paid for is no identifier, its click id is.
fn name_channel(event: &mut Enriched, referer: Option<&str>, referrers: &Referrers) {
    let origin = referrers.origin(&event.fact, referer);
    event.channel = origin.channel.to_owned();
    event.referrer = origin.referrer;
    event.search_term = origin.search_term;
}

/// The network (or all of it), and the hash under the salt of the day of receipt: a replay finds the same.
fn keep_address(event: &mut Enriched, address: Option<Address>, lookups: &Lookups) {
    if lookups.addresses == Addresses::Truncated {
        privacy::without_written_address(&mut event.fact);
    }
    let Some(address) = address else { return };
    event.ip = Some(lookups.addresses.of(address).to_string());
    event.iphash = Some(lookups.address_hash.hash(address, event.fact.received_at.day()));
}

impl Addresses {
    const fn of(self, address: Address) -> IpAddr {
        match self {
            Self::Truncated => address.truncated(),
            Self::Whole => address.whole(),
        }
    }
}
