//! Which site asks, as its browser says: a cookie that would not be kept is not set.

use super::{SameSite, jar::registrable};
use crate::{config::Origins, stamp};
use http::{HeaderMap, HeaderName, header};

/// Whether a browser would keep the cookies of the answer, and may.
///
/// A script of another origin gets none unless `allowed_origins` names that origin: only then its requests may carry
/// cookies at all. Another site gets none unless they are `SameSite=None`, but for a page that is opened: the visitor
/// comes to us then. Whoever says nothing of itself (an e-mail, an app, an old browser) gets them.
#[must_use]
pub fn would_keep(headers: &HeaderMap, host: Option<&str>, origins: &Origins, same_site: SameSite) -> bool {
    let said = |name| headers.get(HeaderName::from_static(name)).and_then(|value| value.to_str().ok());
    let site = said("sec-fetch-site");
    let origin = headers.get(header::ORIGIN);
    let named =
        || matches!((origins, origin), (Origins::Listed(listed), Some(origin)) if listed.contains(origin));
    let authority = origin.map(|origin| origin.to_str().ok().and_then(authority).unwrap_or_default());
    let is_own = |authority: &str| host.is_some_and(|host| host.eq_ignore_ascii_case(authority));
    let own = site == Some("same-origin") || authority.is_none_or(is_own);
    if !own && !named() {
        return false;
    }
    let opens_page = said("sec-fetch-mode") == Some("navigate") && said("sec-fetch-dest") == Some("document");
    let foreign = match site {
        Some(site) => site == "cross-site" && !opens_page,
        None => authority.is_some_and(|authority| !same(authority, host)),
    };
    !foreign || same_site == SameSite::None
}

/// `https://shop.example:8443` without its scheme.
fn authority(origin: &str) -> Option<&str> {
    Some(origin.split_once("://")?.1)
}

/// Whether two hosts are of one site.
fn same(one: &str, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (stamp::host(Some(one)), stamp::host(other)) else { return false };
    one == other || registrable(&one).is_some_and(|domain| registrable(&other) == Some(domain))
}
