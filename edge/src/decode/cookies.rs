//! What the cookies of a request say about its events. A cookie that says nothing understandable is passed over:
//! a site's other cookies are no business of ours, and a visitor cannot mend a broken one.

use crate::draft::{Draft, Field, take::uuid};
use percent_encoding::percent_decode_str;

/// Reads `vid`, `sid`, `CookieConsent` (as `cflags`) and `ehash` from a `Cookie` header. The first of a name counts.
#[must_use]
pub fn cookies(header: &str) -> Draft<'_> {
    let mut draft = Draft::new();
    for cookie in header.split(';') {
        let Some((name, value)) = cookie.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let (key, field) = match name {
            "vid" | "sid" => (name, uuid(value).filter(|id| !id.is_nil()).map(|_| Field::Text(value.into()))),
            "ehash" => (name, is_token(value).then(|| Field::Text(value.into()))),
            "CookieConsent" => ("cflags", consent(value).map(|bits| Field::Json(bits.to_string().into()))),
            _ => continue,
        };
        if let Some(field) = field
            && draft.get(key).is_none()
        {
            draft.set(key, field);
        }
    }
    draft
}

/// A hash as one writes it: one word, and no address.
fn is_token(value: &str) -> bool {
    (1..=128).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@')
}

/// The consent bits: as a number, or as Cookiebot writes them,
/// `{stamp:'…',necessary:true,preferences:false,statistics:true,marketing:false,…}`. Cookiebot's `-1` means that
/// this visitor needs not be asked, its `0` that all but the necessary was declined.
fn consent(value: &str) -> Option<i64> {
    const BITS: [(&str, i64); 4] =
        [("necessary", 1), ("preferences", 256), ("statistics", 1024), ("marketing", 4096)];
    let text = percent_decode_str(value).decode_utf8().ok()?;
    match text.trim().parse::<i64>() {
        Ok(-1) => return Some(BITS.iter().map(|(_, bit)| bit).sum()),
        Ok(0) => return Some(1),
        Ok(bits) => return (bits > 0).then_some(bits),
        Err(_) => {}
    }
    let inside = text.trim().strip_prefix('{')?;
    // Newer versions nest objects that repeat the names: only what stands before them counts.
    let own = inside.split(['{', '}']).next()?;
    let said = own.split(',').filter_map(|member| member.split_once(':'));
    let said = said.map(|(name, answer)| (name.trim().trim_matches('"'), answer.trim()));
    let mut known = said.filter_map(|(name, answer)| {
        let (_, bit) = BITS.iter().find(|(known, _)| *known == name)?;
        Some(if answer == "true" { *bit } else { 0 })
    });
    let first = known.next()?;
    Some(known.fold(first, |bits, bit| bits | bit))
}
