//! Plausible's events API: one event, in short names as its script has them, or in long ones. The headers are the
//! visitor's: a server that speaks for one sends them on, the address as a trusted proxy does.

use super::{Posted, Told, envelope, event::Event, object, voice::Voice};
use crate::{
    decode::{self, Batch},
    draft::{Draft, Field},
    reason,
};
use tracker_stream::fault::Refusal;

/// A script names a handful of sites; each is looked for among the keys.
const SITES: usize = 16;

/// Makes a draft of an event.
pub fn decode<'a>(posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
    let mut said = envelope(posted)?;
    let domains = said.scalar("domain").or_else(|| said.scalar("d"));
    let draft = if said.bytes() > posted.limits.event_bytes {
        Err(decode::too_large(posted.limits))
    } else {
        event(posted, said, domains.clone())
    };
    let listed = domains.map(|domains| domains.into_text().into_owned()).unwrap_or_default();
    let keys = listed
        .split(',')
        .map(|domain| domain.trim().to_owned())
        .filter(|domain| !domain.is_empty())
        .take(SITES)
        .collect();
    let batch = Batch { drafts: vec![draft], single: true };
    Ok(Told { batch, keys, voice: Voice::Own, opts_out: false })
}

fn event<'a>(
    posted: &Posted<'a>,
    mut said: object::Object<'a>,
    domain: Option<Field<'a>>,
) -> Result<Draft<'a>, Refusal> {
    let Some(name) = said.text("name").or_else(|| said.text("n")) else {
        return Err(reason::MISSING_NAME.refuse("an event needs `name`"));
    };
    let mut event = Event::named(if name == "pageview" { "page_view".into() } else { name });
    domain.into_iter().for_each(|domain| event.set("app", domain));
    event.texts(&mut said, &[("url", "url"), ("u", "url"), ("referrer", "last"), ("r", "last")]);
    event.wholes(&mut said, &[("screen_width", "w"), ("w", "w"), ("e", "duration")]);
    for name in ["props", "p", "meta", "m"] {
        let mut props = match said.get(name) {
            Some(Field::Text(text)) if text.starts_with('{') && decode::is_nested(text, posted.limits) => {
                said.take(name).map(object::inner).unwrap_or_default()
            }
            _ => said.open(name),
        };
        event.wholes(&mut props, &[("cflags", "cflags")]);
        event.keep_all(props);
    }
    for (short, long) in
        [("$", "revenue"), ("i", "interactive"), ("h", "hash_mode"), ("v", "version"), ("sd", "scroll_depth")]
    {
        said.take(short)
            .filter(|field| !field.is_blank())
            .into_iter()
            .for_each(|field| event.keep(long, field));
    }
    event.keep_said(said);
    Ok(event.draft())
}
