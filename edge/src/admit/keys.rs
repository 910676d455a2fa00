//! The keys, secret and public, as the key file has them; read again when it changes.

use crate::reason;
use arc_swap::ArcSwap;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;
use tracker_stream::{
    config::Mistakes,
    fault::Refusal,
    keys::{Account, Key, KeyFile, Ring, Scope, Unfit},
};
use uuid::Uuid;

/// How often the file is looked at for a change.
const POLL: Duration = Duration::from_secs(1);

/// The keys as they are now.
pub struct Keys {
    path: PathBuf,
    first: Option<Stamp>,
    loaded: ArcSwap<Loaded>,
}

/// What changes when the file does.
type Stamp = (SystemTime, u64);

/// One reading of the key file.
pub struct Loaded {
    /// The deployment's key for hashes.
    pub hash_key: [u8; 32],
    ring: Ring,
    /// Whether there are public keys at all.
    has_write_keys: bool,
    accounts: HashMap<String, Account>,
}

/// Who has shown a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The tenant that the key speaks for; `None`: any.
    pub tenant: Option<Uuid>,
    /// Tells the key from others, where what it sends is counted. Made of its hash: not the key, and not secret.
    pub key: u64,
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read or is wrong.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        let first = stamp(path); // before the reading: a change right after it is seen
        let loaded = Loaded::of(KeyFile::load(path)?);
        Ok(Self { path: path.to_path_buf(), first, loaded: ArcSwap::from_pointee(loaded) })
    }

    /// The same; where there is no file, nobody has a key, and the hash key is one that everybody knows: a hash of a test is the
    /// same in its next run.
    ///
    /// # Errors
    /// A file that is there and cannot be read, or is wrong.
    pub fn load_if_there(path: &Path) -> Result<Self, Mistakes> {
        if stamp(path).is_some() {
            return Self::load(path);
        }
        let none = KeyFile { hash_key: [0; 32], secrets: vec![], write_keys: vec![], accounts: vec![] };
        let loaded = ArcSwap::from_pointee(Loaded::of(none));
        Ok(Self { path: path.to_path_buf(), first: None, loaded })
    }

    /// The keys as they are now. One request keeps to one reading.
    #[must_use]
    pub fn now(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }

    /// Reads the file again whenever it changes, until `shutdown`. A wrong file changes nothing.
    pub async fn watch(&self, shutdown: CancellationToken) {
        let mut seen = self.first;
        while shutdown.run_until_cancelled(tokio::time::sleep(POLL)).await.is_some() {
            let stamp = stamp(&self.path);
            if stamp != seen {
                seen = stamp;
                self.reload();
            }
        }
    }

    fn reload(&self) {
        match KeyFile::load(&self.path).map(Loaded::of) {
            Ok(loaded) => {
                tracing::info!(keys = loaded.ring.len(), "the key file was read again");
                self.loaded.store(Arc::new(loaded));
            }
            Err(mistakes) => {
                tracing::warn!(%mistakes, "the changed key file is wrong; the keys stay as they were")
            }
        }
    }
}

