//! Short links by HTTP: made, changed, listed. Answers in the words that old clients know: what is wrong with a link is
//! plain text.

use super::{
    body::{self, Caps},
    reply,
    routes::Edge,
};
use crate::{
    admit::accounts::Shown,
    answer::{Denied, Said},
    budget::Share,
    decode::{self, Format},
    keep::Keep,
    links::{
        address,
        change::{self, Hand},
    },
    metrics, reason,
    request::{Incoming, Request},
};
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tracker_schemas::{Redirect, Timestamp};
use tracker_stream::{clock, fault::Fault, keys::Scope};
use uuid::Uuid;
use warp::reply::Response;

/// Most links of one answer; `next` says where the next page begins.
const PAGE: usize = 10_000;

/// Makes or changes a link.
pub(super) async fn change<K: Keep>(edge: &Edge<K>, request: &Request, incoming: Incoming) -> Response {
    match make(edge, request, incoming).await {
        Ok(()) => reply::text(StatusCode::OK, String::new()),
        Err(Denied::Refused(refusal)) if reason::status(&refusal) == 400 => {
            metrics::denied(refusal.reason);
            reply::text(StatusCode::BAD_REQUEST, format!("{}: {}\n", refusal.reason, refusal.detail))
        }
        Err(denied) => reply::outcome(Said::only(Err(denied))),
    }
}

async fn make<K: Keep>(edge: &Edge<K>, request: &Request, incoming: Incoming) -> Result<(), Denied> {
    let (shown, []) = credentials(edge, request)?;
    let hand = identify(edge, request, shown).await?;
    let collector = &edge.collector;
    let caps = Caps { limits: &collector.config.body, format: Format::Json };
    let body = body::capped(incoming, &request.headers, &caps, collector.budget.hold(Share::Server)).await?;
    let batch = decode::body(body.bytes(), Format::Json, &collector.config.limits)?;
    let draft = batch.one("send one object, with `urlfrom` and `urlto`")?;
    let link = change::link(draft, hand, |address| edge.redirects.links.find(address))?;
    Ok(edge.redirects.writer.put(&link, &edge.redirects.links).await?)
}

/// The links of a host.
pub(super) async fn list<K: Keep>(edge: &Edge<K>, request: &Request) -> Response {
    match found(edge, request).await {
        Ok(answer) => reply::json(StatusCode::OK, &answer),
        Err(denied) => reply::outcome(Said::only(Err(denied))),
    }
}

async fn found<K: Keep>(edge: &Edge<K>, request: &Request) -> Result<Value, Denied> {
    let (shown, [host]) = credentials(edge, request)?;
    let hand = identify(edge, request, shown).await?;
    let after = url::form_urlencoded::parse(request.query.as_bytes());
    let after = after.into_iter().find(|(key, _)| key == "after").map(|(_, after)| after.into_owned());
    let (table, host) = (edge.redirects.links.table(), address::host(&host));
    let own = move |link: &Redirect| hand.tenant.is_none() || link.oid == hand.tenant;
    let asked = move || table.of_host(&host, &after.unwrap_or_default(), PAGE, own);
    let links = tokio::task::spawn_blocking(asked).await;
    let links = links.map_err(|error| Fault::new("links_unread", error.to_string()))?;
    let next = (links.len() == PAGE).then(|| links.last().map(|link| link.address.clone())).flatten();
    let results: Vec<Value> = links.iter().map(told).collect();
    Ok(match next {
        Some(next) => json!({ "results": results, "next": next }),
        None => json!({ "results": results }),
    })
}

fn told(link: &Redirect) -> Value {
    let Redirect { urlfrom, urlto, searchto, oid, org, updater, updated_at, .. } = link;
    json!({
        "urlfrom": urlfrom, "urlto": urlto, "searchto": searchto, "oid": oid, "org": org,
        "updater": updater, "updated_at": updated_at,
    })
}

fn nowhere() -> Denied {
    reason::NOT_FOUND.refuse("there is nothing at this address").into()
}

/// Who speaks, as the path or the headers say it, and what else stands in the path. Names and passwords in a path are known
/// by their number: `{uid}/{pw}` before what else there is.
fn credentials<K: Keep, const REST: usize>(
    edge: &Edge<K>,
    request: &Request,
) -> Result<(Shown, [String; REST]), Denied> {
    let decoded = |segment: &str| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned);
    let segments = request.pairs.trim_end_matches('/').split('/').filter(|segment| !segment.is_empty());
    let segments = segments.map(decoded).collect::<Result<Vec<_>, _>>();
    let mut segments = segments.map_err(|_| reason::INVALID_TEXT.refuse("the path is not UTF-8"))?;
    let rest = segments.split_off(segments.len().saturating_sub(REST));
    let rest: [String; REST] = rest.try_into().map_err(|_| nowhere())?;
    let mut segments = segments.into_iter();
    match (segments.next(), segments.next(), segments.next()) {
        (None, ..) => Ok((Shown::of(request)?, rest)),
        (Some(uid), Some(password), None) if edge.redirects.config.path_credentials => {
            Ok((Shown::Account { uid, password }, rest))
        }
        (Some(_), Some(_), None) => {
            Err(reason::PATH_CREDENTIALS_OFF.refuse("send `Authorization: Basic` instead").into())
        }
        _ => Err(nowhere()),
    }
}

/// For whom they speak.
async fn identify<K: Keep>(edge: &Edge<K>, request: &Request, shown: Shown) -> Result<Hand, Denied> {
    let (collector, now) = (&edge.collector, clock::now_ms());
    let keys = collector.keys.now();
    let address = collector.config.trust.client(request.peer.ip(), &request.headers);
    let (updater, tenant) = match shown {
        Shown::Secret(secret) => {
            let key = keys.key(&secret, Scope::Links, now)?;
            (key.id.clone(), key.tenant)
        }
        Shown::Account { uid, password } => {
            let account =
                edge.redirects.accounts.verify(&keys, (&uid, password), Scope::Links, (address, now)).await?;
            (account.uid.clone(), account.tenant)
        }
    };
    Ok(Hand { updater, tenant, now: Timestamp(now), id: Uuid::now_v7() })
}
