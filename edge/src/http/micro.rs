//! What an edge without a broker has taken, for the tests of a site. Records nothing.

use super::{endpoints::Asked, reply};
use crate::{
    micro::{Store, test_id},
    reason,
    request::Request,
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;
use warp::reply::Response;

/// Tells it: all, or what is of the test that the query names.
pub(super) fn told(store: Option<&Store>, asked: Asked, request: &Request) -> Response {
    let Some(store) = store else {
        return reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
    };
    let test = test_id::asked(&request.query);
    let test = test.as_deref();
    let mut response = match asked {
        Asked::All => reply::json(StatusCode::OK, &store.counts(test)),
        Asked::Good => list(&store.good(test)),
        Asked::Bad => list(&store.bad(test)),
        Asked::Reset => reply::json(StatusCode::OK, &store.reset(test)),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn list<T: Serialize>(items: &[Arc<T>]) -> Response {
    let items: Vec<&T> = items.iter().map(Arc::as_ref).collect();
    reply::json(StatusCode::OK, &items)
}
