//! A link in as few bytes as it can be read from at once. Pure.
//!
//! In order: address, the rest of `urlfrom`, `urlto`, `searchto`, `org`, `updater`, each behind its length; the time; which
//! of them there are; the tenant where there is one. The id of the change is not kept: nobody asks an edge for it.

use tracker_schemas::{Redirect, Timestamp};
use uuid::Uuid;

/// What most addresses were given with; then `urlfrom` needs no bytes of its own.
const SCHEMES: [&str; 3] = ["https://", "http://", ""];
/// `urlfrom` stands in full.
const IN_FULL: u8 = SCHEMES.len() as u8;
const HAS_TENANT: u8 = 1 << 4;
const HAS_SEARCH: u8 = 1 << 5;
const HAS_ORG: u8 = 1 << 6;
const SCHEME: u8 = 0b11;

/// Packs a link.
pub(super) fn pack(link: &Redirect) -> Vec<u8> {
    let bare = |scheme: &str| link.urlfrom.strip_prefix(scheme) == Some(link.address.as_str());
    let scheme = (0..).zip(&SCHEMES).find(|(_, scheme)| bare(scheme)).map_or(IN_FULL, |(place, _)| place);
    let mut flags = scheme;
    flags |= if link.oid.is_some() { HAS_TENANT } else { 0 };
    flags |= if link.searchto.is_some() { HAS_SEARCH } else { 0 };
    flags |= if link.org.is_some() { HAS_ORG } else { 0 };
    let mut out = Vec::with_capacity(link.address.len() + link.urlto.len() + 64);
    put(&mut out, &link.address);
    out.push(flags);
    if scheme == IN_FULL {
        put(&mut out, &link.urlfrom);
    }
    put(&mut out, &link.urlto);
    link.searchto.iter().chain(&link.org).for_each(|text| put(&mut out, text));
    put(&mut out, &link.updater);
    out.extend_from_slice(&link.updated_at.0.to_le_bytes());
    out.extend(link.oid.iter().flat_map(|oid| *oid.as_bytes()));
    out
}

/// The address of a packed link.
pub(super) fn address(packed: &[u8]) -> Option<&str> {
    text(&mut { packed })
}

/// The link again, but for its id.
pub(super) fn unpack(mut packed: &[u8]) -> Option<Redirect> {
    let input = &mut packed;
    let address = text(input)?.to_owned();
    let (flags, rest) = input.split_first()?;
    *input = rest;
    let urlfrom = match SCHEMES.get(usize::from(flags & SCHEME)) {
        Some(scheme) => format!("{scheme}{address}"),
        None => text(input)?.to_owned(),
    };
    let urlto = text(input)?.to_owned();
    let searchto = if flags & HAS_SEARCH == 0 { None } else { Some(text(input)?.to_owned()) };
    let org = if flags & HAS_ORG == 0 { None } else { Some(text(input)?.to_owned()) };
    let updater = text(input)?.to_owned();
    let (at, rest) = input.split_first_chunk()?;
    let updated_at = Timestamp(i64::from_le_bytes(*at));
    let oid = if flags & HAS_TENANT == 0 { None } else { Some(Uuid::from_bytes(*rest.first_chunk()?)) };
    Some(Redirect { id: Uuid::nil(), address, urlfrom, urlto, searchto, oid, org, updater, updated_at })
}

/// A text behind its length: seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(text.as_bytes());
}

fn text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let mut length = 0_usize;
    for shift in (0..28).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (bytes, rest) = input.split_at_checked(length)?;
            *input = rest;
            return std::str::from_utf8(bytes).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tracker_schemas::examples;

    #[test]
    fn the_usual_link_weighs_little_more_than_its_texts() {
        let link: Redirect = examples::one("plain");
        let texts = link.address.len() + link.urlto.len() + link.updater.len();
        let whole_urlfrom = link.urlfrom.len() + 1; // it has a capital, so it is no scheme and the address
        assert_eq!(pack(&link).len(), texts + whole_urlfrom + 3 + 1 + 8);
        let plain = Redirect { urlfrom: "https://sho.example/spring".to_owned(), ..link };
        assert_eq!(pack(&plain).len(), texts + 3 + 1 + 8);
    }

    prop_compose! {
        fn links()(
            address in "\\PC{0,200}", urlto in "\\PC{0,40}", urlfrom in "(https?://)?\\PC{0,9}", same: bool,
            searchto in proptest::option::of("\\PC{0,9}"), org in proptest::option::of("\\PC{0,9}"),
            updater in "\\PC{0,9}", at: i64, oid in proptest::option::of(any::<u128>()),
        ) -> Redirect {
            let urlfrom = if same { format!("https://{address}") } else { urlfrom };
            let (oid, updated_at) = (oid.map(Uuid::from_u128), Timestamp(at));
            Redirect { id: Uuid::nil(), address, urlfrom, urlto, searchto, oid, org, updater, updated_at }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(link in links()) {
            let packed = pack(&link);
            prop_assert_eq!(address(&packed), Some(link.address.as_str()));
            prop_assert_eq!(unpack(&packed), Some(link));
        }

        #[test]
        fn bytes_that_are_no_link_are_none_and_no_panic(bytes: Vec<u8>) {
            let _none = unpack(&bytes);
        }
    }
}
