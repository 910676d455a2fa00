//! The story of a request that records something: address, identify, admit, read, decode, charge, stamp, visit, produce,
//! answer. One verb a line; what each does stands in its own file, and is pure where it can be.

mod foreign;

use crate::{
    address::Trust,
    admit::{Keys, Left, Loaded, Rates, Sender, public},
    answer::{self, Denied, Ended, Said, Taken},
    budget::{Budget, Share},
    config::{EdgeConfig, VisitConfig},
    decode::{self, Batch, Format},
    draft::Draft,
    frame::{self, Message},
    http::body::{self, Body, Caps},
    inlet::Inlet,
    keep::{Keep, Stamped, Writer},
    ledger::Books,
    micro::{Seen, Store},
    reason,
    request::{Incoming, Request},
    stamp::{self, Context},
    visit::{self, Brought, Jar, Visit},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::{net::IpAddr, sync::Arc};
use tracker_geo::{Geo, network};
use tracker_schemas::{Agreement, Erasure, Event, Kind, Payment, Record as _, Timestamp};
use tracker_stream::{
    clock,
    envelope::TRACEPARENT,
    fault::{Fault, Refusal},
    keys::Scope,
    telemetry::trace,
};
use uuid::Uuid;

mod passing;
mod payments;
mod rights;
mod witness;

/// A route that records something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Events of browsers and apps.
    Client,
    /// The same, from where only an image can be loaded.
    Pixel,
    /// Events of browsers and apps, over a connection that stays.
    Socket,
    /// Events of servers.
    Server,
    /// Payments, of servers.
    Payments,
    /// A consent, of browsers and apps.
    Agree,
    /// Whose data are to be erased, of servers.
    Forget,
    /// Events in the format of another product.
    Inlet(Inlet),
    /// Visitors who are sent on.
    Redirect,
    /// The same, with cookies.
    CookieRedirect,
    /// Visitors who follow a short link.
    ShortLink,
}

impl Route {
    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "tr",
            Self::Pixel => "img",
            Self::Socket => "ws",
            Self::Server => "str",
            Self::Payments => "ltv",
            Self::Agree => "agree",
            Self::Forget => "forget",
            Self::Inlet(inlet) => inlet.name(),
            Self::Redirect => "rdr",
            Self::CookieRedirect => "xrdr",
            Self::ShortLink => "short_rdr",
        }
    }

    /// Topic of what it takes, without the prefix.
    pub(crate) const fn topic(self) -> &'static str {
        match self {
            Self::Client | Self::Pixel | Self::Socket | Self::Server | Self::Inlet(_) => Event::TOPIC.name(),
            Self::Redirect | Self::CookieRedirect | Self::ShortLink => Event::TOPIC.name(),
            Self::Payments => Payment::TOPIC.name(),
            Self::Agree => Agreement::TOPIC.name(),
            Self::Forget => Erasure::TOPIC.name(),
        }
    }

    /// Whether browsers call it, and keep what it says of the visitor.
    const fn sets_cookies(self) -> bool {
        matches!(self, Self::Client | Self::Pixel | Self::CookieRedirect | Self::ShortLink)
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Client | Self::Pixel | Self::Socket | Self::Agree | Self::Inlet(_) => Kind::Client,
            Self::Redirect | Self::CookieRedirect | Self::ShortLink => Kind::Client,
            Self::Server | Self::Payments | Self::Forget => Kind::Server,
        }
    }

    /// What a key must be good for.
    const fn scope(self) -> Scope {
        match self {
            Self::Client | Self::Pixel | Self::Socket | Self::Agree | Self::Inlet(_) => Scope::Write,
            Self::Redirect | Self::CookieRedirect | Self::ShortLink => Scope::Write,
            Self::Server => Scope::Events,
            Self::Payments => Scope::Payments,
            Self::Forget => Scope::Forget,
        }
    }

    /// Whose room its bodies take.
    const fn share(self) -> Share {
        match self {
            Self::Client | Self::Pixel | Self::Socket | Self::Agree | Self::Inlet(_) => Share::Client,
            Self::Redirect | Self::CookieRedirect | Self::ShortLink => Share::Client,
            Self::Server | Self::Forget => Share::Server,
            Self::Payments => Share::Payment,
        }
    }
}

