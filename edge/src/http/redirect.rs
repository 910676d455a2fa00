//! What plain HTTP finds where connections are encrypted: the way to `https://`. Records nothing, and sends nobody to a
//! host that is not ours.

#[cfg(test)]
mod tests;

use super::{reply, tls::Tls};
use crate::reason;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority};
use std::sync::Arc;
use warp::{
    Filter,
    filters::BoxedFilter,
    path::FullPath,
    reply::{Reply, Response},
};

/// The standard port, which an address does not name.
const HTTPS: u16 = 443;

/// Everything that plain HTTP is answered.
pub(super) fn routes(tls: Arc<Tls>, public_port: u16) -> BoxedFilter<(Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(move |method: Method, path: FullPath, query: String, headers: HeaderMap| {
            // A probe asks for this listener, not for another.
            if path.as_str() == "/health" {
                return reply::text(StatusCode::OK, "ok\n".to_owned());
            }
            let target = if query.is_empty() {
                path.as_str().to_owned()
            } else {
                format!("{}?{query}", path.as_str())
            };
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let ours = host.and_then(name).filter(|name| tls.speaks_for(name.trim_matches(['[', ']'])));
            match ours.and_then(|name| location(&name, public_port, &target)) {
                Some(location) => sent_on(&method, location),
                None => reply::refused(
                    &reason::UNKNOWN_HOST.refuse("this server has no certificate for that host"),
                ),
            }
        })
        .boxed()
}

/// The host without its port. One that names a user is none.
fn name(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    (!host.contains('@') && !authority.host().is_empty()).then(|| authority.host().to_owned())
}

fn location(name: &str, port: u16, target: &str) -> Option<HeaderValue> {
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    HeaderValue::from_str(&format!("https://{name}{port}{target}")).ok()
}

/// 308 keeps the method and the body of who sends something; 301 is what the oldest of readers understand.
fn sent_on(method: &Method, location: HeaderValue) -> Response {
    let status = match *method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    let mut response = status.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response
}
