//! What was said: names, texts, places, numbers, lists.

use crate::{draft::Draft, reason};
use std::ops::RangeInclusive;
use tracker_schemas::Fact;
use tracker_stream::fault::Refusal;

/// Takes `ename`, `etyp` and `content`, which stands in for a missing `ename`.
pub fn name(draft: &mut Draft<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.content = draft.text("content")?;
    let ename = draft.text("ename")?.or_else(|| fact.content.clone());
    fact.ename = ename.map(|name| name.to_lowercase());
    fact.etyp = draft.text("etyp")?.map(|category| category.to_lowercase());
    if fact.ename.is_none() && fact.etyp.is_none() {
        return Err(reason::MISSING_NAME.refuse("an event needs `ename` or `etyp`"));
    }
    Ok(())
}

/// Takes the plain texts.
pub fn describe(draft: &mut Draft<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.org = draft.text("org")?;
    fact.app = draft.text("app")?;
    fact.rel = draft.text("rel")?;
    fact.ptyp = draft.text("ptyp")?;
    fact.relation = draft.text("relation")?;
    fact.r#ref = draft.text("ref")?;
    fact.rcode = draft.text("rcode")?;
    fact.aff = draft.text("aff")?;
    fact.xid = draft.text("xid")?;
    fact.split = draft.text("split")?;
    fact.arm_id = draft.text("arm_id")?;
    fact.mcid = draft.text("mcid")?;
    fact.sink = draft.text("sink")?;
    fact.outcome = draft.text("outcome")?;
    fact.device = draft.text("device")?;
    fact.os = draft.text("os")?;
    fact.browser = draft.text("browser")?;
    fact.culture = draft.text("culture")?;
    fact.gaid = draft.text("gaid")?;
    fact.idfa = draft.text("idfa")?;
    fact.msid = draft.text("msid")?;
    fact.fbid = draft.text("fbid")?;
    fact.audience = draft.list("audience")?;
    fact.audience_tags = draft.list("audience_tags")?;
    fact.content_tags = draft.list("content_tags")?;
    fact.tags = draft.list("tags")?;
    fact.targets = draft.json("targets");
    Ok(())
}

/// Takes where the visitor is.
pub fn place(draft: &mut Draft<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.country = draft.text("country")?.map(|country| country.to_uppercase());
    fact.region = draft.text("region")?;
    fact.city = draft.text("city")?;
    fact.zip = draft.text("zip")?;
    fact.tz = draft.text("tz")?;
    fact.lat = degrees(draft, "lat", -90.0..=90.0)?;
    fact.lon = degrees(draft, "lon", -180.0..=180.0)?;
    Ok(())
}

/// Takes the numbers. `vp_w` and `vp_h` stand in for `w` and `h`.
pub fn measure(draft: &mut Draft<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.ver =
        draft.whole("ver")?.map(|ver| i32::try_from(ver).map_err(|_| out_of_range("ver"))).transpose()?;
    fact.score = draft.float("score")?;
    fact.duration = draft.whole("duration")?;
    fact.cflags = draft.whole("cflags")?;
    if fact.cflags.is_some_and(i64::is_negative) {
        return Err(out_of_range("cflags"));
    }
    fact.w = or_else(draft, "w", "vp_w")?;
    fact.h = or_else(draft, "h", "vp_h")?;
    Ok(())
}

fn or_else(draft: &mut Draft<'_>, key: &str, alias: &str) -> Result<Option<i64>, Refusal> {
    match draft.whole(key)? {
        Some(value) => Ok(Some(value)), // the alias is then a field like any unknown one
        None => draft.whole(alias),
    }
}

fn degrees(draft: &mut Draft<'_>, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Refusal> {
    let degrees = draft.float(key)?;
    if degrees.is_some_and(|degrees| !range.contains(&degrees)) {
        Err(out_of_range(key))
    } else {
        Ok(degrees)
    }
}

fn out_of_range(key: &str) -> Refusal {
    reason::OUT_OF_RANGE.refuse(format!("`{key}` is out of its range"))
}
