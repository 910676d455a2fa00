//! Finding whose key was shown, in constant time for whoever shows it. Pure: the time comes in as an argument.

use super::{Key, Scope};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};
use subtle::ConstantTimeEq;

/// Why a key that was shown is good for nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There is no such key.
    Unknown,
    /// It was good until some time ago.
    Expired,
    /// It may do other things.
    WrongScope,
}

/// Keys, found by what was shown.
///
/// What is shown is hashed, and its hash looked up under a second hash whose key nobody knows; the one or none that lie there
/// are compared in constant time. To compare with each key instead would be as safe, and slow with thousands of tenants.
#[derive(Default)]
pub struct Ring {
    blind: RandomState,
    keys: HashMap<u64, Vec<Key>>,
}

impl Ring {
    /// The key that was shown, if it may do this now.
    ///
    /// # Errors
    /// Why it may not.
    pub fn find(&self, shown: &str, scope: Scope, now_ms: i64) -> Result<&Key, Unfit> {
        let sha256: [u8; 32] = Sha256::digest(shown).into();
        let near = self.keys.get(&self.blind.hash_one(sha256)).map_or(&[][..], Vec::as_slice);
        let found = near.iter().find(|key| bool::from(key.sha256.ct_eq(&sha256)));
        let key = found.ok_or(Unfit::Unknown)?;
        key.scopes.fit(scope, key.expires_at, now_ms).map(|()| key)
    }

    /// How many keys are on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<Key> for Ring {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        let mut ring = Self::default();
        for key in keys {
            ring.keys.entry(ring.blind.hash_one(key.sha256)).or_default().push(key);
        }
        ring
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Scopes, *};

    fn key(secret: &str, scopes: Scopes, expires_at: Option<i64>) -> Key {
        Key { id: secret.to_owned(), tenant: None, sha256: Sha256::digest(secret).into(), scopes, expires_at }
    }

    #[test]
    fn a_key_is_found_by_itself_alone() {
        let ring: Ring = ["one", "two"].map(|secret| key(secret, Scopes::SECRET, None)).into_iter().collect();
        let found = |shown: &str| ring.find(shown, Scope::Events, 0).map(|key| key.id.clone());
        assert_eq!(found("two").as_deref(), Ok("two"));
        assert_eq!(found("three"), Err(Unfit::Unknown));
        assert_eq!(found(""), Err(Unfit::Unknown));
        assert_eq!(ring.len(), 2);
    }

    #[test]
    fn a_key_is_good_for_its_scopes_until_it_expires() {
        let payments = Scopes::from_iter([Scope::Payments]);
        let ring = Ring::from_iter([key("till", payments, Some(1000))]);
        let found = |scope, now_ms| ring.find("till", scope, now_ms).map(|_| ());
        assert_eq!(found(Scope::Payments, 999), Ok(()));
        assert_eq!(found(Scope::Events, 999), Err(Unfit::WrongScope));
        assert_eq!(found(Scope::Payments, 1000), Err(Unfit::Expired));
    }
}
