//! The URLs in an event, cleaned: no fragment, no user and password, no secret-looking query values. Host and path
//! stay letter for letter, also of a text that is no URL. Click ids and UTM move into their columns, so that a
//! consent filter finds them there and nowhere else.

use crate::draft::Draft;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use tracker_schemas::Fact;
use tracker_stream::fault::Refusal;

/// What becomes of one pair of a query that is no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// It stays in the URL.
    Stays,
    /// It has its column, and leaves.
    Leaves,
}

const CLICKS: [&str; 6] = ["gclid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid"];

/// Takes the UTM fields and click ids, then `url` and `last`. A field beats the URL's, and `url` beats `last`.
pub fn pages(draft: &mut Draft<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.source = draft.text("source")?;
    fact.medium = draft.text("medium")?;
    fact.campaign = draft.text("campaign")?;
    fact.term = draft.text("term")?;
    fact.gclid = draft.text("gclid")?;
    fact.fbclid = draft.text("fbclid")?;
    fact.msclkid = draft.text("msclkid")?;
    fact.ttclid = draft.text("ttclid")?;
    fact.li_fat_id = draft.text("li_fat_id")?;
    fact.twclid = draft.text("twclid")?;
    fact.url = draft.text("url")?.map(|url| clean(url, |key, value| claim(fact, key, value)));
    fact.last = draft.text("last")?.map(|last| clean(last, |key, value| claim(fact, key, value)));
    Ok(())
}

/// Moves a pair into its column, if that is free. A UTM value that another one beats stays where it was.
fn claim(fact: &mut Fact, key: &str, value: &str) -> Pair {
    let Some(column) = column(fact, key) else { return Pair::Stays };
    match column {
        _ if value.is_empty() => Pair::Leaves,
        _ if value.contains('\0') => Pair::Stays,
        None => {
            *column = Some(value.to_owned());
            Pair::Leaves
        }
        Some(held) if held == value => Pair::Leaves,
        Some(_) => Pair::Stays,
    }
}

fn column<'a>(fact: &'a mut Fact, key: &str) -> Option<&'a mut Option<String>> {
    Some(match key {
        "utm_source" => &mut fact.source,
        "utm_medium" => &mut fact.medium,
        "utm_campaign" => &mut fact.campaign,
        "utm_term" => &mut fact.term,
        "utm_content" => &mut fact.content,
        "gclid" => &mut fact.gclid,
        "fbclid" => &mut fact.fbclid,
        "msclkid" => &mut fact.msclkid,
        "ttclid" => &mut fact.ttclid,
        "li_fat_id" => &mut fact.li_fat_id,
        "twclid" => &mut fact.twclid,
        _ => return None,
    })
}

/// Cleans one URL. `claim` is shown each pair, decoded and its key lower-cased, and says what becomes of it;
/// secrets and click ids leave whatever it says.
pub fn clean(url: String, mut claim: impl FnMut(&str, &str) -> Pair) -> String {
    if !url.contains(['?', '#', '@']) {
        return url;
    }
    let url = url.split('#').next().unwrap_or_default();
    let (page, query) = url.split_once('?').unwrap_or((url, ""));
    let mut cleaned = String::with_capacity(url.len());
    cleaned.push_str(&without_user(page));
    let mut mark = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decoded(key).to_lowercase();
        if claim(&key, &decoded(value)) == Pair::Leaves || CLICKS.contains(&key.as_str()) || is_secret(&key) {
            continue;
        }
        cleaned.push(mark);
        cleaned.push_str(pair);
        mark = '&';
    }
    cleaned
}

/// Without `user:password@`.
fn without_user(page: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = page.split_once("//") else { return page.into() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}//{host}{path}").into(),
        None => page.into(),
    }
}

/// Whether a key looks as if its value let somebody in, or named a person. Words are parts of the key between
/// punctuation; a key like `author` or `keyword` is none.
fn is_secret(key: &str) -> bool {
    const ANYWHERE: [&str; 9] =
        ["token", "passw", "secret", "session", "sessid", "credential", "jwt", "apikey", "signature"];
    const WORDS: [&str; 7] = ["key", "auth", "authorization", "pass", "pwd", "otp", "sig"];
    matches!(key, "code" | "email") // but `promo_code` and `email_campaign` tell of no one
        || ANYWHERE.iter().any(|part| key.contains(part))
        || key.split(|letter: char| !letter.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return text.into();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned().into()
}
