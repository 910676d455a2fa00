//! The consents of a visitor, for who knows the visitor's id: it is as good as a key, for nobody else is told it.

use super::{reply, routes::Edge};
use crate::{
    admit::Sender,
    answer::{Denied, Said},
    decode,
    keep::Keep,
    reason,
    request::Request,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use uuid::Uuid;
use warp::reply::{Reply, Response};

/// Tells them, newest first. Counts against the address as if something were recorded: it makes work for the database.
pub(super) async fn told<K: Keep>(edge: &Edge<K>, request: &Request) -> Response {
    let collector = &edge.collector;
    let address = collector.config.trust.client(request.peer.ip(), &request.headers);
    let (mut left, mut headers) = (None, HeaderMap::new());
    let sender = Sender { address: Some(address.into()), key: None };
    let admitted = collector.rates.admit(&sender, &mut left).map_err(Denied::from);
    left.iter().for_each(|left| left.tell(&mut headers));
    let vid = match admitted.and_then(|()| Ok(visitor(request, &collector.config.limits)?)) {
        Ok(vid) => vid,
        Err(denied) => return reply::outcome(Said { outcome: Err(denied), headers }),
    };
    match edge.loader.agreements(vid).await {
        Ok(json) => {
            let mut response = warp::reply::with_status(json, StatusCode::OK).into_response();
            response.headers_mut().extend(headers);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(fault) => {
            tracing::warn!(%fault, "consents could not be looked up");
            reply::unanswered(&fault)
        }
    }
}

/// Who is asked for. Not by the cookie: a page that forgets to say would be told of whoever looks at it.
fn visitor(request: &Request, limits: &decode::Limits) -> Result<Uuid, tracker_stream::fault::Refusal> {
    let mut draft = decode::url(&request.pairs, &request.query, limits)?;
    draft.uuid("vid")?.ok_or_else(|| reason::MISSING_VISITOR.refuse("say whose consents: ?vid=, a UUID"))
}
