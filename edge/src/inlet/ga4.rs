//! Google Analytics 4, Measurement Protocol: `client_id` and `events`, each a `name` and `params`.

use super::{Posted, Told, envelope, event::Event, object::Object, time, voice::Voice};
use crate::{
    decode::Batch,
    draft::{Draft, Field},
    reason,
};
use serde_json::value::RawValue;
use tracker_stream::fault::Refusal;

/// Makes drafts of the events.
pub fn decode<'a>(posted: &Posted<'a>) -> Result<Told<'a>, Refusal> {
    let mut whole = envelope(posted)?;
    let keys = ["api_secret", "measurement_id", "firebase_app_id"].map(|name| super::asked(posted, name));
    let keys = keys.into_iter().flatten().map(|key| key.into_text().into_owned()).collect();
    let events = super::elements(whole.take("events"), "events", posted.limits)?;
    let opts_out = denied(&whole);
    super::check_copies(&whole, events.len(), posted.limits)?;
    let drafts = events.into_iter().map(|text| {
        let said = Object::read(text, posted.limits)?;
        event(said, whole.clone())
    });
    Ok(Told {
        batch: Batch { drafts: drafts.collect(), single: false },
        keys,
        voice: Voice::Others,
        opts_out,
    })
}

/// Whether advertising is objected to.
fn denied(whole: &Object<'_>) -> bool {
    let consent = whole.clone().open("consent");
    let says = |key| consent.get(key).is_some_and(|said| said.as_text().eq_ignore_ascii_case("denied"));
    says("ad_user_data")
        || says("ad_personalization")
        || whole.get("non_personalized_ads").is_some_and(|said| said.as_text() == "true")
}

fn event<'a>(mut said: Object<'a>, mut whole: Object<'a>) -> Result<Draft<'a>, Refusal> {
    let Some(name) = said.text("name") else {
        return Err(reason::MISSING_NAME.refuse("an event needs `name`"));
    };
    let mut event = Event::named(name);
    event.texts(
        &mut whole,
        &[
            ("client_id", "vid"),
            ("app_instance_id", "vid"),
            ("user_id", "uid"),
            ("ip_override", "ip"),
            ("user_agent", "user_agent"),
        ],
    );
    for from in [&mut said, &mut whole] {
        if let Some(at) = from.get("timestamp_micros").and_then(|at| time::counted(at, |micros| micros / 1e3))
        {
            from.take("timestamp_micros");
            event.set("created_at", at);
        }
    }
    let mut params = said.open("params");
    page(&mut event, &mut params);
    place(&mut event, &mut whole);
    hashes(&mut event, &mut whole);
    event.keep_all(params);
    event.keep_said(said);
    event.keep_said(whole);
    Ok(event.draft())
}

/// The parameters of an event that have a column.
pub fn page<'a>(event: &mut Event<'a>, params: &mut Object<'a>) {
    event.texts(
        params,
        &[
            ("page_location", "url"),
            ("page_referrer", "last"),
            ("session_id", "sid"),
            ("ga_session_id", "sid"),
            ("language", "culture"),
            ("campaign", "campaign"),
            ("source", "source"),
            ("medium", "medium"),
            ("term", "term"),
            ("content", "content"),
            ("gclid", "gclid"),
        ],
    );
    event.wholes(params, &[("engagement_time_msec", "duration"), ("cflags", "cflags")]);
    event.screen(params, "screen_resolution");
}

fn place<'a>(event: &mut Event<'a>, whole: &mut Object<'a>) {
    let mut place = whole.open("user_location");
    event.texts(&mut place, &[("city", "city"), ("region_id", "region"), ("country_id", "country")]);
    whole.put("user_location", place);
    let mut device = whole.open("device");
    event.texts(
        &mut device,
        &[("language", "culture"), ("operating_system", "os"), ("model", "device"), ("browser", "browser")],
    );
    event.screen(&mut device, "screen_resolution");
    whole.put("device", device);
}

/// Google takes e-mail addresses and phone numbers as hashes only, of one or of several.
fn hashes<'a>(event: &mut Event<'a>, whole: &mut Object<'a>) {
    let mut data = whole.open("user_data");
    for (key, column) in [("sha256_email_address", "ehash"), ("sha256_phone_number", "chash")] {
        event.texts(&mut data, &[(key, column)]);
        let Some(Field::Json(list)) = data.get(key).filter(|list| list.as_text().starts_with('[')) else {
            continue;
        };
        let hashes: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
        let first = hashes.first().and_then(|hash| serde_json::from_str::<String>(hash.get()).ok());
        if let Some(hash) = first {
            event.set(column, Field::Text(hash.into()));
            data.take(key);
        }
    }
    whole.put("user_data", data);
}
