//! Google Analytics 4 as gtag.js sends it: fields in the query, and an event a line in the body, each in the form of a
//! query. Without a body the query is the event.

use super::{Posted, Told, event::Event, ga4, object::Object, voice::Voice};
use crate::{
    decode::{self, Batch},
    draft::{Draft, Field},
    reason,
};
use tracker_stream::fault::Refusal;

/// Makes drafts of what was sent.
pub fn decode<'a>(posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
    let query = &posted.request.query;
    if query.len() > posted.limits.event_bytes {
        return Err(decode::too_large(posted.limits));
    }
    let mut common = pairs(query, posted)?;
    let keys = common.text("tid").map(|key| key.into_owned()).into_iter().collect();
    let opts_out = common.get("npa").is_some_and(|said| said.as_text() == "1");
    let body = decode::utf8(posted.body)?.trim_ascii();
    let lines: Vec<&str> = if body.is_empty() { vec![""] } else { body.lines().collect() };
    if lines.len() > posted.limits.events {
        return Err(decode::too_many(posted.limits));
    }
    super::check_copies(&common, lines.len(), posted.limits)?;
    let drafts = lines.into_iter().map(|line| {
        if line.len() > posted.limits.event_bytes {
            return Err(decode::too_large(posted.limits));
        }
        event(pairs(line, posted)?.over(&common))
    });
    Ok(Told { batch: Batch { drafts: drafts.collect(), single: false }, keys, voice: Voice::Own, opts_out })
}

fn pairs<'a>(text: &'a str, posted: &Posted<'_>) -> Result<Object<'a>, Refusal> {
    decode::form(text, posted.limits).collect::<Result<_, _>>().map(Object::of)
}

fn event(mut said: Object<'_>) -> Result<Draft<'_>, Refusal> {
    let Some(name) = said.text("en") else {
        return Err(reason::MISSING_NAME.refuse("an event needs `en`"));
    };
    let mut event = Event::named(name);
    event.texts(
        &mut said,
        &[("cid", "vid"), ("uid", "uid"), ("sid", "sid"), ("dl", "url"), ("dr", "last"), ("ul", "culture")],
    );
    event.wholes(&mut said, &[("_et", "duration")]);
    event.screen(&mut said, "sr");
    let mut params = Object::of(said.into_members().into_iter().map(parameter).collect());
    ga4::page(&mut event, &mut params);
    event.keep_all(params);
    Ok(event.draft())
}

/// `ep.name` is a text, `epn.name` a number; `up` and `upn` are the user's.
fn parameter<'a>(
    (key, field): (std::borrow::Cow<'a, str>, Field<'a>),
) -> (std::borrow::Cow<'a, str>, Field<'a>) {
    let Some((kind, name)) = key.split_once('.') else { return (key, field) };
    let name = name.to_owned().into();
    match kind {
        "ep" | "up" => (name, field),
        "epn" | "upn" if field.as_text().parse::<serde_json::Number>().is_ok() => {
            (name, Field::Json(field.into_text()))
        }
        _ => (key, field),
    }
}
