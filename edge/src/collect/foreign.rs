//! The story of a request in another product's format: read, decode, identify, admit, charge, stamp, produce, answer. The
//! key stands in the body there, so that is read before anybody is admitted; its bounds hold for all.

use super::{Beside, Caller, Collector, cookies, produce, traceparent};
use crate::{
    admit::{
        Left, Sender,
        foreign::{self, Speaker},
    },
    answer::{self, Denied, Said, Taken},
    collect::Route,
    config::BodyLimits,
    decode::{Batch, Format},
    draft::Draft,
    http::body::{Body, Caps},
    inlet::{self, Inlet, Person, Posted, Told, Voice},
    keep::Keep,
    micro::Seen,
    request::{Incoming, Request},
    stamp::{self, Context},
};
use tracker_schemas::{Event, Kind, Timestamp};
use tracker_stream::{clock, fault::Refusal};

impl<K: Keep> Collector<K> {
    /// Takes events in another product's format.
    pub async fn foreign(&self, request: &Request, incoming: Incoming, inlet: Inlet) -> Said {
        let route = Route::Inlet(inlet);
        let (mut beside, mut seen) = (Beside::default(), self.seen());
        let taken = self.take_foreign((request, incoming), inlet, &mut seen, &mut beside.left).await;
        self.ended(request, route, &seen, &taken);
        Said { outcome: taken.and_then(|taken| answer::foreign(taken, inlet)), headers: beside.headers() }
    }

    async fn take_foreign(
        &self,
        (request, incoming): (&Request, Incoming),
        inlet: Inlet,
        seen: &mut Seen,
        left: &mut Option<Left>,
    ) -> Result<Taken, Denied> {
        let route = Route::Inlet(inlet);
        self.has_room(route)?;
        // One that holds many events is an object too: it may be as long as a list.
        let limits = BodyLimits { single: self.config.body.batch, ..self.config.body };
        let caps = Caps { limits: &limits, format: Format::Json };
        let body = self.read_within(&caps, request, incoming, route).await?;
        let body = body.as_ref().map_or(&[][..], Body::bytes);
        seen.note(body);
        let body = inlet.unwrap(body)?;
        seen.note(&body);
        let limits = &self.config.limits;
        let received_at = Timestamp(clock::now_ms());
        let mut told = inlet.decode(&Posted { request, body: &body, limits, received_at })?;
        let caller = self.identify_by(request, &told, left)?;
        inlet.forget_keys(&mut told.batch.drafts, |name| caller.keys.knows(name));
        self.rates.admit(&caller.sender, left)?;
        self.rates.charge(&caller.sender, told.batch.drafts.len().saturating_sub(1), left)?;
        let single = told.batch.single;
        let stamped = self.stamp_foreign(request, &caller, route, told);
        let fates = produce(&self.events, &traceparent(request), stamped).await;
        Ok(Taken { fates, single })
    }

    /// Where the request comes from, and for whom it speaks.
    fn identify_by(
        &self,
        request: &Request,
        told: &Told<'_>,
        left: &mut Option<Left>,
    ) -> Result<Caller, Denied> {
        let keys = self.keys.now();
        let address = self.trust().client(request.peer.ip(), &request.headers);
        let shown = request.write_key().into_iter().chain(told.keys.iter().map(String::as_str));
        let needs_key = self.config.require_write_key;
        let sender = match foreign::identify(&keys, shown, needs_key, clock::now_ms()) {
            Ok(Speaker::Server(known)) => Sender { address: None, key: Some(known) },
            Ok(Speaker::Client(key)) => Sender { address: Some(address.into()), key },
            Err(refusal) => {
                // Who guesses keys is counted too.
                self.rates.admit(&Sender { address: Some(address.into()), key: None }, left)?;
                return Err(refusal.into());
            }
        };
        Ok(Caller { address, sender, needs_key, keys })
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
