//! Every route, as a table; what each answers, and to whom.

#[cfg(test)]
mod tests;

use super::{
    cors::{self, Reach},
    reply,
    server::Connections,
};
use crate::{
    collect::{Collector, Route},
    keep::Keep,
    metrics, reason,
    request::{Incoming, Request},
    spool::{Depth, Kind},
};
use bytes::Buf;
use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use std::{io, net::SocketAddr, sync::Arc, time::Instant};
use tracker_stream::{clock, fault::Fault, telemetry::Health};
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    reply::{Reply, Response},
};

/// What the routes need.
pub struct Edge<K> {
    /// Takes what is to be recorded.
    pub collector: Collector<K>,
    /// Which parts can do their work.
    pub health: Health,
    /// Renders the metrics.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// The open connections.
    pub connections: Connections,
}

/// The other end of the connection: an extension of each request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Record(Route),
    Health,
    Ready,
    Ping,
    Status,
    Metrics,
}

/// What may stand in the path after a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// `key/value/…`
    Pairs,
    Nothing,
}

struct Endpoint {
    path: &'static [&'static str],
    tail: Tail,
    methods: &'static [Method],
    reach: Reach,
    act: Act,
}

const LOOK: &[Method] = &[Method::GET, Method::HEAD, Method::OPTIONS];

const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: &["tr", "v1", "tr"],
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::GET, Method::HEAD, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Record(Route::Client),
    },
    Endpoint {
        path: &["tr", "v1", "img"],
        tail: Tail::Pairs,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Record(Route::Pixel),
    },
    Endpoint {
        path: &["tr", "v1", "str"],
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::GET, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Record(Route::Server),
    },
    Endpoint {
        path: &["tr", "v1", "ltv"],
        tail: Tail::Nothing,
        methods: &[Method::POST, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Record(Route::Payments),
    },
    Endpoint::look(&["health"], Act::Health),
    Endpoint::look(&["ready"], Act::Ready),
    Endpoint::look(&["ping"], Act::Ping),
    Endpoint::look(&["status"], Act::Status),
    Endpoint::look(&["metrics"], Act::Metrics),
];

impl Endpoint {
    const fn look(path: &'static [&'static str], act: Act) -> Self {
        Self { path, tail: Tail::Nothing, methods: LOOK, reach: Reach::Private, act }
    }

    const fn name(&self) -> &'static str {
        match self.act {
            Act::Record(route) => route.name(),
            Act::Health => "health",
            Act::Ready => "ready",
            Act::Ping => "ping",
            Act::Status => "status",
            Act::Metrics => "metrics",
        }
    }

    /// Matches the path, whatever the method: a wrong one is answered by the endpoint, with those it takes.
    fn matches(&self) -> BoxedFilter<()> {
        let start = warp::any().boxed();
        let path = self.path.iter().fold(start, |path, segment| path.and(warp::path(*segment)).boxed());
        match self.tail {
            Tail::Pairs => path,
            Tail::Nothing => path.and(warp::path::end()).boxed(),
        }
    }
}

/// A request in its parts.
struct Call {
    request: Request,
    incoming: Incoming,
}

/// All routes.
pub fn routes<K: Keep>(edge: &Arc<Edge<K>>) -> BoxedFilter<(Response,)> {
    ENDPOINTS.iter().rev().fold(unknown(), |others, endpoint| {
        let edge = Arc::clone(edge);
        let found = endpoint
            .matches()
            .and(call())
            .then(move |call| to_the_end(answer(Arc::clone(&edge), endpoint, call)));
        found.or(others).unify().boxed()
    })
}

/// Whatever is at no other address.
fn unknown() -> BoxedFilter<(Response,)> {
    warp::any()
        .map(|| {
            let response = reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
            metrics::answered("unknown", response.status().as_u16(), std::time::Duration::ZERO);
            response
        })
        .boxed()
}

/// Takes a request apart. The body is a stream: nothing is read yet.
fn call() -> impl Filter<Extract = (Call,), Error = Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let headers = warp::header::headers_cloned();
    warp::ext::get::<Peer>()
        .and(warp::method())
        .and(warp::path::tail())
        .and(query)
        .and(headers)
        .and(warp::body::stream())
        .map(|peer: Peer, method, tail: warp::path::Tail, query, headers: HeaderMap, body| {
            let pairs = tail.as_str().to_owned();
            let request = Request { peer: peer.0, method, pairs, query, headers };
            Call { request, incoming: Box::pin(chunks(body)) }
        })
}

fn chunks<B: Buf>(
    body: impl futures::Stream<Item = Result<B, warp::Error>>,
) -> impl futures::Stream<Item = io::Result<bytes::Bytes>> {
    body.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())).map_err(io::Error::other))
}

