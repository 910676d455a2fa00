//! How a request ended: counted, and told to whoever looks on. Where nobody does, that costs a look at one field.

use super::{Collector, Route, passing::Passing};
use crate::{
    answer::{Denied, Ended, Taken},
    keep::Keep,
    metrics,
    micro::{Seen, refused::Asked},
    request::Request,
};
use tracker_schemas::Timestamp;
use tracker_stream::clock;

impl<K: Keep> Collector<K> {
    /// Where a body is noted, if somebody looks on.
    pub(super) fn seen(&self) -> Seen {
        if self.micro.is_some() { Seen::wanted() } else { Seen::default() }
    }

    /// Counts it, and tells it.
    pub(super) fn ended(&self, request: &Request, route: Route, seen: &Seen, taken: &Result<Taken, Denied>) {
        self.count(route, taken);
        if let Some(store) = &self.micro {
            store.note(&Asked { request, route, seen, at: Timestamp(clock::now_ms()) }, taken);
        }
    }

    /// Tells what was refused of a visitor's event. It is counted later, when the request is not there any more.
    pub(super) fn refused(&self, request: &Request, route: Route, passing: &Passing) {
        let Some(store) = &self.micro else { return };
        let refused = match passing {
            Ok(stamped) => {
                let refusals = stamped.iter().filter_map(|one| one.as_ref().err());
                Ok(Taken { fates: refusals.cloned().map(Ended::Refused).collect(), single: true })
            }
            Err(denied) => Err(denied.clone()),
        };
        let (seen, at) = (Seen::default(), Timestamp(clock::now_ms()));
        store.note(&Asked { request, route, seen: &seen, at }, &refused);
    }

    /// In the metrics, and in the books.
    pub(super) fn count(&self, route: Route, taken: &Result<Taken, Denied>) {
        metrics::taken(route.name(), taken);
        self.books.taken(route, taken, clock::now_ms());
    }
}
