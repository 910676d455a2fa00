//! Sends visitors on: by a short link, by `/rdr` and `/xrdr`. Whatever becomes of the event, the visitor does not wait for
//! it and is sent on; and to nowhere that [`goal`] does not know.

use super::{reply, routes::Edge};
use crate::{
    budget::Budget,
    collect::{Route, traceparent},
    keep::Keep,
    links::{
        address, goal,
        target::{self, Target},
    },
    reason,
    request::Request,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;
use tracker_schemas::Redirect;
use tracker_stream::fault::Fault;
use url::form_urlencoded::{self, Serializer};
use warp::reply::Response;

/// What an address may lead to.
pub(super) enum Lead {
    /// A short link.
    Link(Redirect),
    /// One that has not been read yet, or nothing.
    Unread,
}

/// What the address leads to, if it may lead anywhere.
pub(super) fn link<K: Keep>(edge: &Edge<K>, request: &Request) -> Option<Lead> {
    // Asked first: links that are whole by the time that none was found need not have been when it was looked for.
    let is_whole = edge.redirects.links.is_whole();
    let host = edge.collector.config.trust.host(request.peer.ip(), &request.headers);
    let asked = |host| address::asked(host, &format!("/{}", request.pairs.trim_start_matches('/')));
    let found = host.and_then(|host| edge.redirects.links.find(&asked(host)));
    found.map(Lead::Link).or_else(|| (!is_whole).then_some(Lead::Unread))
}

/// Follows the short link that was found.
pub(super) async fn follow<K: Keep>(edge: &Arc<Edge<K>>, request: &Request, lead: Option<Lead>) -> Response {
    let link = match lead {
        Some(Lead::Link(link)) => Some(link),
        Some(Lead::Unread) => {
            return reply::unavailable(&Fault::new("links_unknown", "the short links are being read"));
        }
        None => None,
    };
    // What was written past the rules leads nowhere.
    let Some((link, target)) = link.and_then(|link| target::of_link(&link).map(|target| (link, target)))
    else {
        return reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
    };
    let query = words(&link, &target, &request.query);
    let request = Request { pairs: String::new(), query, ..request.clone() };
    let headers = pass(edge, request, Route::ShortLink).await;
    sent_to(HeaderValue::from_str(target.url.as_str()).ok(), headers)
}

/// What the event says. Of a key that is said twice the first counts: the link's word is before the visitor's.
fn words(link: &Redirect, target: &Target, visitors: &str) -> String {
    let mut own = Serializer::new(String::new());
    own.extend_pairs([("ename", "short_rdr"), ("etyp", "redirect")]);
    own.extend_pairs([("url", target.url.as_str()), ("urlfrom", &link.address)]);
    own.extend_pairs(link.oid.map(|oid| ("oid", oid.to_string())));
    own.extend_pairs(link.org.as_ref().map(|org| ("org", org)));
    let said = [target.fields.as_str(), &own.finish(), visitors];
    said.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("&")
}

/// Leads to the `url` of the query, if that is allowed, else to where all others are sent.
pub(super) async fn lead<K: Keep>(edge: &Arc<Edge<K>>, request: &Request, route: Route) -> Response {
    let config = &edge.collector.config;
    let said = |name: &str| {
        let mut pairs = form_urlencoded::parse(request.query.as_bytes());
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let asked = config.trust.host(request.peer.ip(), &request.headers);
    let url = said("url").unwrap_or_default();
    let is_signed = || {
        let hash_key = edge.collector.keys.now().hash_key;
        said("sig").is_some_and(|signature| goal::is_signed(&hash_key, &url, &signature))
    };
    let goal = goal::parse(&url)
        .filter(|goal| goal::may_lead(goal, &edge.redirects.config.hosts, asked) || is_signed());
    let goal = goal.and_then(|goal| HeaderValue::from_str(goal.as_str()).ok());
    // What the address says of the event lies over this.
    let pairs = format!("ename/{}/etyp/redirect/{}", route.name(), request.pairs);
    let query = target::without(&request.query, &["sig"]);
    let headers = pass(edge, Request { pairs, query, ..request.clone() }, route).await;
    sent_to(Some(goal.unwrap_or_else(|| edge.redirects.config.otherwise.clone())), headers)
}

/// Records the event: as far as its cookies at once, the rest while the visitor is on the way.
async fn pass<K: Keep>(edge: &Arc<Edge<K>>, request: Request, route: Route) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let stamped = edge.collector.passing(&request, route, &mut headers).await;
    let traceparent = traceparent(&request);
    let (room, recorded) = (edge.redirects.under_way.room(), Arc::clone(edge));
    let full = || Fault::new(Budget::FULL, "too many redirects are being recorded");
    let stamped = if room.is_some() { stamped } else { Err(full().into()) };
    edge.redirects.under_way.go_on(async move {
        recorded.collector.passed(&traceparent, route, stamped).await;
        drop(room);
    });
    headers
}

/// 302. No cache may keep it: the next visitor is another one, and the link may lead elsewhere by then.
fn sent_to(location: Option<HeaderValue>, headers: HeaderMap) -> Response {
    let Some(location) = location else {
        return reply::refused(&reason::NOT_FOUND.refuse("there is nothing at this address"));
    };
    let mut response = reply::text(StatusCode::FOUND, String::new());
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().extend(headers);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}