/// What every request needs.
pub struct Collector<K> {
    /// What the edge was told.
    pub config: EdgeConfig,
    /// The keys.
    pub keys: Keys,
    /// The rate limits.
    pub rates: Rates,
    /// The memory for bodies.
    pub budget: Budget,
    /// What is known of visitors, and kept in their browsers.
    pub visits: VisitConfig,
    /// Where they are.
    pub geo: Arc<Geo>,
    /// Where events go.
    pub events: Writer<K, Event>,
    /// Where payments go: a way of their own, so that no flood of events delays them.
    pub payments: Writer<K, Payment>,
    /// Where consents go.
    pub agreements: Writer<K, Agreement>,
    /// Where it is kept whose data are to be erased.
    pub erasures: Writer<K, Erasure>,
    /// What was answered, counted.
    pub books: Arc<Books>,
    /// Who looks at what is refused: of an edge without a broker. `None`: nobody.
    pub micro: Option<Arc<Store>>,
}

/// Who asks.
struct Caller {
    address: IpAddr,
    /// By what it is counted; also the key that it has shown.
    sender: Sender,
    /// The keys as they were when the request came.
    keys: Arc<Loaded>,
    /// A client is refused that shows no key.
    needs_key: bool,
}

/// What is said beside an answer.
#[derive(Default)]
struct Beside {
    /// Cookies, and what keeps them out of caches.
    cookies: HeaderMap,
    /// What is left of the sender's rate.
    left: Option<Left>,
}

impl Beside {
    fn headers(self) -> HeaderMap {
        let Self { cookies: mut headers, left } = self;
        left.iter().for_each(|left| left.tell(&mut headers));
        headers
    }
}

impl<K: Keep> Collector<K> {
    /// Takes events.
    pub async fn events(&self, request: &Request, incoming: Incoming, route: Route) -> Said {
        let (mut beside, mut seen) = (Beside::default(), self.seen());
        let taken = match self.has_room(route) {
            Ok(()) => {
                // On the heap: it is handed on three times, and each would have its room.
                let body = Box::pin(self.read(request, incoming, route, &mut seen));
                self.take_events(request, route, body, &mut beside).await
            }
            Err(full) => Err(full.into()),
        };
        self.ended(request, route, &seen, &taken);
        Said { outcome: taken.and_then(|taken| answer::events(taken, route)), headers: beside.headers() }
    }

    /// Takes the events of one message of a WebSocket. What its handshake says lies under each of them.
    pub async fn message(
        &self,
        handshake: &Request,
        message: Result<Message, Denied>,
    ) -> Result<Taken, Denied> {
        let mut seen = self.seen();
        let text = async {
            let text = frame::text(message?, self.config.socket.frame, &self.config.body)?;
            seen.note(text.bytes());
            Ok(Some(text))
        };
        let mut unsaid = Beside::default(); // a message has no answer that could carry it
        let taken = self.take_events(handshake, Route::Socket, text, &mut unsaid).await;
        self.ended(handshake, Route::Socket, &seen, &taken);
        taken
    }

    /// Whether one who asks so may come in at all.
    ///
    /// # Errors
    /// A key that is wrong, or missing where only the head could show it.
    pub fn welcome(&self, request: &Request, route: Route) -> Result<(), Refusal> {
        let Caller { keys, sender, .. } = self.identify(request, route)?;
        if let (Some(shown), None) = (request.write_key(), sender.key) {
            keys.identify_client(Some(shown), self.config.require_write_key, clock::now_ms())?;
        }
        Ok(())
    }

    /// `beside` becomes what is said beside the answer, whatever that is.
    async fn take_events(
        &self,
        request: &Request,
        route: Route,
        body: impl Future<Output = Result<Option<Body>, Denied>>,
        beside: &mut Beside,
    ) -> Result<Taken, Denied> {
        let (stamped, single, held) = self.stamped(request, route, body, beside).await?;
        let fates = produce(&self.events, &traceparent(request), stamped).await;
        drop(held); // what is not safe yet is in flight, and counts
        Ok(Taken { fates, single })
    }

