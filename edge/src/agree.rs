//! From a draft to a consent: who, what, under which law, where. Pure. A record of a refusal must not itself hold what was
//! refused: of the person it keeps the ids and a truncated address, and drops the rest.

use crate::{
    decode::members,
    draft::{Draft, Field, take::quote},
    reason,
    stamp::{self, Context},
};
use tracker_schemas::{Agreement, Topic, history};
use tracker_stream::fault::Refusal;

#[cfg(test)]
mod tests;

/// Bytes of a consent, at most: whoever asks for a visitor's gets many at once.
const LONGEST: usize = 16 << 10;
/// What `Sec-GPC: 1` and `DNT: 1` clear.
const MARKETING: i64 = 4096;

/// What describes the person or the device and proves no consent. An event has columns for these, from which a missing consent
/// bit takes them; here nothing would.
const DROPPED: [&str; 26] = [
    "sid",
    "email",
    "cell",
    "uname",
    "ehash",
    "chash",
    "uhash",
    "lat",
    "lon",
    "city",
    "zip",
    "gaid",
    "idfa",
    "msid",
    "fbid",
    "gclid",
    "fbclid",
    "msclkid",
    "ttclid",
    "li_fat_id",
    "twclid",
    "aff",
    "ip",
    "user_agent",
    "accept_language",
    "referer",
];

/// Reads a consent.
///
/// # Errors
/// No visitor, no consent bits, too long, or a field that is not what it has to be.
pub fn agreement(mut draft: Draft<'_>, context: &Context<'_>) -> Result<Agreement, Refusal> {
    if draft.bytes() > LONGEST {
        return Err(reason::EVENT_TOO_LARGE.refuse(format!("a consent has at most {LONGEST} bytes")));
    }
    for key in DROPPED {
        draft.take(key);
    }
    forget_in_params(&mut draft);
    let no_visitor = || {
        reason::MISSING_VISITOR.refuse("say whose consent it is: `vid`, a UUID, or the cookie of that name")
    };
    let created_at = draft.created_at(context.received_at).min(context.received_at);
    let host = stamp::host(context.host);
    Ok(Agreement {
        id: draft.uuid("id")?.unwrap_or_else(context.new_id),
        vid: draft.uuid("vid")?.ok_or_else(no_visitor)?,
        uid: draft.uuid("uid")?,
        oid: stamp::tenant(&mut draft, context)?,
        org: draft.text("org")?,
        app: draft.text("app")?,
        rel: draft.text("rel")?,
        cflags: flags(&mut draft, context)?,
        opt_out: context.opt_out,
        regulation: draft.text("regulation")?,
        jurisdiction: draft.text("jurisdiction")?,
        compliances: draft.json("compliances"),
        country: draft.text("country")?.map(|country| country.to_uppercase()),
        region: draft.text("region")?,
        culture: draft.text("culture")?,
        tz: draft.text("tz")?,
        url: draft.text("url")?.map(stamp::page),
        source: draft.text("source")?,
        ip: context.ip.map(|ip| stamp::address(ip, true)),
        params: stamp::gather(draft, Draft::new()),
        created_at,
        received_at: context.received_at,
        hhash: host.as_deref().map(stamp::hhash),
        host,
        edge: context.node.to_owned(),
        schema: history::version(Topic::Agreements),
    })
}

/// The bits that hold from now on.
fn flags(draft: &mut Draft<'_>, context: &Context<'_>) -> Result<i64, Refusal> {
    let none = || {
        reason::MISSING_CONSENT
            .refuse("say what is consented to: `cflags`, the sum of its bits; 0 is nothing")
    };
    let flags = draft.whole("cflags")?.ok_or_else(none)?;
    if flags < 0 {
        return Err(reason::OUT_OF_RANGE.refuse("`cflags` is a sum of bits, and not negative"));
    }
    Ok(if context.opt_out { flags & !MARKETING } else { flags })
}

/// Drops the same from a `params` that is an object, in any letter case.
fn forget_in_params(draft: &mut Draft<'_>) {
    let Some(params) = draft.take("params") else { return };
    let kept = match &params {
        Field::Json(json) if json.starts_with('{') => {
            let members = members(json).unwrap_or_default();
            let stays = |key: &str| !DROPPED.iter().any(|name| key.eq_ignore_ascii_case(name));
            let mut text = String::with_capacity(json.len());
            for (key, value) in members.iter().filter(|(key, _)| stays(key)) {
                text.push(if text.is_empty() { '{' } else { ',' });
                quote(key, &mut text);
                text.extend([":", value]);
            }
            text.push_str(if text.is_empty() { "{}" } else { "}" });
            Field::Json(text.into())
        }
        _ => params,
    };
    draft.set("params", kept);
}
