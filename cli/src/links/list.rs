//! `tracker links ls`.

use crate::{Failure, Out};
use serde_json::json;
use tracker_edge::links::{Table, address};
use tracker_schemas::Redirect;

/// Links at a time.
const PAGE: usize = 10_000;

/// Lists the links of a host: a line each, or an object each.
///
/// # Errors
/// Standard output that cannot be written.
pub(super) fn list(table: &Table, host: &str, json: bool, out: &mut Out) -> Result<(), Failure> {
    let host = address::host(host);
    let mut after = String::new();
    loop {
        let links = table.of_host(&host, &after, PAGE, |_| true);
        for link in &links {
            out.push(if json { object(link).to_string() } else { line(link) })?;
        }
        match links.last() {
            Some(last) if links.len() == PAGE => last.address.clone_into(&mut after),
            _ => return out.flush(),
        }
    }
}

fn object(link: &Redirect) -> serde_json::Value {
    let Redirect { urlfrom, urlto, searchto, oid, org, updater, updated_at, .. } = link;
    json!({
        "urlfrom": urlfrom, "urlto": urlto, "searchto": searchto, "oid": oid, "org": org,
        "updater": updater, "updated_at": updated_at,
    })
}

fn line(link: &Redirect) -> String {
    let Redirect { urlfrom, urlto, updater, updated_at, .. } = link;
    format!("{urlfrom} -> {urlto}  ({updater}, {updated_at})")
}
