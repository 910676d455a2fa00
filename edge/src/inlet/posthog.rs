//! PostHog's capture: one event, a list, or `{"api_key", "batch"}`; plain, or as a form whose `data` is base64.

use super::{
    Posted, Told, envelope,
    event::Event,
    object::Object,
    time::{self, Clock},
    voice::Voice,
};
use crate::{
    decode::{self, Batch},
    draft::{Draft, Field, take::uuid},
    reason,
};
use base64::Engine as _;
use std::borrow::Cow;
use tracker_schemas::Timestamp;
use tracker_stream::fault::Refusal;

/// A body out of its form. Nothing that is JSON, or compressed, begins with `data=`.
pub fn unwrap(body: &[u8]) -> Result<Cow<'_, [u8]>, Refusal> {
    let Some(data) = body.strip_prefix(b"data=") else { return Ok(body.into()) };
    let data = data.split(|byte| *byte == b'&').next().unwrap_or_default();
    let plain: Vec<u8> = percent_encoding::percent_decode(data).collect();
    // Where it was not escaped, a form has made spaces of what were plus signs.
    let plain: Vec<u8> = plain.into_iter().map(|byte| if byte == b' ' { b'+' } else { byte }).collect();
    if plain.starts_with(b"{") || plain.starts_with(b"[") {
        return Ok(plain.into());
    }
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let wrong = |_| reason::MALFORMED.refuse("`data` of a form is JSON in base64");
    engine.decode(plain).map(Cow::Owned).map_err(wrong)
}

/// Makes drafts of a capture.
pub fn decode<'a>(posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
    let mut keys = Vec::new();
    let mut sent_at = None;
    let text = decode::utf8(posted.body)?.trim_ascii();
    let events = if text.starts_with('[') {
        decode::elements(text, posted.limits)?
    } else {
        let mut whole = envelope(posted)?;
        sent_at = whole.scalar("sent_at");
        keys.extend(key(&mut whole));
        match whole.get("batch") {
            Some(_) => super::elements(whole.take("batch"), "batch", posted.limits)?,
            None => vec![text],
        }
    };
    for name in ["sent_at", "_"] {
        sent_at = sent_at.or_else(|| super::asked(posted, name));
    }
    let clock = Clock::of(sent_at.as_ref(), posted.received_at);
    let asked = ["api_key", "token"].into_iter().filter_map(|name| super::asked(posted, name));
    keys.extend(asked.map(|key| key.into_text().into_owned()));
    let mut voice = Voice::Own;
    let single = events.len() == 1;
    let drafts = events.into_iter().map(|text| {
        let mut said = Object::read(text, posted.limits)?;
        let mut properties = said.open("properties");
        keys.extend(key(&mut said));
        keys.extend(key(&mut properties));
        if speaks_for_others(&properties) {
            voice = Voice::Others;
        }
        let own = said.scalar("sent_at");
        let clock = own.as_ref().map_or(clock, |own| Clock::of(Some(own), posted.received_at));
        let at = when(&mut said, clock, posted.received_at);
        event(said, properties, at, own.or_else(|| sent_at.clone()))
    });
    let drafts = drafts.collect();
    keys.dedup();
    Ok(Told { batch: Batch { drafts, single }, keys, voice, opts_out: false })
}

/// The project's key, under any of its names.
fn key(from: &mut Object<'_>) -> Option<String> {
    let found = ["api_key", "token", "$token"].map(|name| from.text(name).map(Cow::into_owned));
    found.into_iter().flatten().next()
}

/// Libraries of servers say so, or, before they did, that their address is nobody's.
fn speaks_for_others(properties: &Object<'_>) -> bool {
    ["$is_server", "$geoip_disable"]
        .iter()
        .any(|key| properties.get(key).is_some_and(|said| said.as_text() == "true"))
}

/// When it happened: a time by the sender's clock, or how many milliseconds before it was sent.
fn when<'a>(said: &mut Object<'a>, clock: Clock, received_at: Timestamp) -> Option<Field<'a>> {
    let offset =
        said.get("offset").and_then(|offset| time::counted(offset, |ago| received_at.0 as f64 - ago));
    match said.scalar("timestamp") {
        Some(at) => Some(clock.by_ours(at)),
        None => offset.inspect(|_| drop(said.take("offset"))),
    }
}

