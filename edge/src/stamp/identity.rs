//! Who: ids, the tenant, and the hashes of what must never be stored.

use super::{Context, plain};
use crate::{
    draft::{Draft, Field},
    reason,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tracker_schemas::Fact;
use tracker_stream::fault::Refusal;
use uuid::Uuid;

/// Takes every id. The tenant comes first, because visitors that are named by a text are named within it.
pub fn ids(draft: &mut Draft<'_>, context: &Context<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    fact.eid = draft.uuid("eid")?.unwrap_or_else(context.new_id);
    fact.oid = tenant(draft, context)?;
    let namespace = fact.oid.unwrap_or_default();
    fact.vid = named(draft, "vid", namespace)?;
    fact.sid = named(draft, "sid", namespace)?;
    fact.uid = named(draft, "uid", namespace)?;
    fact.tid = draft.uuid("tid")?;
    fact.rid = draft.uuid("rid")?;
    fact.auth_id = draft.uuid("auth_id")?;
    fact.invoice_id = draft.uuid("invoice_id")?;
    fact.mid = draft.uuid("mid")?;
    Ok(())
}

/// Takes an id that may be any text. Where that is an e-mail address, it does not stay as other texts do: it becomes the
/// `email` of which only the hash is stored, unless that one or its hash was sent.
fn named(draft: &mut Draft<'_>, key: &str, namespace: Uuid) -> Result<Option<Uuid>, Refusal> {
    let id = draft.named(key, namespace)?;
    if draft.get(key).is_some_and(|left| is_address(left.as_text().trim()))
        && let Some(address) = draft.take(key)
        && !["email", "ehash"].iter().any(|key| draft.get(key).is_some_and(|field| !field.is_blank()))
    {
        draft.set("email", address);
    }
    Ok(id)
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

/// Takes `oid`: the key's tenant where the key has one.
///
/// # Errors
/// Another tenant than the key's; no UUID.
pub fn tenant(draft: &mut Draft<'_>, context: &Context<'_>) -> Result<Option<Uuid>, Refusal> {
    let said = draft.uuid("oid")?;
    match (said, context.tenant) {
        (Some(said), Some(key)) if said != key => {
            Err(reason::TENANT_MISMATCH.refuse("`oid` names another tenant than the key; leave it out"))
        }
        (said, key) => Ok(said.or(key)),
    }
}

/// Takes `email`, `cell` and `uname` and leaves only their hashes. A hash that the client made itself counts
/// where what it hides was not sent. In `params` they are as plain as beside it.
pub fn hashes(draft: &mut Draft<'_>, context: &Context<'_>, fact: &mut Fact) -> Result<(), Refusal> {
    plain::lift(draft);
    let email = draft.text("email")?.map(|text| text.trim().to_lowercase());
    let cell = draft.text("cell")?.map(|text| text.chars().filter(char::is_ascii_digit).collect());
    let uname = draft.text("uname")?.map(|text| text.trim().to_lowercase());
    for (plain, key, hash) in [
        (email, "ehash", &mut fact.ehash),
        (cell, "chash", &mut fact.chash),
        (uname, "uhash", &mut fact.uhash),
    ] {
        *hash = match plain.filter(|plain: &String| !plain.is_empty()) {
            Some(plain) => Some(keyed(&plain, context.hash_key)),
            None => draft.text(key)?,
        };
    }
    Ok(())
}

/// Puts those hashes in the place of what they hide, for a record that has no column for them.
pub fn conceal(draft: &mut Draft<'_>, context: &Context<'_>) -> Result<(), Refusal> {
    let mut fact = Fact::default();
    hashes(draft, context, &mut fact)?;
    for (key, hash) in [("ehash", fact.ehash), ("chash", fact.chash), ("uhash", fact.uhash)] {
        if let Some(hash) = hash {
            draft.set(key, Field::Text(hash.into()));
        }
    }
    Ok(())
}

/// HMAC-SHA-256, 64 hex digits.
fn keyed(plain: &str, key: &[u8; 32]) -> String {
    let mut block = [0; 64]; // HMAC fills a shorter key with zeros
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(plain.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
