//! What keys and accounts there are. Never shows a key, a password or a hash.

use crate::{Failure, Out};
use serde::Serialize;
use std::path::Path;
use tracker_schemas::Timestamp;
use tracker_stream::{
    clock,
    keys::{Account, Key, KeyFile},
};
use uuid::Uuid;

/// A key or an account, as it is told.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Told {
    id: String,
    account: bool,
    tenant: Option<Uuid>,
    scopes: Vec<&'static str>,
    expires: Option<String>,
    expired: bool,
}

impl Told {
    fn of(key: &Key, now_ms: i64) -> Self {
        Self {
            id: key.id.clone(),
            account: false,
            tenant: key.tenant,
            scopes: key.scopes.names().collect(),
            expires: key.expires_at.map(|at| Timestamp(at).to_string()),
            expired: key.expires_at.is_some_and(|at| now_ms >= at),
        }
    }

    fn of_account(account: &Account, now_ms: i64) -> Self {
        Self {
            id: account.uid.clone(),
            account: true,
            tenant: account.tenant,
            scopes: account.scopes.names().collect(),
            expires: account.expires_at.map(|at| Timestamp(at).to_string()),
            expired: account.expires_at.is_some_and(|at| now_ms >= at),
        }
    }

    fn line(&self) -> String {
        let Self { id, account, tenant, scopes, expires, expired } = self;
        let tenant = tenant.map_or_else(|| "any tenant".to_owned(), |tenant| tenant.to_string());
        let until = match (expires, expired) {
            (None, _) => "never expires".to_owned(),
            (Some(at), false) => format!("expires {at}"),
            (Some(at), true) => format!("EXPIRED {at}"),
        };
        let what = if *account { "account" } else { "key" };
        format!("{id:<20}  {what:<7}  {tenant:<36}  {:<38}  {until}", scopes.join(","))
    }
}

/// Lists the keys and accounts of a file.
pub(super) fn list(path: &Path, json: bool, out: &mut Out) -> Result<(), Failure> {
    let (file, now_ms) = (KeyFile::load(path)?, clock::now_ms());
    let accounts = file.accounts.iter().map(|account| Told::of_account(account, now_ms));
    let told: Vec<Told> = file.keys().map(|key| Told::of(key, now_ms)).chain(accounts).collect();
    if json {
        return out.json(&told);
    }
    told.iter().try_for_each(|key| out.push(key.line()))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::keys::{Scope, Scopes};

    #[test]
    fn an_account_is_told_as_one_and_without_its_hash() {
        let account = Account {
            uid: "marketing".to_owned(),
            argon2id: "$argon2id$x".to_owned(),
            tenant: None,
            scopes: Scopes::from_iter([Scope::Links]),
            expires_at: None,
        };
        let line = Told::of_account(&account, 0).line();
        assert!(
            line.starts_with("marketing ") && line.contains(" account ") && line.contains(" links "),
            "{line}"
        );
        assert!(!line.contains("argon2"), "{line}");
    }

    #[test]
    fn a_key_is_told_without_its_hash() {
        let key = Key {
            id: "shop".to_owned(),
            tenant: Some(Uuid::from_u128(7)),
            sha256: [0xab; 32],
            scopes: Scopes::SECRET,
            expires_at: Some(1_000),
        };
        let line = Told::of(&key, 999).line();
        assert!(line.starts_with("shop ") && line.contains("events,payments,links,forget,trace"), "{line}");
        assert!(line.ends_with("expires 1970-01-01T00:00:01.000Z"), "{line}");
        assert!(Told::of(&key, 1_000).line().contains("EXPIRED"));
        assert!(!line.contains("abab"));
    }
}
