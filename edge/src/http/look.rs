//! What the edge tells of itself: to probes, to who looks, to Prometheus. Records nothing.

use super::{reply, routes::Edge};
use crate::{
    collect::Collector,
    keep::Keep,
    links::follow as links,
    metrics,
    request::Request,
    spool::{Depth, Kind},
};
use http::{StatusCode, header};
use serde_json::json;
use tracker_stream::clock;
use warp::reply::{Reply, Response};

/// Whether an event and a payment can be taken and kept; that a consent cannot be keeps no event away. What is amiss on the way to the broker is no hindrance while
/// there is room in the spool.
pub(super) fn ready<K: Keep>(edge: &Edge<K>) -> Response {
    let Collector { events, payments, .. } = &edge.collector;
    let spools = [(Kind::Events, events.keep.has_room()), (Kind::Payments, payments.keep.has_room())];
    let hinders = |part: &str| !spools.iter().any(|(kind, room)| *room && part.starts_with(kind.name()));
    let mut failing = edge.health.ready().err().unwrap_or_default();
    // Without a broker nobody knows the links; events are worth taking all the same.
    let waits = edge.redirects.links.waits_for_broker() && events.keep.has_room();
    failing.retain(|(part, _)| hinders(part) && !(waits && *part == links::PART));
    match failing.as_slice() {
        [] => reply::text(StatusCode::OK, "ready\n".to_owned()),
        failing => {
            let lines: String = failing.iter().map(|(part, why)| format!("{part}: {why}\n")).collect();
            reply::text(StatusCode::SERVICE_UNAVAILABLE, lines)
        }
    }
}

/// What one looks at first when something seems wrong.
pub(super) fn status<K: Keep>(edge: &Edge<K>, request: &Request) -> Response {
    let collector = &edge.collector;
    let broker = |keep: &K| match &collector.micro {
        Some(_) => "none",
        None if keep.is_up() => "up",
        None => "down",
    };
    let state = |keep: &K| json!({ "broker": broker(keep), "queued": keep.queued() });
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
        "sockets": edge.sockets.open(),
        "inflight_bytes": collector.budget.held(),
        "producers": {
            "events": state(&collector.events.keep),
            "payments": state(&collector.payments.keep),
            "agreements": state(&collector.agreements.keep),
        },
        "spool": {
            "events": spool(&collector.events.keep),
            "payments": spool(&collector.payments.keep),
            "agreements": spool(&collector.agreements.keep),
        },
    });
    reply::json(StatusCode::OK, &body)
}

/// Everything that is counted, and what is held at this moment.
pub(super) fn measures<K: Keep>(edge: &Edge<K>) -> Response {
    let collector = &edge.collector;
    metrics::holding(edge.connections.open(), collector.budget.held(), collector.rates.senders());
    metrics::sockets(edge.sockets.open());
    let spooled = [
        (Kind::Events, collector.events.keep.spooled()),
        (Kind::Payments, collector.payments.keep.spooled()),
        (Kind::Agreements, collector.agreements.keep.spooled()),
    ];
    for (kind, depth) in spooled {
        if let Some(depth) = depth {
            metrics::spool(kind, &depth, clock::now_ms());
        }
    }
    let text = (edge.metrics)();
    warp::reply::with_header(text, header::CONTENT_TYPE, "text/plain; version=0.0.4").into_response()
}
