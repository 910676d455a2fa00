//! The event of a visitor who is sent on: what the answer needs of it at once, the rest while the visitor is on the way.

use super::{Beside, Collector, Route, produce};
use crate::{
    answer::{Denied, Taken},
    keep::Keep,
    request::Request,
};
use http::HeaderMap;
use std::future;
use tracker_schemas::Event;
use tracker_stream::fault::Refusal;

/// The event, not safe yet; or why there is none.
pub(crate) type Passing = Result<Vec<Result<Event, Refusal>>, Denied>;

impl<K: Keep> Collector<K> {
    /// The event, up to where it would be made safe; `headers` gets the visitor's cookies. Waits for nothing.
    pub(crate) async fn passing(&self, request: &Request, route: Route, headers: &mut HeaderMap) -> Passing {
        let mut beside = Beside::default();
        let stamped = self.stamped(request, route, future::ready(Ok(None)), &mut beside).await;
        headers.extend(beside.headers());
        let passing = stamped.map(|(stamped, ..)| stamped);
        self.refused(request, route, &passing);
        passing
    }

    /// Makes it safe, and counts how it ended.
    pub(crate) async fn passed(&self, traceparent: &str, route: Route, passing: Passing) {
        let taken = match passing {
            Ok(stamped) => {
                Ok(Taken { fates: produce(&self.events, traceparent, stamped).await, single: true })
            }
            Err(denied) => Err(denied),
        };
        self.count(route, &taken);
    }
}
