//! From warp to the table of [`endpoints`](super::endpoints) and back: takes a request apart, asks whoever answers at its
//! address, and lets the answer be read by whom it may.

#[cfg(test)]
mod tests;

use super::{
    agreements, cors,
    endpoints::{Act, Endpoint, LINK, MICRO, find},
    look, micro, onward,
    openapi::{DOCUMENT, DOCUMENT_OF_MICRO},
    place, reply, rpi, script,
    server::Connections,
    settings, socket,
};
use crate::{
    answer::Said,
    collect::{Collector, Route},
    keep::Keep,
    links::Redirects,
    loader::Loader,
    metrics, reason,
    request::{Incoming, Request, Scheme},
};
use bytes::Buf;
use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tracker_stream::{fault::Fault, telemetry::Health};
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    path::FullPath,
    reply::{Reply, Response},
};

/// What the routes need.
pub struct Edge<K> {
    /// Takes what is to be recorded.
    pub collector: Collector<K>,
    /// Sends visitors on.
    pub redirects: Redirects<K>,
    /// Which parts can do their work.
    pub health: Health,
    /// Whom to ask for what is in the tables.
    pub loader: Loader,
    /// Renders the metrics.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// The open connections.
    pub connections: Connections,
    /// Those of them that are WebSockets.
    pub sockets: Connections,
}

/// The other end of the connection: an extension of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// A request in its parts; the endpoint's beginning is still in the path.
struct Call {
    request: Request,
    sent: Sent,
}

/// What follows the head of a request.
struct Sent {
    incoming: Incoming,
    /// The connection itself, where the head asks to go on in another protocol.
    upgrade: Option<OnUpgrade>,
    /// The short link at this address, once it was looked for.
    lead: Option<onward::Lead>,
}

/// All routes.
pub fn routes<K: Keep>(edge: &Arc<Edge<K>>) -> BoxedFilter<(Response,)> {
    let edge = Arc::clone(edge);
    call().then(move |call| answer(Arc::clone(&edge), call)).boxed()
}

/// Takes a request apart. The body is a stream: nothing is read yet.
fn call() -> impl Filter<Extract = (Call,), Error = Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let headers = warp::header::headers_cloned();
    warp::ext::get::<Peer>()
        .and(warp::ext::optional::<Scheme>())
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(headers)
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::body::stream())
        .map(
            |peer: Peer,
             scheme: Option<Scheme>,
             method,
             path: FullPath,
             query,
             headers: HeaderMap,
             upgrade,
             body| {
                let pairs = path.as_str().to_owned();
                let scheme = scheme.unwrap_or(Scheme::Http);
                let request = Request { peer: peer.0, scheme, method, pairs, query, headers };
                Call { request, sent: Sent { incoming: Box::pin(chunks(body)), upgrade, lead: None } }
            },
        )
}

fn chunks<B: Buf>(
    body: impl futures::Stream<Item = Result<B, warp::Error>>,
) -> impl futures::Stream<Item = io::Result<bytes::Bytes>> {
    body.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())).map_err(io::Error::other))
}

async fn answer<K: Keep>(edge: Arc<Edge<K>>, mut call: Call) -> Response {
    let more = edge.collector.micro.as_ref().map_or(&[][..], |_| MICRO);
    let link = |sent: &mut Sent| {
        sent.lead = onward::link(&edge, &call.request);
        sent.lead.is_some().then_some((LINK, call.request.pairs.as_str()))
    };
    let found = find(&call.request.pairs, more).or_else(|| link(&mut call.sent));
    let Some((endpoint, tail)) = found else {
        let response = reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
        metrics::answered("unknown", response.status().as_u16(), Duration::ZERO);
        return response;
    };
    call.request.pairs = tail.to_owned();
    to_the_end(at(edge, endpoint, call)).await
}