/// A client that goes away ends its connection, not what it began: what the broker has by then is counted as
/// accepted, or the books would not close.
async fn to_the_end(answering: impl Future<Output = Response> + Send + 'static) -> Response {
    let answered = tokio::spawn(answering).await;
    answered.unwrap_or_else(|error| reply::outcome(Err(Fault::new("interrupted", error.to_string()).into())))
}

async fn answer<K: Keep>(edge: Arc<Edge<K>>, endpoint: &'static Endpoint, call: Call) -> Response {
    let started_at = Instant::now();
    let Call { request, incoming } = call;
    let mut response = if request.method == Method::OPTIONS {
        allowing(StatusCode::NO_CONTENT.into_response(), endpoint)
    } else if endpoint.methods.contains(&request.method) {
        act(&edge, endpoint.act, &request, incoming).await
    } else {
        let detail = "this address takes the methods that Allow names";
        allowing(reply::refused(&reason::METHOD_NOT_ALLOWED.refuse(detail)), endpoint)
    };
    if endpoint.reach == Reach::Public {
        cors::open(response.headers_mut(), &edge.collector.config.origins, &request.headers);
        if request.method == Method::OPTIONS {
            cors::preflight(response.headers_mut(), endpoint.methods);
        }
    }
    metrics::answered(endpoint.name(), response.status().as_u16(), started_at.elapsed());
    response
}

fn allowing(mut response: Response, endpoint: &Endpoint) -> Response {
    response.headers_mut().insert(header::ALLOW, cors::list(endpoint.methods));
    response
}

async fn act<K: Keep>(edge: &Edge<K>, act: Act, request: &Request, incoming: Incoming) -> Response {
    let collector = &edge.collector;
    match act {
        Act::Record(Route::Payments) => reply::outcome(collector.payments(request, incoming).await),
        Act::Record(Route::Pixel) => {
            // Counted where it was decided; the image is the same.
            let _counted = collector.events(request, incoming, Route::Pixel).await;
            reply::pixel()
        }
        Act::Record(route) => reply::outcome(collector.events(request, incoming, route).await),
        Act::Health => reply::text(StatusCode::OK, "ok\n".to_owned()),
        Act::Ping => reply::text(StatusCode::OK, "pong".to_owned()),
        Act::Ready => ready(edge),
        Act::Status => status(edge, request),
        Act::Metrics => {
            metrics::holding(edge.connections.open(), collector.budget.held(), collector.limiter.senders());
            let spooled = [
                (Kind::Events, collector.events.keep.spooled()),
                (Kind::Payments, collector.payments.keep.spooled()),
            ];
            for (kind, depth) in spooled {
                if let Some(depth) = depth {
                    metrics::spool(kind, &depth, clock::now_ms());
                }
            }
            let text = (edge.metrics)();
            warp::reply::with_header(text, header::CONTENT_TYPE, "text/plain; version=0.0.4").into_response()
        }
    }
}

/// Whether an event and a payment can be taken and kept. What is amiss on the way to the broker is no hindrance while
/// there is room in the spool.
fn ready<K: Keep>(edge: &Edge<K>) -> Response {
    let Collector { events, payments, .. } = &edge.collector;
    let spools = [(Kind::Events, events.keep.has_room()), (Kind::Payments, payments.keep.has_room())];
    let hinders = |part: &str| !spools.iter().any(|(kind, room)| *room && part.starts_with(kind.name()));
    let mut failing = edge.health.ready().err().unwrap_or_default();
    failing.retain(|(part, _)| hinders(part));
    match failing.as_slice() {
        [] => reply::text(StatusCode::OK, "ready\n".to_owned()),
        failing => {
            let lines: String = failing.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
            reply::text(StatusCode::SERVICE_UNAVAILABLE, lines)
        }
    }
}

/// What one looks at first when something seems wrong.
fn status<K: Keep>(edge: &Edge<K>, request: &Request) -> Response {
    let collector = &edge.collector;
    let state =
        |keep: &K| json!({ "broker": if keep.is_up() { "up" } else { "down" }, "queued": keep.queued() });
    let spool = |keep: &K| {
        keep.spooled().map(|depth| {
            let Depth { messages, bytes, full, .. } = depth;
            let age = depth.oldest_age(clock::now_ms()).as_secs();
            json!({ "messages": messages, "bytes": bytes, "oldest_age_seconds": age, "full": full })
        })
    };
    let body = json!({
        "ip": collector.config.trust.client(request.peer.ip(), &request.headers),
        "node": collector.config.node,
        "connections": edge.connections.open(),
        "inflight_bytes": collector.budget.held(),
        "producers": {
            "events": state(&collector.events.keep),
            "payments": state(&collector.payments.keep),
        },
        "spool": {
            "events": spool(&collector.events.keep),
            "payments": spool(&collector.payments.keep),
        },
    });
    reply::json(StatusCode::OK, &body)
}
