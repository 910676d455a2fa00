//! For whom a client of another product speaks: by what it shows where that product has a key, a token or the name of a site.
//! Pure.
//!
//! What is no key of ours is that product's, and says nothing; but where a write key is required. What is one of ours has to be
//! good: an event of a site whose key has expired is not to be stored as a stranger's.

use super::{Known, Loaded};
use crate::reason;
use tracker_stream::{fault::Refusal, keys::Scope};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A browser or an app; of the tenant whose write key it shows, if it shows one.
    Client(Option<Known>),
    /// A server, by a secret key that is good for events.
    Server(Known),
}

/// Who shows these, in their order. A secret key counts before a write key: who has one needs no other.
///
/// # Errors
/// A key that has expired or is good for other things, where no other is good; keys of several sites; none that is known, where
/// one is `required`.
pub fn identify<'a>(
    keys: &Loaded,
    shown: impl Iterator<Item = &'a str>,
    required: bool,
    now_ms: i64,
) -> Result<Speaker, Refusal> {
    let (mut client, mut server, mut unfit, mut is_shown) = (None, None, None, false);
    for key in shown.filter(|key| !key.is_empty()) {
        is_shown = true;
        match keys.identify(key, Scope::Write, now_ms) {
            Ok(known) => join(client.get_or_insert(known), known)?,
            Err(unknown) if unknown.reason == reason::UNKNOWN_KEY.tag => {}
            Err(expired) if expired.reason == reason::EXPIRED_KEY.tag => drop(unfit.get_or_insert(expired)),
            Err(_) => match keys.identify(key, Scope::Events, now_ms) {
                Ok(known) => join(server.get_or_insert(known), known)?,
                Err(refusal) => drop(unfit.get_or_insert(refusal)),
            },
        }
    }
    match (server, client, unfit) {
        (Some(mut server), Some(client), _) => {
            join(&mut server, client)?;
            Ok(Speaker::Server(server))
        }
        (Some(server), None, _) => Ok(Speaker::Server(server)),
        (None, Some(client), _) => Ok(Speaker::Client(Some(client))),
        (None, None, Some(refusal)) => Err(refusal),
        (None, None, None) if !required => Ok(Speaker::Client(None)),
        (None, None, None) if is_shown => Err(reason::UNKNOWN_KEY
            .refuse("make a write key of this deployment, and send it in the place of the other's")),
        (None, None, None) => {
            Err(reason::MISSING_KEY.refuse("send the site's write key where the other product has its own"))
        }
    }
}

/// A request speaks for one tenant, whichever of its keys names it. By the first it is counted.
fn join(first: &mut Known, known: Known) -> Result<(), Refusal> {
    if first.tenant.is_some() && known.tenant.is_some() && first.tenant != known.tenant {
        return Err(reason::KEY_MISMATCH.refuse("send events of one tenant in a request"));
    }
    first.tenant = first.tenant.or(known.tenant);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{FORMER_KEY, OTHER_KEY, SECRET, TENANT, TENANT_SECRET, TILL, WRITE_KEY, edge};
    use rstest::rstest;

    #[rstest]
    #[case::nothing(&[], false, Ok("client of none"))]
    #[case::nothing_where_it_is_needed(&[], true, Err("missing_key"))]
    #[case::nothing_in_it(&["", ""], true, Err("missing_key"))]
    #[case::theirs(&["phc_theirs"], false, Ok("client of none"))]
    #[case::theirs_where_ours_is_needed(&["phc_theirs"], true, Err("unknown_key"))]
    #[case::ours(&[WRITE_KEY], true, Ok("client of its tenant"))]
    #[case::ours_beside_theirs(&["G-1", WRITE_KEY, "G-2"], true, Ok("client of its tenant"))]
    #[case::ours_twice(&[WRITE_KEY, WRITE_KEY], false, Ok("client of its tenant"))]
    #[case::of_two_tenants(&[WRITE_KEY, OTHER_KEY], false, Err("key_mismatch"))]
    #[case::secret(&[TENANT_SECRET], false, Ok("server of its tenant"))]
    #[case::secret_of_any(&[SECRET], true, Ok("server of none"))]
    #[case::secret_beside_ours(&[WRITE_KEY, TENANT_SECRET], false, Ok("server of its tenant"))]
    #[case::secret_of_any_beside_ours(&[WRITE_KEY, SECRET], false, Ok("server of its tenant"))]
    #[case::secret_of_any_before_its_own(&[SECRET, TENANT_SECRET], false, Ok("server of its tenant"))]
    #[case::secret_of_any_before_two_tenants(&[SECRET, TENANT_SECRET, OTHER_KEY], false, Err("key_mismatch"))]
    #[case::secret_beside_anothers(&[OTHER_KEY, TENANT_SECRET], false, Err("key_mismatch"))]
    #[case::expired(&[FORMER_KEY], false, Err("expired_key"))]
    #[case::expired_beside_ours(&[FORMER_KEY, WRITE_KEY], false, Ok("client of its tenant"))]
    #[case::for_payments(&[TILL], false, Err("wrong_scope"))]
    fn who_speaks_is_known_by_what_is_ours(
        #[case] shown: &[&str],
        #[case] required: bool,
        #[case] expected: Result<&str, &str>,
    ) {
        let tested = edge("");
        let keys = tested.edge.collector.keys.now();
        let found = identify(&keys, shown.iter().copied(), required, 1_800_000_000_000);
        let of = |tenant| if tenant == Some(TENANT) { "its tenant" } else { "none" };
        let found = found.map(|speaker| match speaker {
            Speaker::Client(known) => format!("client of {}", of(known.and_then(|known| known.tenant))),
            Speaker::Server(known) => format!("server of {}", of(known.tenant)),
        });
        assert_eq!(found.as_deref().map_err(|refusal| refusal.reason), expected);
    }
}
