//! The story of a request in another product's format: read, decode, identify, admit, charge, stamp, produce, answer. The
//! key stands in the body there, so that is read before anybody is admitted; its bounds hold for all.

use super::{Beside, Caller, Collector, cookies, produce, traceparent};
use crate::{
    admit::{Left, Sender},
    answer::{self, Denied, Said, Taken},
    collect::Route,
    config::BodyLimits,
    decode::{Batch, Format},
    draft::Draft,
    http::body::{Body, Caps},
    inlet::{self, Inlet, Person, Posted, Told, Voice},
    keep::Keep,
    request::{Incoming, Request},
    stamp::{self, Context},
};
use tracker_schemas::{Event, Kind, Timestamp};
use tracker_stream::{clock, fault::Refusal, keys::Scope};

impl<K: Keep> Collector<K> {
    /// Takes events in another product's format.
    pub async fn foreign(&self, request: &Request, incoming: Incoming, inlet: Inlet) -> Said {
        let route = Route::Inlet(inlet);
        let mut beside = Beside::default();
        let taken = self.take_foreign(request, incoming, inlet, &mut beside.left).await;
        self.count(route, &taken);
        Said { outcome: taken.and_then(|taken| answer::foreign(taken, inlet)), headers: beside.headers() }
    }

    async fn take_foreign(
        &self,
        request: &Request,
        incoming: Incoming,
        inlet: Inlet,
        left: &mut Option<Left>,
    ) -> Result<Taken, Denied> {
        let route = Route::Inlet(inlet);
        self.has_room(route)?;
        // One that holds many events is an object too: it may be as long as a list.
        let limits = BodyLimits { single: self.config.body.batch, ..self.config.body };
        let caps = Caps { limits: &limits, format: Format::Json };
        let body = self.read_within(&caps, request, incoming, route).await?;
        let body = inlet.unwrap(body.as_ref().map_or(&[], Body::bytes))?;
        let limits = &self.config.limits;
        let received_at = Timestamp(clock::now_ms());
        let told = inlet.decode(&Posted { request, body: &body, limits, received_at })?;
        let caller = self.identify_by(request, &told.keys)?;
        self.rates.admit(&caller.sender, left)?;
        self.rates.charge(&caller.sender, told.batch.drafts.len().saturating_sub(1), left)?;
        let single = told.batch.single;
        let stamped = self.stamp_foreign(request, &caller, route, told);
        let fates = produce(&self.events, &traceparent(request), stamped).await;
        Ok(Taken { fates, single })
    }

    /// Where the request comes from, and for whom it speaks. A write key under the name of the product's own names the tenant;
    /// a secret key there makes a server of it. What is no key of ours is one of that product's, and says nothing; but where a
    /// write key is required.
    fn identify_by(&self, request: &Request, shown: &[String]) -> Result<Caller, Refusal> {
        let (keys, now_ms) = (self.keys.now(), clock::now_ms());
        let address = self.trust().client(request.peer.ip(), &request.headers);
        let shown = || request.write_key().into_iter().chain(shown.iter().map(String::as_str));
        let of = |scope| shown().find_map(|key| keys.identify(key, scope, now_ms).ok());
        let sender = match (of(Scope::Write), of(Scope::Events)) {
            (None, Some(server)) => Sender { address: None, key: Some(server) },
            (None, None) if self.config.require_write_key => {
                let key = keys.identify_client(shown().next(), true, now_ms)?;
                Sender { address: Some(address.into()), key }
            }
            (client, _) => Sender { address: Some(address.into()), key: client },
        };
        Ok(Caller { address, sender, needs_key: self.config.require_write_key, keys })
    }

    fn stamp_foreign(
        &self,
        request: &Request,
        caller: &Caller,
        route: Route,
        told: Told<'_>,
    ) -> Vec<Result<Event, Refusal>> {
        let Told { batch: Batch { mut drafts, .. }, voice, opts_out, .. } = told;
        let kind = if caller.sender.address.is_none() { Kind::Server } else { Kind::Client };
        let context = self.context(request, caller, route);
        let context = Context { kind, opt_out: context.opt_out || opts_out, ..context };
        inlet::name_events(&mut drafts, context.tenant.unwrap_or_default());
        let cookies = if voice == Voice::Own { cookies(request) } else { Draft::new() };
        let one = |draft: Draft<'_>| {
            let mut whole = cookies.clone();
            whole.overlay(draft);
            let person = Person::take(&mut whole);
            stamp::event(whole, &person.over(&context, voice))
        };
        drafts.into_iter().map(|draft| one(draft?)).collect()
    }
}
