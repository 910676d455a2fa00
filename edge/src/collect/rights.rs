//! The stories of what persons may ask for: a consent that is given or withdrawn, an erasure. Verbs of the other stories.

use super::{Beside, Collector, Route, format, produce, traceparent};
use crate::{
    admit::{Left, public},
    agree,
    answer::{self, Denied, Said, Taken},
    decode, forget,
    keep::Keep,
    micro::Seen,
    request::{Incoming, Request},
};

/// What to send instead of a list.
const ONE: &str = "send one JSON object";

impl<K: Keep> Collector<K> {
    /// Takes a consent.
    pub async fn agree(&self, request: &Request, incoming: Incoming) -> Said {
        let (mut beside, mut seen) = (Beside::default(), self.seen());
        let taken = self.take_agreement(request, incoming, &mut seen, &mut beside.left).await;
        self.ended(request, Route::Agree, &seen, &taken);
        let outcome = taken.and_then(|taken| answer::events(taken, Route::Agree));
        Said { outcome, headers: beside.headers() }
    }

    async fn take_agreement(
        &self,
        request: &Request,
        incoming: Incoming,
        seen: &mut Seen,
        left: &mut Option<Left>,
    ) -> Result<Taken, Denied> {
        self.has_room(Route::Agree)?;
        let mut caller = self.identify(request, Route::Agree)?;
        self.rates.admit(&caller.sender, left)?;
        let body = self.read(request, incoming, Route::Agree, seen).await?;
        let mut batch = self.decode(request, body.as_ref())?;
        self.recognise(&mut caller, request, &mut batch, left)?;
        let draft = batch.one(ONE)?;
        let agreement = agree::agreement(draft, &self.context(request, &caller, Route::Agree));
        let fates = produce(&self.agreements, &traceparent(request), vec![agreement]).await;
        Ok(Taken { fates, single: true })
    }

    /// Takes a request for an erasure.
    pub async fn forget(&self, request: &Request, incoming: Incoming) -> Said {
        let mut seen = self.seen();
        let taken = self.take_erasures(request, incoming, &mut seen).await;
        self.ended(request, Route::Forget, &seen, &taken);
        Said::only(taken.and_then(answer::erasures))
    }

    /// Cookies are not read: a server speaks for somebody else.
    async fn take_erasures(
        &self,
        request: &Request,
        incoming: Incoming,
        seen: &mut Seen,
    ) -> Result<Taken, Denied> {
        self.has_room(Route::Forget)?;
        let caller = self.identify(request, Route::Forget)?;
        let body = self.read(request, incoming, Route::Forget, seen).await?;
        let limits = &self.config.limits;
        let mut draft = decode::url(&request.pairs, &request.query, limits)?;
        if let Some(body) = &body {
            draft.overlay(decode::body(body.bytes(), format(request), limits)?.one(ONE)?);
        }
        draft.take(public::FIELD);
        let erasures = forget::erasures(draft, &self.context(request, &caller, Route::Forget))?;
        let fates =
            produce(&self.erasures, &traceparent(request), erasures.into_iter().map(Ok).collect()).await;
        Ok(Taken { fates, single: false })
    }
}
