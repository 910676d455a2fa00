//! Keys and values in a URL: path pairs and the query. Strict about text, lenient about form.

use super::{
    Limits,
    json::{check_key, check_text, invalid_text},
};
use crate::draft::{Draft, Field};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use tracker_stream::fault::Refusal;

/// `/key/value/key/value`. A dangling last key is dropped; an empty segment is an empty value after a key, and
/// nothing before one, so that a doubled slash shifts no pair.
pub fn path<'a>(path: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    let mut draft = Draft::new();
    let mut segments = path.split('/');
    while let Some(key) = segments.next() {
        if key.is_empty() {
            continue;
        }
        let Some(value) = segments.next() else { break };
        let key = decode(key)?;
        check_key(&key, limits)?;
        draft.set(key, Field::Text(decode(value)?));
    }
    Ok(draft)
}

/// `key=value&key=value`: the first value of a key, without the key's leading `utm_`.
pub fn query<'a>(query: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    let mut draft = Draft::new();
    // Backwards, so that the first value is the last that is set.
    for pair in query.split('&').rev() {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = without_utm(decode(&spaced(key))?.into_owned());
        if key.is_empty() {
            continue;
        }
        check_key(&key, limits)?;
        let value = match spaced(value) {
            Cow::Borrowed(value) => decode(value)?,
            Cow::Owned(value) => decode(&value)?.into_owned().into(),
        };
        draft.set(key, Field::Text(value));
    }
    Ok(draft)
}

fn without_utm(key: String) -> String {
    match key.split_at_checked(4) {
        Some((utm, rest)) if utm.eq_ignore_ascii_case("utm_") => rest.to_owned(),
        _ => key,
    }
}

fn spaced(text: &str) -> Cow<'_, str> {
    if text.contains('+') { text.replace('+', " ").into() } else { text.into() }
}

fn decode(text: &str) -> Result<Cow<'_, str>, Refusal> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| invalid_text())?;
    check_text(&text)?;
    Ok(text)
}