    /// The events of a request, whether it is about one, and the body that they came in; `beside` gets what stands beside the
    /// answer.
    async fn stamped(
        &self,
        request: &Request,
        route: Route,
        body: impl Future<Output = Result<Option<Body>, Denied>>,
        beside: &mut Beside,
    ) -> Result<(Vec<Result<Event, Refusal>>, bool, Option<Body>), Denied> {
        let mut caller = self.identify(request, route)?;
        self.rates.admit(&caller.sender, &mut beside.left)?;
        let body = body.await?;
        let mut batch = self.decode(request, body.as_ref())?;
        self.recognise(&mut caller, request, &mut batch, &mut beside.left)?;
        self.rates.charge(&caller.sender, batch.drafts.len().saturating_sub(1), &mut beside.left)?;
        let single = batch.single;
        let mut stamped = self.stamp(request, &caller, route, batch);
        if route.sets_cookies() {
            self.visit(request, &caller, &mut stamped, &mut beside.cookies);
        }
        Ok((stamped, single, body))
    }

    /// Asked first, and before anything is read: what is refused for want of room must cost least of all.
    fn has_room(&self, route: Route) -> Result<(), Fault> {
        self.budget.check(route.share(), 1)
    }

    /// Where the request comes from, and for whom it speaks, as far as its head says.
    fn identify(&self, request: &Request, route: Route) -> Result<Caller, Refusal> {
        let keys = self.keys.now();
        let address = self.trust().client(request.peer.ip(), &request.headers);
        let now_ms = clock::now_ms();
        let sender = match route.kind() {
            // A key that is missing or wrong is refused when the address was counted, and the body is known.
            Kind::Client => {
                let key = keys.identify_client(request.write_key(), false, now_ms);
                Sender { address: Some(address.into()), key: key.ok().flatten() }
            }
            // Servers that have shown a key speak for many visitors: their address is not counted.
            Kind::Server => {
                let mend = "send `Authorization: Bearer <secret key>`";
                let secret = request.secret().ok_or_else(|| reason::MISSING_KEY.refuse(mend))?;
                Sender { address: None, key: Some(keys.identify(secret, route.scope(), now_ms)?) }
            }
        };
        // Who made a short link has shown a key.
        let needs_key = self.config.require_write_key && route != Route::ShortLink;
        Ok(Caller { address, sender, needs_key, keys })
    }

