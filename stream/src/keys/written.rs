//! The key file as it is written, and what is wrong with it. Never repeats what stands where a key or a hash belongs.

use super::{Account, KEY, Key, KeyFile, Scope, Scopes};
use crate::config::{Mistake, Mistakes};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    hash_key: String,
    #[serde(default)]
    secret: Vec<Secret>,
    #[serde(default)]
    write_key: Vec<WriteKey>,
    #[serde(default)]
    account: Vec<WrittenAccount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    id: String,
    #[serde(default)]
    tenant: String,
    sha256: String,
    scopes: Option<Vec<String>>,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteKey {
    id: String,
    #[serde(default)]
    tenant: String,
    sha256: String,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAccount {
    uid: String,
    argon2id: String,
    #[serde(default)]
    tenant: String,
    scopes: Option<Vec<String>>,
    expires: Option<String>,
}

pub(super) const MAKE: &str = "`tracker keys new` makes one";
/// It cannot make a broken one good: the hash key in it may be all that old hashes can be made again with.
const MEND: &str = "bring it back from a copy, or move it away and run `tracker keys new`";

impl Written {
    pub(super) fn of(text: &str, origin: &str) -> Result<Self, Mistakes> {
        let read = toml::from_str(text);
        Ok(read.map_err(|error| Mistake::new(KEY, format!("{origin}: {}; {MEND}", error.message())))?)
    }

    /// What is meant; every mistake together.
    pub(super) fn meant(self, origin: &str) -> Result<KeyFile, Mistakes> {
        let mut noted = Noted { origin, mistakes: Mistakes::default() };
        let hash_key = noted.bytes("hash_key", &self.hash_key);
        let secrets = self.secret.into_iter().map(|Secret { id, tenant, sha256, scopes, expires }| Key {
            tenant: noted.tenant(&id, &tenant),
            sha256: noted.bytes(&format!("sha256 of the key `{id}`"), &sha256),
            scopes: noted.scopes(&id, scopes.as_deref()),
            expires_at: noted.expires(&id, expires.as_deref()),
            id,
        });
        let secrets = secrets.collect();
        let write_keys = self.write_key.into_iter().map(|WriteKey { id, tenant, sha256, expires }| Key {
            tenant: noted.tenant(&id, &tenant),
            sha256: noted.bytes(&format!("sha256 of the key `{id}`"), &sha256),
            scopes: Scopes::from_iter([Scope::Write]),
            expires_at: noted.expires(&id, expires.as_deref()),
            id,
        });
        let write_keys = write_keys.collect();
        let accounts = self.account.into_iter().map(|account| noted.account(account));
        let accounts = accounts.collect();
        noted.mistakes.or(KeyFile { hash_key, secrets, write_keys, accounts })
    }
}

/// Mistakes as they are found. Each reading gives a value that is right in form, so that the next can go on.
struct Noted<'a> {
    origin: &'a str,
    mistakes: Mistakes,
}

impl Noted<'_> {
    fn add(&mut self, detail: &str) {
        self.mistakes.add(Mistake::new(KEY, format!("{}: {detail}", self.origin)));
    }

    fn bytes(&mut self, name: &str, hex: &str) -> [u8; 32] {
        let mut key = [0; 32];
        if hex::decode_to_slice(hex, &mut key).is_err() {
            self.add(&format!("`{name}` is not 64 hex digits; {MEND}"));
        }
        key
    }

    /// Without scopes it may do what accounts are for.
    fn account(&mut self, written: WrittenAccount) -> Account {
        let WrittenAccount { uid, argon2id, tenant, scopes, expires } = written;
        if uid.is_empty() || uid.contains([':', '/']) {
            self.add(&format!("the account `{uid}` needs a name without `:` and `/`"));
        }
        if !argon2id.starts_with("$argon2id$") {
            self.add(&format!("the account `{uid}` has no argon2id hash; `tracker keys account` makes one"));
        }
        let named = scopes.as_deref().map(|names| self.scopes(&uid, Some(names)));
        Account {
            argon2id,
            tenant: self.tenant(&uid, &tenant),
            scopes: named.unwrap_or_else(|| Scopes::from_iter([Scope::Links])),
            expires_at: self.expires(&uid, expires.as_deref()),
            uid,
        }
    }

    fn tenant(&mut self, id: &str, tenant: &str) -> Option<Uuid> {
        if tenant.is_empty() {
            return None;
        }
        let tenant = Uuid::try_parse(tenant);
        if tenant.is_err() {
            self.add(&format!("the tenant of the key `{id}` is no UUID"));
        }
        tenant.ok()
    }

    fn scopes(&mut self, id: &str, names: Option<&[String]>) -> Scopes {
        let Some(names) = names else { return Scopes::SECRET };
        let known = names.iter().filter_map(|name| {
            let scope = Scope::of(name);
            if scope.is_none() {
                let all = Scope::SECRET.map(Scope::name).join(", ");
                self.add(&format!("the key `{id}` has a scope that is none; there are {all}"));
            }
            scope
        });
        let scopes = Scopes::from_iter(known);
        if names.is_empty() {
            self.add(&format!("the key `{id}` may do nothing: name its scopes, or leave them out for all"));
        }
        scopes
    }

    fn expires(&mut self, id: &str, text: Option<&str>) -> Option<i64> {
        let text = text?;
        let at = OffsetDateTime::parse(text, &Rfc3339).ok();
        let ms = at.and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok());
        if ms.is_none() {
            self.add(&format!("the key `{id}` expires at no time such as 2027-01-31T00:00:00Z"));
        }
        ms
    }
}
