//! Segment's HTTP API, version 1: `track`, `page`, `screen`, `identify`, `group`, `alias`, and `batch` of them.

use super::{Posted, Told, envelope, event::Event, object::Object, time::Clock, voice::Voice};
use crate::{
    decode::{self, Batch},
    draft::{Draft, Field},
    reason,
};
use tracker_stream::fault::Refusal;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Something was done.
    Track,
    /// A page was seen.
    Page,
    /// A screen of an app was seen.
    Screen,
    /// Who somebody is.
    Identify,
    /// To whom somebody belongs.
    Group,
    /// Two ids are one person.
    Alias,
    /// Several, each with its `type`.
    Batch,
}

impl Call {
    const fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Batch => "batch",
        }
    }
}

/// Makes drafts of a call.
pub fn decode<'a>(posted: &Posted<'a>, call: Call, voice: Voice) -> Result<Told<'a>, Refusal> {
    // The user of `Authorization: Basic` is the key; there is no password.
    let mut keys: Vec<String> = posted.request.basic_name().into_iter().collect();
    let mut whole = envelope(posted)?;
    keys.extend(whole.text("writeKey").map(|key| key.into_owned()));
    let batch = if call == Call::Batch { several(posted, whole)? } else { one(posted, whole, call) };
    Ok(Told { batch, keys, voice, opts_out: false })
}

fn one<'a>(posted: &Posted<'a>, said: Object<'a>, call: Call) -> Batch<'a> {
    let clock = Clock::of(said.get("sentAt"), posted.received_at);
    // As an envelope it was let through at any length.
    let fits = said.bytes() <= posted.limits.event_bytes;
    let draft = if fits { event(said, call, clock) } else { Err(decode::too_large(posted.limits)) };
    Batch { drafts: vec![draft], single: true }
}

fn several<'a>(posted: &Posted<'a>, mut whole: Object<'a>) -> Result<Batch<'a>, Refusal> {
    let clock = Clock::of(whole.get("sentAt"), posted.received_at);
    let events = super::elements(whole.take("batch"), "batch", posted.limits)?;
    super::check_copies(&whole, events.len(), posted.limits)?;
    let shared = whole.open("context");
    let drafts = events.into_iter().map(|text| {
        let mut said = Object::read(text, posted.limits)?;
        said.take("writeKey");
        let context = said.open("context").over(&shared);
        let said = said.over(&whole);
        event_in(said, context, Call::Batch, clock)
    });
    Ok(Batch { drafts: drafts.collect(), single: false })
}

fn event<'a>(mut said: Object<'a>, call: Call, clock: Clock) -> Result<Draft<'a>, Refusal> {
    let context = said.open("context");
    event_in(said, context, call, clock)
}

fn event_in<'a>(
    mut said: Object<'a>,
    mut context: Object<'a>,
    call: Call,
    clock: Clock,
) -> Result<Draft<'a>, Refusal> {
    let kind = said.text("type").unwrap_or_else(|| call.name().into());
    let mut event = match &*kind {
        "track" => match said.text("event") {
            Some(name) => Event::named(name),
            None => return Err(reason::MISSING_NAME.refuse("a track call needs `event`")),
        },
        "page" => Event::named("page_view"),
        "batch" => return Err(reason::MISSING_NAME.refuse("each message of a batch needs its `type`")),
        _ => Event::named(kind.clone()),
    };
    event.set("etyp", Field::Text(kind));
    event.texts(
        &mut said,
        &[
            ("messageId", "eid"),
            ("userId", "uid"),
            ("anonymousId", "vid"),
            ("previousId", "vid"),
            ("category", "ptyp"),
        ],
    );
    let at = said.scalar("timestamp").or_else(|| said.scalar("originalTimestamp"));
    at.into_iter().for_each(|at| event.set("created_at", clock.by_ours(at)));
    let mut properties = said.open("properties");
    event.texts(&mut properties, &[("url", "url"), ("referrer", "last"), ("category", "ptyp")]);
    event.wholes(&mut properties, &[("cflags", "cflags")]);
    surroundings(&mut event, &mut context);
    event.keep_all(properties);
    let mut traits = said.open("traits");
    event.wholes(&mut traits, &[("cflags", "cflags")]);
    event.keep_all(traits);
    event.keep_said(said);
    event.keep_object("context", context);
    Ok(event.draft())
}

/// What `context` says of page, person, device and campaign.
fn surroundings<'a>(event: &mut Event<'a>, context: &mut Object<'a>) {
    event.texts(
        context,
        &[("userAgent", "user_agent"), ("ip", "ip"), ("locale", "culture"), ("timezone", "tz")],
    );
    within(context, "page", |page| {
        event.texts(page, &[("url", "url"), ("referrer", "last")]);
    });
    within(context, "campaign", |campaign| {
        let names = [
            ("name", "campaign"),
            ("source", "source"),
            ("medium", "medium"),
            ("term", "term"),
            ("content", "content"),
        ];
        event.texts(campaign, &names);
    });
    within(context, "screen", |screen| event.wholes(screen, &[("width", "w"), ("height", "h")]));
    within(context, "app", |app| event.texts(app, &[("name", "app"), ("version", "rel")]));
    within(context, "os", |os| event.texts(os, &[("name", "os")]));
    within(context, "location", |place| {
        event.texts(place, &[("city", "city"), ("region", "region")]);
        if place.get("country").is_some_and(|country| country.as_text().len() == 2) {
            event.texts(place, &[("country", "country")]);
        }
        event.number(place, ("latitude", "lat"), -90.0..=90.0);
        event.number(place, ("longitude", "lon"), -180.0..=180.0);
    });
    within(context, "device", |device| {
        // Without consent these go with their columns; left here, they would not.
        let apple = device.get("type").is_some_and(|kind| kind.as_text().eq_ignore_ascii_case("ios"));
        let advertising = if apple { "idfa" } else { "gaid" };
        event.texts(device, &[("model", "device"), ("advertisingId", advertising), ("id", "vid")]);
        device.take("advertisingId");
        device.take("id");
    });
}

/// Looks at an object within one, which stays there with what is left of it.
fn within<'a>(outer: &mut Object<'a>, key: &'static str, look: impl FnOnce(&mut Object<'a>)) {
    let mut inside = outer.open(key);
    look(&mut inside);
    outer.put(key, inside);
}
