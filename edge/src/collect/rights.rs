//! The stories of what persons may ask for: a consent that is given or withdrawn, an erasure. Verbs of the other stories.

use super::{Beside, Collector, Route, format, produce};
use crate::{
    admit::{Left, public},
    agree,
    answer::{self, Denied, Said, Taken},
    decode::{self, Batch},
    draft::Draft,
    forget,
    keep::Keep,
    metrics, reason,
    request::{Incoming, Request},
};
use tracker_stream::{clock, fault::Refusal};

impl<K: Keep> Collector<K> {
    /// Takes a consent.
    pub async fn agree(&self, request: &Request, incoming: Incoming) -> Said {
        let mut beside = Beside::default();
        let taken = self.take_agreement(request, incoming, &mut beside.left).await;
        self.count(Route::Agree, &taken);
        let outcome = taken.and_then(|taken| answer::events(taken, Route::Agree));
        Said { outcome, headers: beside.headers() }
    }

    async fn take_agreement(
        &self,
        request: &Request,
        incoming: Incoming,
        left: &mut Option<Left>,
    ) -> Result<Taken, Denied> {
        self.has_room(Route::Agree)?;
        let mut caller = self.identify(request, Route::Agree)?;
        self.rates.admit(&caller.sender, left)?;
        let body = self.read(request, incoming, Route::Agree).await?;
        let mut batch = self.decode(request, body.as_ref())?;
        self.recognise(&mut caller, request, &mut batch, left)?;
        let draft = one(batch)?;
        let agreement = agree::agreement(draft, &self.context(request, &caller, Route::Agree));
        let fates = produce(&self.agreements, request, vec![agreement]).await;
        Ok(Taken { fates, single: true })
    }

    /// Takes a request for an erasure.
    pub async fn forget(&self, request: &Request, incoming: Incoming) -> Said {
        let taken = self.take_erasures(request, incoming).await;
        self.count(Route::Forget, &taken);
        Said::only(taken.and_then(answer::erasures))
    }

    /// Cookies are not read: a server speaks for somebody else.
    async fn take_erasures(&self, request: &Request, incoming: Incoming) -> Result<Taken, Denied> {
        self.has_room(Route::Forget)?;
        let caller = self.identify(request, Route::Forget)?;
        let body = self.read(request, incoming, Route::Forget).await?;
        let limits = &self.config.limits;
        let mut draft = decode::url(&request.pairs, &request.query, limits)?;
        if let Some(body) = &body {
            draft.overlay(one(decode::body(body.bytes(), format(request), limits)?)?);
        }
        draft.take(public::FIELD);
        let erasures = forget::erasures(draft, &self.context(request, &caller, Route::Forget))?;
        let fates = produce(&self.erasures, request, erasures.into_iter().map(Ok).collect()).await;
        Ok(Taken { fates, single: false })
    }

    fn count(&self, route: Route, taken: &Result<Taken, Denied>) {
        metrics::taken(route.name(), taken);
        self.books.taken(route, taken, clock::now_ms());
    }
}

/// The draft of a body that is one object.
fn one(batch: Batch<'_>) -> Result<Draft<'_>, Refusal> {
    if !batch.single {
        return Err(reason::NOT_AN_OBJECT.refuse("send one JSON object"));
    }
    batch.drafts.into_iter().next().unwrap_or_else(|| Ok(Draft::new()))
}
