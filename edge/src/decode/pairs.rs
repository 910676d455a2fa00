//! Keys and values in a URL: path pairs and the query. Strict about text, lenient about form.

use super::{
    Limits,
    json::{check_key, check_text, invalid_text},
};
use crate::draft::{Draft, Field};
use percent_encoding::percent_decode_str;
use std::{borrow::Cow, iter};
use tracker_stream::fault::Refusal;

/// `/key/value/key/value`. A dangling last key is dropped; an empty segment is an empty value after a key, and
/// nothing before one, so that a doubled slash shifts no pair.
pub fn path<'a>(path: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    let mut segments = path.split('/');
    let pairs = iter::from_fn(|| Some((segments.find(|key| !key.is_empty())?, segments.next()?)));
    let fields = pairs.map(|(key, value)| {
        let key = decode(key)?;
        check_key(&key, limits)?;
        Ok((key, Field::Text(decode(value)?)))
    });
    fields.collect()
}

/// `key=value&key=value`: the first value of a key, without the key's leading `utm_`.
pub fn query<'a>(query: &'a str, limits: &Limits) -> Result<Draft<'a>, Refusal> {
    // Backwards, because the last that is collected wins.
    let fields = form(query, limits).rev().map(|pair| pair.map(|(key, field)| (without_utm(key), field)));
    fields.collect()
}

/// The same, as it is written: every pair, in order.
pub fn form<'a>(
    query: &'a str,
    limits: &Limits,
) -> impl DoubleEndedIterator<Item = Result<(Cow<'a, str>, Field<'a>), Refusal>> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| !key.is_empty()).map(|(key, value)| {
        let key = decode_form(key)?;
        check_key(&key, limits)?;
        Ok((key, Field::Text(decode_form(value)?)))
    })
}

fn without_utm(key: Cow<'_, str>) -> Cow<'_, str> {
    match key.split_at_checked(4) {
        Some((utm, _)) if utm.eq_ignore_ascii_case("utm_") => match key {
            Cow::Borrowed(key) => key.get(4..).unwrap_or_default().into(),
            Cow::Owned(key) => key.get(4..).unwrap_or_default().to_owned().into(),
        },
        _ => key,
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, Refusal> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| invalid_text())?;
    check_text(&text)?;
    Ok(text)
}

/// As in a path, where a `+` is a space besides.
fn decode_form(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if text.contains('+') {
        decode(&text.replace('+', " ")).map(|text| text.into_owned().into())
    } else {
        decode(text)
    }
}
