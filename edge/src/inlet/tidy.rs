//! What must not stand in `params` in the clear: who a person is, and what a consent filter has to find in its column.
//! Other products hold it in any depth: `traits.email`, `$set.phone`.
//!
//! E-mail addresses, phone numbers and user names are lifted into the fields of which only hashes are stored. Click ids
//! below the top, and those of a visitor's first page, are left out: the filter takes them from columns and from the top
//! of `params`, and the column is this page's. URLs are cleaned as `url` is.

use crate::{
    decode::members,
    draft::{Field, take::quote},
    stamp::page,
};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Takes a text for one of the fields of which only hashes are stored.
type Lift<'l> = dyn FnMut(&'static str, String) + 'l;

/// A value as it may be kept under `key`, at the top; none: it may not be kept.
pub fn value<'a>(key: &str, field: Field<'a>, lift: &mut Lift<'_>) -> Option<Field<'a>> {
    if let Some(column) = person(key)
        && let Some(text) = said(&field)
    {
        lift(column, text);
        return None;
    }
    if is_click(key).is_some_and(|first| first == Page::First) {
        return None;
    }
    Some(match field {
        Field::Text(text) => Field::Text(cleaned(text)),
        Field::Json(json) if json.starts_with(['{', '[']) => {
            Field::Json(below(&json, lift).map_or(json, Cow::Owned))
        }
        plain => plain,
    })
}

/// What an object or array may be kept as, where that is not as it is.
fn below(json: &str, lift: &mut Lift<'_>) -> Option<String> {
    if json.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        let kept: Vec<Cow<'_, str>> =
            elements.iter().map(|element| element_of(element.get(), lift)).collect();
        let changed = kept.iter().any(|element| matches!(element, Cow::Owned(_)));
        return changed.then(|| format!("[{}]", kept.join(",")));
    }
    let mut changed = false;
    let mut kept = String::with_capacity(json.len());
    for (key, json) in members(json).ok()? {
        let Some(json) = member(&key, json, lift) else {
            changed = true;
            continue;
        };
        changed |= matches!(json, Cow::Owned(_));
        kept.push(if kept.is_empty() { '{' } else { ',' });
        quote(&key, &mut kept);
        kept.extend([":", &json]);
    }
    changed.then(|| if kept.is_empty() { "{}".to_owned() } else { kept + "}" })
}

fn member<'a>(key: &str, json: &'a str, lift: &mut Lift<'_>) -> Option<Cow<'a, str>> {
    if let Some(column) = person(key)
        && let Some(text) = said(&Field::Json(json.into()))
    {
        lift(column, text);
        return None;
    }
    if is_click(key).is_some() { None } else { Some(element_of(json, lift)) }
}

fn element_of<'a>(json: &'a str, lift: &mut Lift<'_>) -> Cow<'a, str> {
    match json.bytes().next() {
        Some(b'{' | b'[') => below(json, lift).map_or(json.into(), Cow::Owned),
        Some(b'"') if json.contains(['?', '@']) => {
            let text: String = serde_json::from_str(json).unwrap_or_default();
            let mut quoted = String::new();
            quote(&cleaned(text.as_str().into()), &mut quoted);
            if quoted == json { json.into() } else { quoted.into() }
        }
        _ => json.into(),
    }
}

/// The field for what a key names, whatever its spelling: `$email`, `phone_number`, `userName`.
fn person(key: &str) -> Option<&'static str> {
    const LONGEST: usize = 24;
    let letters =
        || key.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    let name: String = if key.len() > LONGEST { return None } else { letters().collect() };
    Some(match name.as_str() {
        "email" | "emailaddress" | "useremail" => "email",
        "phone" | "phonenumber" | "mobilephone" | "cell" | "cellphone" => "cell",
        "username" | "uname" => "uname",
        _ => return None,
    })
}

/// The first text or number in it. `true` and `null` name nobody.
fn said(field: &Field<'_>) -> Option<String> {
    match field {
        Field::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Field::Json(json) => match json.bytes().next()? {
            b'"' => serde_json::from_str(json).ok().filter(|text: &String| !text.trim().is_empty()),
            b'{' => members(json).ok()?.into_iter().find_map(|(_, json)| said(&Field::Json(json.into()))),
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                elements.into_iter().find_map(|element| said(&Field::Json(element.get().into())))
            }
            b't' | b'f' | b'n' => None,
            _ => Some(json.clone().into_owned()),
        },
    }
}

/// The page of which a click id tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    This,
    First,
}

fn is_click(key: &str) -> Option<Page> {
    const CLICKS: [&str; 6] = ["gclid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid"];
    let name = key.trim_start_matches('$');
    let (page, name) = match name.strip_prefix("initial_").or_else(|| name.strip_prefix("session_entry_")) {
        Some(name) => (Page::First, name),
        None => (Page::This, name),
    };
    CLICKS.iter().any(|click| name.eq_ignore_ascii_case(click)).then_some(page)
}

/// A text without what is secret in it, if it is a URL, or the query of one.
fn cleaned(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_url = text.starts_with("http://") || text.starts_with("https://") || text.starts_with('?');
    let is_path = text.starts_with('/') && text.contains('?');
    if is_url || is_path { page(text.into_owned()).into() } else { text }
}