    /// For whom it speaks, as far as its events say: a public key may stand in any of them. None of them keeps it.
    fn recognise<'a>(
        &self,
        caller: &mut Caller,
        request: &'a Request,
        batch: &mut Batch<'a>,
        left: &mut Option<Left>,
    ) -> Result<(), Denied> {
        let shown = public::take(request.write_key(), batch);
        let Sender { address: Some(_), key: None } = caller.sender else { return Ok(()) };
        let found = caller.keys.identify_client(shown.as_deref(), caller.needs_key, clock::now_ms());
        caller.sender.key = found?;
        let found = Sender { address: None, key: caller.sender.key }; // its address was counted before
        Ok(self.rates.admit(&found, left)?)
    }

    /// The body. An empty one whose address says something is none.
    async fn read(
        &self,
        request: &Request,
        incoming: Incoming,
        route: Route,
        seen: &mut Seen,
    ) -> Result<Option<Body>, Denied> {
        let caps = Caps { limits: &self.config.body, format: format(request) };
        let body = self.read_within(&caps, request, incoming, route).await?;
        seen.note(body.as_ref().map_or(&[], Body::bytes));
        Ok(body.filter(|body| !body.is_empty() || !request.has_fields()))
    }

    /// The body, where the method has one, within other caps than Tracker's own formats have.
    async fn read_within(
        &self,
        caps: &Caps<'_>,
        request: &Request,
        incoming: Incoming,
        route: Route,
    ) -> Result<Option<Body>, Denied> {
        if request.method != Method::POST {
            return Ok(None);
        }
        Ok(Some(body::capped(incoming, &request.headers, caps, self.budget.hold(route.share())).await?))
    }

    /// The drafts: cookies, under the address, under the body.
    fn decode<'a>(&self, request: &'a Request, body: Option<&'a Body>) -> Result<Batch<'a>, Refusal> {
        let limits = &self.config.limits;
        let mut common = cookies(request);
        common.overlay(decode::url(&request.pairs, &request.query, limits)?);
        let Some(body) = body else { return Ok(Batch { drafts: vec![Ok(common)], single: true }) };
        let mut batch = decode::body(body.bytes(), format(request), limits)?;
        // Each event has its copy: a short body of many must not become more than a long one could be.
        if common.bytes().saturating_mul(batch.drafts.len()) > self.config.body.batch {
            let detail = "what the address and the cookies say is too long for so many events";
            return Err(reason::EVENT_TOO_LARGE.refuse(detail));
        }
        for draft in batch.drafts.iter_mut().flatten() {
            let own = std::mem::replace(draft, common.clone());
            draft.overlay(own);
        }
        Ok(batch)
    }

    fn stamp(
        &self,
        request: &Request,
        caller: &Caller,
        route: Route,
        batch: Batch<'_>,
    ) -> Vec<Result<Event, Refusal>> {
        let context = self.context(request, caller, route);
        batch.drafts.into_iter().map(|draft| stamp::event(draft?, &context)).collect()
    }

    /// Gives the visitor's ids to events that have none, and the cookies to whom will keep them.
    fn visit(
        &self,
        request: &Request,
        caller: &Caller,
        events: &mut [Result<Event, Refusal>],
        headers: &mut HeaderMap,
    ) {
        let VisitConfig { same_site, defaults, network_only, .. } = &self.visits;
        let peer = request.peer.ip();
        let host = self.trust().host(peer, &request.headers);
        if !visit::would_keep(&request.headers, host, &self.config.origins, *same_site) {
            return;
        }
        let scheme = self.trust().scheme(peer, request.scheme, &request.headers);
        let address = if *network_only { network(caller.address) } else { caller.address };
        let visit = Visit {
            jar: Jar::of(host, scheme, *same_site),
            brought: Brought { vid: request.has_cookie("vid"), sid: request.has_cookie("sid") },
            defaults,
            country: &|| self.geo.find(address).country,
            new_id: &Uuid::now_v7,
        };
        for cookie in visit::settle(events, &visit) {
            headers.append(header::SET_COOKIE, cookie);
            // No cache may hand one visitor's ids to another.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }

    fn context<'a>(&'a self, request: &'a Request, caller: &'a Caller, route: Route) -> Context<'a> {
        Context {
            received_at: Timestamp(clock::now_ms()),
            kind: route.kind(),
            ip: Some(caller.address),
            host: self.trust().host(request.peer.ip(), &request.headers),
            user_agent: request.header(header::USER_AGENT),
            accept_language: request.header(header::ACCEPT_LANGUAGE),
            referer: request.header(header::REFERER),
            opt_out: request.opts_out(),
            node: &self.config.node,
            hash_key: &caller.keys.hash_key,
            anonymize: self.config.anonymize,
            tenant: caller.sender.key.and_then(|key| key.tenant),
            new_id: &Uuid::now_v7,
        }
    }

    const fn trust(&self) -> &Trust {
        &self.config.trust
    }
}

/// What all cookies of a request say of its events.
fn cookies(request: &Request) -> Draft<'_> {
    let mut all = Draft::new();
    request.cookies().for_each(|line| all.overlay(decode::cookies(line)));
    all
}

fn format(request: &Request) -> Format {
    Format::of(request.header(header::CONTENT_TYPE))
}

/// Makes what was accepted safe; each has its fate then, in the order in which it came.
async fn produce<K: Keep, R: Stamped>(
    writer: &Writer<K, R>,
    traceparent: &str,
    stamped: Vec<Result<R, Refusal>>,
) -> Vec<Ended> {
    let written = writer.write(&stamped, traceparent);
    let mut refused: Vec<Option<Refusal>> = stamped.into_iter().map(Result::err).collect();
    refused.shrink_to_fit(); // collected in the room of the records, of 2 KB each, which would be held while this waits
    let mut verdicts = written.await.into_iter();
    let fate = |refusal: Option<Refusal>| match refusal {
        Some(refusal) => Some(Ended::Refused(refusal)),
        None => verdicts.next().map(|verdict| verdict.map_or_else(Ended::Unkept, Ended::Kept)),
    };
    refused.into_iter().filter_map(fate).collect()
}

/// The trace goes on in every record of the request.
pub(crate) fn traceparent(request: &Request) -> String {
    let span = Uuid::new_v4().as_u64_pair().1;
    trace::traceparent(request.header(HeaderName::from_static(TRACEPARENT)), Uuid::new_v4().as_u128(), span)
}