fn event<'a>(
    mut said: Object<'a>,
    mut properties: Object<'a>,
    at: Option<Field<'a>>,
    sent_at: Option<Field<'a>>,
) -> Result<Draft<'a>, Refusal> {
    let Some(name) = said.text("event") else {
        return Err(reason::MISSING_NAME.refuse("a capture needs `event`"));
    };
    let mut event = Event::named(named(name));
    at.into_iter().for_each(|at| event.set("created_at", at));
    event.texts(&mut said, &[("uuid", "eid")]);
    who(&mut event, &mut said, &mut properties);
    if !speaks_for_others(&properties) {
        // A server's are nobody's.
        event.texts(&mut properties, &[("$os", "os"), ("$device", "device"), ("$device_model", "device")]);
    }
    event.texts(&mut properties, &TEXTS);
    event.wholes(&mut properties, &NUMBERS);
    if properties.get("$referrer").is_some_and(|referrer| referrer.as_text() != "$direct") {
        event.texts(&mut properties, &[("$referrer", "last")]);
    }
    event.keep_all(properties);
    event.keep_said(said);
    sent_at.into_iter().for_each(|at| event.keep("sent_at", at));
    Ok(event.draft())
}

/// Its own events have a `$` before their name.
fn named(name: Cow<'_, str>) -> Cow<'_, str> {
    match &*name {
        "$pageview" => "page_view".into(),
        "$pageleave" => "page_leave".into(),
        "$create_alias" => "alias".into(),
        "$groupidentify" => "group".into(),
        other => match other.strip_prefix('$') {
            Some(plain) => plain.to_owned().into(),
            None => name,
        },
    }
}

/// `distinct_id` is a browser's id first and the user's after it was identified; `$device_id` stays the browser's. Without
/// that, an id of version 7 is one that PostHog made for somebody unknown, and any other is a user's.
fn who<'a>(event: &mut Event<'a>, said: &mut Object<'a>, properties: &mut Object<'a>) {
    let inside = properties.scalar("distinct_id");
    let distinct = said.scalar("distinct_id").or_else(|| said.scalar("$distinct_id")).or(inside);
    event.texts(properties, &[("$device_id", "vid"), ("$anon_distinct_id", "vid"), ("$session_id", "sid")]);
    let visitor = event.get("vid").map(|vid| vid.as_text().to_owned());
    let anonymous = properties.get("$process_person_profile").is_some_and(|said| said.as_text() == "false");
    if let Some(distinct) = distinct {
        let text = distinct.as_text();
        let made = || uuid(text).is_some_and(|id| id.get_version_num() == 7);
        match visitor {
            Some(visitor) if visitor == text => {}
            None if anonymous || made() => event.set("vid", distinct),
            _ => event.set("uid", distinct),
        }
    }
    // The other names of the same two.
    for name in ["$user_id", "$anon_distinct_id", "alias"] {
        let held = |column| event.get(column).map(Field::as_text);
        let same =
            properties.get(name).is_some_and(|id| [held("vid"), held("uid")].contains(&Some(id.as_text())));
        if same {
            properties.take(name);
        }
    }
    event.texts(properties, &[("alias", "vid"), ("$user_id", "uid")]);
}

/// Which property is which column; the first of a column counts.
const TEXTS: [(&str, &str); 22] = [
    ("$current_url", "url"),
    ("$ip", "ip"),
    ("$raw_user_agent", "user_agent"),
    ("$useragent", "user_agent"),
    ("$user_agent", "user_agent"),
    ("$browser", "browser"),
    ("$browser_language", "culture"),
    ("$locale", "culture"),
    ("$timezone", "tz"),
    ("$app_name", "app"),
    ("$app_version", "rel"),
    ("utm_source", "source"),
    ("utm_medium", "medium"),
    ("utm_campaign", "campaign"),
    ("utm_term", "term"),
    ("utm_content", "content"),
    ("gclid", "gclid"),
    ("fbclid", "fbclid"),
    ("msclkid", "msclkid"),
    ("ttclid", "ttclid"),
    ("li_fat_id", "li_fat_id"),
    ("twclid", "twclid"),
];

const NUMBERS: [(&str, &str); 5] = [
    ("$viewport_width", "w"),
    ("$viewport_height", "h"),
    ("$screen_width", "w"),
    ("$screen_height", "h"),
    ("cflags", "cflags"),
];