/// A client that goes away ends its connection, not what it began: what the broker has by then is counted as
/// accepted, or the books would not close.
async fn to_the_end(answering: impl Future<Output = Response> + Send + 'static) -> Response {
    let answered = tokio::spawn(answering).await;
    answered.unwrap_or_else(|error| {
        reply::outcome(Said::only(Err(Fault::new("interrupted", error.to_string()).into())))
    })
}

async fn at<K: Keep>(edge: Arc<Edge<K>>, endpoint: &'static Endpoint, call: Call) -> Response {
    let started_at = Instant::now();
    let Call { request, sent } = call;
    let mut response = if request.method == Method::OPTIONS {
        allowing(StatusCode::NO_CONTENT.into_response(), endpoint)
    } else if endpoint.methods.contains(&request.method) {
        Box::pin(act(&edge, endpoint.act, &request, sent)).await
    } else {
        let detail = "this address takes the methods that Allow names";
        allowing(reply::refused(&reason::METHOD_NOT_ALLOWED.refuse(detail)), endpoint)
    };
    if let Some(origins) = endpoint.reach.origins(&edge.collector.config.origins) {
        cors::open(response.headers_mut(), origins, &request.headers);
        if request.method == Method::OPTIONS {
            cors::preflight(response.headers_mut(), endpoint.methods, endpoint.headers());
        }
    }
    metrics::answered(endpoint.name(), response.status().as_u16(), started_at.elapsed());
    response
}

fn allowing(mut response: Response, endpoint: &Endpoint) -> Response {
    response.headers_mut().insert(header::ALLOW, cors::list(endpoint.methods));
    response
}

fn document(is_micro: bool) -> Response {
    let document = if is_micro { &DOCUMENT_OF_MICRO } else { &DOCUMENT };
    warp::reply::with_header(document.as_str(), header::CONTENT_TYPE, "application/json").into_response()
}

/// A future has room for the largest thing that it may wait for, and is moved whole: what is rare and large stands on the
/// heap, so that an event does not carry its room.
async fn act<K: Keep>(edge: &Arc<Edge<K>>, act: Act, request: &Request, sent: Sent) -> Response {
    let collector = &edge.collector;
    let Sent { incoming, upgrade, lead } = sent;
    match act {
        Act::Agreements if request.method == Method::POST => {
            reply::outcome(Box::pin(collector.agree(request, incoming)).await)
        }
        Act::Agreements => Box::pin(agreements::told(edge, request)).await,
        Act::Record(Route::Forget) => reply::outcome(Box::pin(collector.forget(request, incoming)).await),
        Act::Record(Route::Payments) => reply::outcome(collector.payments(request, incoming).await),
        // Counted where it was decided; the image is the same.
        Act::Record(Route::Pixel) => {
            reply::pixel(collector.events(request, incoming, Route::Pixel).await.headers)
        }
        Act::Record(Route::Inlet(inlet)) => {
            reply::outcome(Box::pin(collector.foreign(request, incoming, inlet)).await)
        }
        Act::Record(route) => reply::outcome(collector.events(request, incoming, route).await),
        Act::Link => Box::pin(rpi::change(edge, request, incoming)).await,
        Act::Links => Box::pin(rpi::list(edge, request)).await,
        Act::Lead(route) => Box::pin(onward::lead(edge, request, route)).await,
        Act::Follow => Box::pin(onward::follow(edge, request, lead)).await,
        Act::Geoip => place::geoip(edge, request),
        Act::Jurisdictions => place::jurisdictions(),
        Act::Socket => socket::open(edge, request, upgrade),
        Act::Health => reply::text(StatusCode::OK, "ok\n".to_owned()),
        Act::Ping => reply::text(StatusCode::OK, "pong".to_owned()),
        Act::Ready => look::ready(edge),
        Act::Status => look::status(edge, request),
        Act::Metrics => look::measures(edge),
        Act::Document => document(collector.micro.is_some()),
        Act::Micro(asked) => micro::told(collector.micro.as_deref(), asked, request),
        Act::Script => Box::pin(script::script(request)).await,
        Act::Settings(settings) => settings::told(edge, settings, request),
    }
}
