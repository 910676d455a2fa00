//! Paths, queries, cookies, and the URLs in events.

use super::*;
use crate::{
    decode::{cookies, url},
    draft::Field,
    stamp,
};

/// A path and a query, and the event that they are.
pub(super) fn address_ends_well(path: &str, query: &str) -> Result<(), TestCaseError> {
    let draft = url(path, query, &LIMITS);
    prop_assert!(all_known(&draft));
    if let Ok(draft) = draft {
        prop_assert!(draft.bytes() <= 3 * (path.len() + query.len()));
        prop_assert!(all_known(&stamp::event(draft, &super::bodies::context())));
    }
    Ok(())
}

/// A line of cookies says what it may, and nothing else.
pub(super) fn cookies_are_few(line: &str) -> Result<(), TestCaseError> {
    for (key, field) in cookies(line) {
        prop_assert!(["vid", "sid", "ehash", "cflags"].contains(&&*key), "{key}");
        let is_right = match &field {
            Field::Json(bits) => bits.parse::<i64>().is_ok_and(|bits| bits >= 0),
            Field::Text(text) => text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()),
        };
        prop_assert!(is_right, "{field:?}");
    }
    prop_assert!(cookies(line).bytes() <= line.len() + 32);
    Ok(())
}

/// The URL of a page loses its secrets and gains nothing.
pub(super) fn page_is_cleaned(url: &str) -> Result<(), TestCaseError> {
    let cleaned = stamp::page(url.to_owned());
    prop_assert!(cleaned.len() <= url.len() && !cleaned.contains('#'), "{cleaned}");
    prop_assert!(!cleaned.starts_with("https://u:p@a.example/"), "{cleaned}");
    let query = cleaned.split_once('?').unwrap_or_default().1;
    prop_assert!(!query.split('&').any(|pair| pair.starts_with("token=")), "{cleaned}");
    prop_assert_eq!(stamp::page(cleaned.clone()), cleaned);
    Ok(())
}

#[test]
fn paths_and_queries() {
    every((soup(20), soup(20)), |(path, query)| address_ends_well(&path, &query));
}

#[test]
fn cookies_say_what_they_may_and_nothing_else() {
    let cookie = ("vid|sid|ehash|CookieConsent|x", soup(6));
    every(vec(cookie, 0..6), |all| {
        let line: Vec<String> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies_are_few(&line.join("; "))
    });
}

#[test]
fn cookies_of_any_bytes() {
    every("\\PC{0,300}", |line| cookies_are_few(&line));
}

#[test]
fn urls_lose_their_secrets_and_gain_nothing() {
    every((soup(25), any::<bool>()), |(text, is_url)| {
        page_is_cleaned(&if is_url { format!("https://u:p@a.example/{text}") } else { text })
    });
}
