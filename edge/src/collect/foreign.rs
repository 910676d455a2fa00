//! The story of a request in another product's format: read, decode, identify, admit, charge, stamp, produce, answer. The
//! key stands in the body there, so that is read before anybody is admitted; its bounds hold for all.

use super::{Caller, Collector, produce};
use crate::{
    answer::{self, Denied, Said, Taken},
    collect::Route,
    config::BodyLimits,
    decode::{self, Batch, Format},
    draft::Draft,
    http::body::{self, Body, Caps},
    inlet::{self, Inlet, Person, Posted, Told, Voice},
    keep::Keep,
    metrics,
    request::{Incoming, Request},
    stamp::{self, Context},
};
use http::Method;
use tracker_schemas::{Event, Kind, Timestamp};
use tracker_stream::{clock, fault::Refusal};

impl<K: Keep> Collector<K> {
    /// Takes events in another product's format.
    pub async fn foreign(&self, request: &Request, incoming: Incoming, inlet: Inlet) -> Said {
        let route = Route::Inlet(inlet);
        let taken = self.take_foreign(request, incoming, inlet).await;
        metrics::taken(route.name(), &taken);
        self.books.taken(route, &taken, clock::now_ms());
        Said::only(taken.and_then(|taken| answer::foreign(taken, inlet)))
    }

    async fn take_foreign(
        &self,
        request: &Request,
        incoming: Incoming,
        inlet: Inlet,
    ) -> Result<Taken, Denied> {
        let body = self.read_whole(request, incoming).await?;
        let body = inlet.unwrap(body.as_ref().map_or(&[], Body::bytes))?;
        let limits = &self.config.limits;
        let received_at = Timestamp(clock::now_ms());
        let told = inlet.decode(&Posted { request, body: &body, limits, received_at })?;
        let caller = self.identify_by(request, &told.keys);
        self.admit(&caller)?;
        self.charge(&caller, told.batch.drafts.len())?;
        let single = told.batch.single;
        let stamped = self.stamp_foreign(request, &caller, Route::Inlet(inlet), told);
        let fates = produce(&self.events, request, stamped).await;
        Ok(Taken { fates, single })
    }

    /// The body, where the method has one. One that holds many events is an object too: it may be as long as a list.
    async fn read_whole(&self, request: &Request, incoming: Incoming) -> Result<Option<Body>, Denied> {
        if request.method != Method::POST {
            return Ok(None);
        }
        let limits = BodyLimits { single: self.config.body.batch, ..self.config.body };
        let caps = Caps { limits: &limits, format: Format::Json };
        Ok(Some(body::capped(incoming, &request.headers, &caps, self.budget.hold()).await?))
    }

    /// Where the request comes from, and for whom it speaks: with a secret key under the name of the product's own, as a
    /// server of that key's tenant.
    fn identify_by(&self, request: &Request, shown: &[String]) -> Caller {
        let keys = self.keys.now();
        let known = shown.iter().find_map(|key| keys.identify(key));
        Caller { address: self.trust().client(request.peer.ip(), &request.headers), known, keys }
    }

    fn stamp_foreign(
        &self,
        request: &Request,
        caller: &Caller,
        route: Route,
        told: Told<'_>,
    ) -> Vec<Result<Event, Refusal>> {
        let Told { batch: Batch { mut drafts, .. }, voice, opts_out, .. } = told;
        let kind = if caller.known.is_some() { Kind::Server } else { Kind::Client };
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

fn cookies(request: &Request) -> Draft<'_> {
    let mut all = Draft::new();
    request.cookies().for_each(|line| all.overlay(decode::cookies(line)));
    all
}
