//! What a site asks before it asks its visitor for consent: where the visitor is, and which laws there are. Records
//! nothing, and tells of an address no more than enrichment would keep of it.

use super::{reply, routes::Edge};
use crate::{decode, keep::Keep, reason, request::Request};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::net::IpAddr;
use tracker_geo::{JURISDICTIONS, Place, country, network, two_places};
use tracker_stream::fault::{Fault, Refusal};
use warp::reply::{Reply, Response};

/// A place, as it is answered. What is not known is null.
#[derive(Serialize)]
struct Located {
    iso2: String,
    country: Option<&'static str>,
    region: Option<String>,
    city: Option<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    zip: Option<String>,
    tz: Option<String>,
}

/// Where the address of the query is, or the caller's.
pub(super) fn geoip<K: Keep>(edge: &Edge<K>, request: &Request) -> Response {
    match asked(edge, request) {
        Ok(address) => located(edge, address),
        Err(refusal) => reply::refused(&refusal),
    }
}

fn asked<K: Keep>(edge: &Edge<K>, request: &Request) -> Result<IpAddr, Refusal> {
    let config = &edge.collector.config;
    let wrong =
        || reason::INVALID_ADDRESS.refuse("`ip` is no IPv4 or IPv6 address; leave it out for your own");
    match decode::url("", &request.query, &config.limits)?.text("ip")? {
        Some(said) => said.trim().parse().map_err(|_| wrong()),
        None => Ok(config.trust.client(request.peer.ip(), &request.headers)),
    }
}

fn located<K: Keep>(edge: &Edge<K>, address: IpAddr) -> Response {
    let collector = &edge.collector;
    if !collector.geo.is_in_use() {
        let detail = "this edge has no GeoIP file in use; see edge.geoip_city";
        return reply::unavailable(&Fault::new("no_geoip_database", detail));
    }
    let address = if collector.visits.network_only { network(address) } else { address };
    let Place { country: Some(iso2), region, city, zip, tz, lat, lon, .. } = collector.geo.find(address)
    else {
        return reply::refused(&reason::UNKNOWN_ADDRESS.refuse("no GeoIP file knows this address"));
    };
    let country = country::name(&iso2);
    let (lat, lon) = (lat.map(two_places), lon.map(two_places));
    let mut response =
        reply::json(StatusCode::OK, &Located { iso2, country, region, city, lat, lon, zip, tz });
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The laws.
pub(super) fn jurisdictions() -> Response {
    warp::reply::with_header(JURISDICTIONS, header::CONTENT_TYPE, "application/json").into_response()
}
