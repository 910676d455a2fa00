//! Umami's `/api/send`: `{"type", "payload"}`; its newer libraries send several in an array.

use super::{Posted, Told, event::Event, object::Object, time, voice::Voice};
use crate::{
    decode::{self, Batch},
    draft::{Draft, Field},
};
use tracker_stream::fault::Refusal;

/// Makes drafts of what was sent.
pub fn decode<'a>(posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
    let text = decode::utf8(posted.body)?.trim_ascii();
    let single = !text.starts_with('[');
    let events = if single { vec![text] } else { decode::elements(text, posted.limits)? };
    let mut keys = Vec::new();
    let drafts = events.into_iter().map(|text| {
        let mut said = Object::read(text, posted.limits)?;
        let mut payload = said.open("payload");
        keys.extend(payload.text("website").map(|key| key.into_owned()));
        Ok(event(said, payload))
    });
    let drafts = drafts.collect();
    keys.dedup();
    Ok(Told { batch: Batch { drafts, single }, keys, voice: Voice::Own, opts_out: false })
}

fn event<'a>(mut said: Object<'a>, mut payload: Object<'a>) -> Draft<'a> {
    let kind = said.text("type").unwrap_or_else(|| "event".into());
    let mut event = match (&*kind, payload.text("name")) {
        ("event", Some(name)) => Event::named(name),
        ("event", None) => Event::named("page_view"),
        (_, name) => {
            let mut event = Event::named(kind);
            name.into_iter().for_each(|name| event.keep("name", Field::Text(name)));
            event
        }
    };
    absolute(&mut payload);
    event.texts(
        &mut payload,
        &[
            ("url", "url"),
            ("referrer", "last"),
            ("language", "culture"),
            ("id", "uid"),
            ("tag", "tags"),
            ("ip", "ip"),
            ("userAgent", "user_agent"),
            ("browser", "browser"),
            ("os", "os"),
            ("device", "device"),
        ],
    );
    event.screen(&mut payload, "screen");
    if let Some(at) = payload.get("timestamp").and_then(|at| time::counted(at, |seconds| seconds * 1e3)) {
        event.set("created_at", at);
        payload.take("timestamp");
    }
    let mut data = payload.open("data");
    event.wholes(&mut data, &[("cflags", "cflags")]);
    event.keep_all(data);
    event.keep_said(payload);
    event.keep_said(said);
    event.draft()
}

/// Umami sends a page's path and its host beside it.
fn absolute(payload: &mut Object<'_>) {
    let path =
        payload.get("url").map(Field::as_text).filter(|url| url.starts_with('/') && !url.starts_with("//"));
    let host = payload.get("hostname").map(Field::as_text).filter(|host| !host.is_empty());
    if let (Some(path), Some(host)) = (path, host) {
        let url = format!("https://{host}{path}");
        payload.replace("url", Field::Text(url.into()));
    }
}
