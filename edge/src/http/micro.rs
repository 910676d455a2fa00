//! What an edge without a broker has taken, for the tests of a site. Records nothing.

use super::{endpoints::Asked, reply};
use crate::{
    micro::{Store, test_id},
    reason,
    request::Request,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;
use warp::reply::{Reply, Response};

/// Tells it: all, or what is of the test that the query names.
pub(super) fn told(store: Option<&Store>, asked: Asked, request: &Request) -> Response {
    let Some(store) = store else {
        return reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
    };
    let test = test_id::asked(&request.query);
    let test = test.as_deref();
    let mut response = match asked {
        Asked::All => reply::json(StatusCode::OK, &store.counts(test)),
        Asked::Good => list(store.good(test)),
        Asked::Bad => list(store.bad(test)),
        Asked::Reset => reply::json(StatusCode::OK, &store.reset(test)),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// One after the other, as fast as they are taken: the text of all of them is nowhere at once, however many there are.
fn list<T: Serialize + Send + Sync + 'static>(items: Vec<Arc<T>>) -> Response {
    let text = |(place, item): (usize, Arc<T>)| {
        let mut text = if place == 0 { Vec::new() } else { b",".to_vec() };
        serde_json::to_writer(&mut text, item.as_ref())?;
        Ok::<_, serde_json::Error>(Bytes::from(text))
    };
    let bracket = |text| std::iter::once(Ok(Bytes::from_static(text)));
    let texts = bracket(b"[").chain(items.into_iter().enumerate().map(text)).chain(bracket(b"]"));
    let body = warp::reply::stream(futures::stream::iter(texts));
    warp::reply::with_header(body, header::CONTENT_TYPE, "application/json").into_response()
}