/// The stamp of the file; a file that is gone has none.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl Loaded {
    fn of(file: KeyFile) -> Self {
        let has_write_keys = !file.write_keys.is_empty();
        let ring = file.secrets.into_iter().chain(file.write_keys).collect();
        let accounts = file.accounts.into_iter().map(|account| (account.uid.clone(), account)).collect();
        Self { hash_key: file.hash_key, ring, has_write_keys, accounts }
    }

    /// Who shows this key, if it may do this now.
    ///
    /// # Errors
    /// The refusal that says what is wrong with the key, and never what it is.
    pub fn identify(&self, shown: &str, scope: Scope, now_ms: i64) -> Result<Known, Refusal> {
        self.key(shown, scope, now_ms).map(Known::of)
    }

    /// The key itself, likewise.
    ///
    /// # Errors
    /// As [`Self::identify`].
    pub fn key(&self, shown: &str, scope: Scope, now_ms: i64) -> Result<&Key, Refusal> {
        self.ring.find(shown, scope, now_ms).map_err(|unfit| match unfit {
            Unfit::Unknown => reason::UNKNOWN_KEY.refuse("this key is not in the key file"),
            Unfit::Expired => reason::EXPIRED_KEY.refuse("make another key; this one has expired"),
            Unfit::WrongScope => {
                reason::WRONG_SCOPE.refuse(format!("use a key with the scope `{}`", scope.name()))
            }
        })
    }

    /// Whether this is one of the keys at all, good or not.
    #[must_use]
    pub fn knows(&self, shown: &str) -> bool {
        !matches!(self.ring.find(shown, Scope::Write, i64::MIN), Err(Unfit::Unknown))
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, uid: &str) -> Option<&Account> {
        self.accounts.get(uid)
    }

    /// For whom a client speaks: by the public key that it shows, if it shows one. Without `required`, and with no public
    /// key in the file, a deployment has no use for them: whatever is shown says nothing then.
    ///
    /// # Errors
    /// None shown where one is required; and what [`Self::identify`] refuses.
    pub fn identify_client(
        &self,
        shown: Option<&str>,
        required: bool,
        now_ms: i64,
    ) -> Result<Option<Known>, Refusal> {
        match shown {
            None if required => Err(reason::MISSING_KEY.refuse("send the site's write key as `k`")),
            Some(shown) if required || self.has_write_keys => {
                self.identify(shown, Scope::Write, now_ms).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Known {
    fn of(key: &Key) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = key.sha256;
        Self { tenant: key.tenant, key: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::wait_for;
    use rstest::rstest;
    use sha2::{Digest, Sha256};

    const TENANT: Uuid = Uuid::from_u128(7);
    const NOON: i64 = 1_700_000_000_000;

    fn entry(kind: &str, secret: &str, more: &str) -> String {
        let sha256 = hex::encode(Sha256::digest(secret));
        format!("[[{kind}]]\nid = \"{secret}-id\"\nsha256 = \"{sha256}\"\n{more}\n")
    }

    fn file(entries: &[String]) -> String {
        format!("hash_key = \"{}\"\n{}", "ab".repeat(32), entries.concat())
    }

    fn loaded(entries: &[String]) -> Loaded {
        Loaded::of(KeyFile::parse(&file(entries), "keys").unwrap())
    }

    fn secret(secret: &str) -> String {
        entry("secret", secret, "")
    }

    #[rstest]
    #[case::any_tenant("one", Scope::Events, Ok(None))]
    #[case::its_tenant("two", Scope::Events, Ok(Some(TENANT)))]
    #[case::unknown("three", Scope::Events, Err("unknown_key"))]
    #[case::nothing("", Scope::Events, Err("unknown_key"))]
    #[case::other_scope("till", Scope::Events, Err("wrong_scope"))]
    #[case::own_scope("till", Scope::Payments, Ok(None))]
    #[case::expired("old", Scope::Events, Err("expired_key"))]
    #[case::public("site", Scope::Events, Err("wrong_scope"))]
    #[case::secret_in_public("one", Scope::Write, Err("wrong_scope"))]
    fn a_key_speaks_for_its_tenant_within_its_scopes(
        #[case] shown: &str,
        #[case] scope: Scope,
        #[case] expected: Result<Option<Uuid>, &str>,
    ) {
        let loaded = loaded(&[
            secret("one"),
            entry("secret", "two", &format!("tenant = \"{TENANT}\"")),
            entry("secret", "till", "scopes = [\"payments\"]"),
            entry("secret", "old", "expires = \"2023-01-01T00:00:00Z\""),
            entry("write_key", "site", ""),
        ]);
        let found = loaded.identify(shown, scope, NOON);
        assert_eq!(found.map(|known| known.tenant).map_err(|refusal| refusal.reason), expected);
    }

    #[rstest]
    #[case::not_needed(&[], None, false, Ok(None))]
    #[case::no_use_for_keys(&[], Some("any"), false, Ok(None))]
    #[case::required_and_none(&[], None, true, Err("missing_key"))]
    #[case::required_and_unknown(&[], Some("any"), true, Err("unknown_key"))]
    #[case::checked_once_there_are_some(&["site"], Some("any"), false, Err("unknown_key"))]
    #[case::none_shown(&["site"], None, false, Ok(None))]
    #[case::known(&["site"], Some("site"), true, Ok(Some(TENANT)))]
    fn a_client_may_or_must_show_a_public_key(
        #[case] keys: &[&str],
        #[case] shown: Option<&str>,
        #[case] required: bool,
        #[case] expected: Result<Option<Uuid>, &str>,
    ) {
        let tenant = format!("tenant = \"{TENANT}\"");
        let entries: Vec<String> = keys.iter().map(|key| entry("write_key", key, &tenant)).collect();
        let found = loaded(&entries).identify_client(shown, required, NOON);
        let tenant = found.map(|known| known.and_then(|known| known.tenant));
        assert_eq!(tenant.map_err(|refusal| refusal.reason), expected);
    }

    #[tokio::test]
    async fn without_a_file_nobody_has_a_key_until_there_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.toml");
        let keys = Keys::load_if_there(&path).unwrap();
        assert_eq!(keys.now().identify("one", Scope::Events, NOON).unwrap_err().reason, "unknown_key");
        std::fs::write(&path, file(&[secret("one")])).unwrap();
        keys.reload();
        assert!(keys.now().identify("one", Scope::Events, NOON).is_ok());
        std::fs::write(&path, "hash_key = 1").unwrap();
        assert!(Keys::load_if_there(&path).is_err(), "what is there has to be right");
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_wrong_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.toml");
        std::fs::write(&path, file(&[secret("one")])).unwrap();
        let keys = Arc::new(Keys::load(&path).unwrap());
        let shutdown = CancellationToken::new();
        let watching = tokio::spawn({
            let (keys, shutdown) = (Arc::clone(&keys), shutdown.clone());
            async move { keys.watch(shutdown).await }
        });
        let knows = |secret: &str| keys.now().identify(secret, Scope::Events, NOON).is_ok();
        std::fs::write(&path, file(&[secret("two"), secret("three")])).unwrap();
        let known = wait_for("the new key", || knows("two"));
        tokio::time::timeout(Duration::from_secs(20), known).await.unwrap();
        assert!(!knows("one"));
        std::fs::write(&path, "hash_key = 1").unwrap();
        keys.reload();
        assert!(knows("two"));
        shutdown.cancel();
        watching.await.unwrap();
    }
}
