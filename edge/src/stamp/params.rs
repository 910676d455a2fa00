//! Everything that found no column, as the text of one JSON object. Each value keeps the letters in which it was
//! sent; nothing vanishes, not even for having the name of another.

use crate::{
    decode::members,
    draft::{Draft, Field, take::quote},
};
use std::{borrow::Cow, collections::BTreeMap};
use tracker_schemas::JsonText;

/// Bytes that usual ones have at most.
const USUAL: usize = 256;

/// Merges what is left of a draft, then what stands `beside` it, into its `params`. A field whose name is taken is
/// kept under its name and a `_`. A `params` that is no object is a member of that name.
pub fn gather<'a>(mut draft: Draft<'a>, beside: Draft<'a>) -> Option<JsonText> {
    let params = draft.take("params").filter(|params| !params.is_blank());
    let given = params.as_ref().and_then(object);
    if let (Some(members), true) = (&given, draft.is_empty() && beside.is_empty()) {
        let verbatim = params.as_ref().map(|params| JsonText(params.as_text().to_owned()));
        return verbatim.filter(|_| !members.is_empty());
    }
    if params.is_none() && beside.is_empty() {
        return written(draft); // in the order of its keys, and none of them twice
    }
    let mut all: BTreeMap<Cow<'_, str>, Field<'_>> = BTreeMap::new();
    match given {
        Some(members) => all.extend(members.into_iter().map(|(key, json)| (key, Field::Json(json.into())))),
        None => all.extend(params.clone().map(|params| ("params".into(), params))),
    }
    for (mut key, field) in draft.into_iter().chain(beside) {
        while all.contains_key(&key) {
            key.to_mut().push('_');
        }
        all.insert(key, field);
    }
    written(all)
}

/// The members of a `params` that is an object.
pub fn object<'a>(params: &'a Field<'_>) -> Option<Vec<(Cow<'a, str>, &'a str)>> {
    match params {
        Field::Json(json) if json.starts_with('{') => members(json).ok(),
        _ => None,
    }
}

fn written<'a>(members: impl IntoIterator<Item = (Cow<'a, str>, Field<'a>)>) -> Option<JsonText> {
    let mut members = members.into_iter().peekable();
    members.peek()?;
    let mut text = String::with_capacity(USUAL);
    let mut mark = '{';
    for (key, field) in members {
        text.push(mark);
        quote(&key, &mut text);
        text.push(':');
        field.write_json(&mut text);
        mark = ',';
    }
    text.push('}');
    Some(JsonText(text))
}
