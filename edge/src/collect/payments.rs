//! The story of payments, all of a request or none: the verbs of the other stories, and the line items of a body.

use super::{Caller, Collector, Route, produce, traceparent};
use crate::{
    admit::public,
    answer::{self, Denied, Receipt, Said, Taken},
    decode::{self, Format, Limits},
    http::body::Body,
    keep::Keep,
    micro::Seen,
    payment,
    request::{Incoming, Request},
};
use http::HeaderName;
use tracker_schemas::Payment;
use tracker_stream::fault::Refusal;

impl<K: Keep> Collector<K> {
    /// Takes payments.
    pub async fn payments(&self, request: &Request, incoming: Incoming) -> Said {
        let mut seen = self.seen();
        let taken = self.take_payments(request, incoming, &mut seen).await;
        self.ended(request, Route::Payments, &seen, &taken);
        let receipt = if request.asks("receipt=1") { Receipt::Wanted } else { Receipt::Unwanted };
        Said::only(taken.and_then(|taken| answer::payments(taken, receipt)))
    }

    async fn take_payments(
        &self,
        request: &Request,
        incoming: Incoming,
        seen: &mut Seen,
    ) -> Result<Taken, Denied> {
        self.has_room(Route::Payments)?;
        let caller = self.identify(request, Route::Payments)?;
        let body = self.read(request, incoming, Route::Payments, seen).await?;
        let items = self.items(request, &caller, body.as_ref())?;
        if let Some(wrong) = Denied::of_items(&items) {
            return Err(wrong);
        }
        let fates = produce(&self.payments, &traceparent(request), items).await;
        Ok(Taken { fates, single: false })
    }

    /// The line items of a body, which is one object: a list of bodies could not share one idempotency key. What the
    /// query says lies under it, but for `receipt`, which asks; cookies are not read: payments come from servers.
    fn items(
        &self,
        request: &Request,
        caller: &Caller,
        body: Option<&Body>,
    ) -> Result<Vec<Result<Payment, Refusal>>, Refusal> {
        // An object with all its line items may be as long as a body: an event's bound is for one item.
        let limits = Limits { event_bytes: self.config.body.single, ..self.config.limits };
        let batch = decode::body(body.map_or(&[], Body::bytes), Format::Json, &limits)?;
        let said = batch.one("send one object, with its line items in `payments`")?;
        let mut draft = decode::url(&request.pairs, &request.query, &limits)?;
        draft.take("receipt");
        draft.overlay(said);
        draft.take(public::FIELD);
        let key = request.header(HeaderName::from_static("idempotency-key"));
        payment::payments(draft, key, &self.config.limits, &self.context(request, caller, Route::Payments))
    }
}
