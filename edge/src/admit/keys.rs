//! The secret keys of servers, as the key file has them; read again when it changes.

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;
use tracker_stream::{
    config::{Mistake, Mistakes},
    keys::KeyFile,
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
    secrets: Vec<Secret>,
}

struct Secret {
    sha256: [u8; 32],
    known: Known,
}

/// A server that has shown a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The tenant that the key speaks for; `None`: any.
    pub tenant: Option<Uuid>,
}

impl Keys {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read or is wrong; a tenant that is no UUID.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        let first = stamp(path); // before the reading: a change right after it is seen
        let loaded = Loaded::of(KeyFile::load(path)?)?;
        Ok(Self { path: path.to_path_buf(), first, loaded: ArcSwap::from_pointee(loaded) })
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
        match KeyFile::load(&self.path).and_then(Loaded::of) {
            Ok(loaded) => {
                tracing::info!(secrets = loaded.secrets.len(), "the key file was read again");
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
    fn of(file: KeyFile) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let secrets = file.secrets.into_iter().map(|secret| {
            let tenant = secret.tenant.map(|tenant| {
                Uuid::try_parse(&tenant).unwrap_or_else(|_| {
                    let detail = format!("the tenant of the secret `{}` is no UUID", secret.id);
                    mistakes.add(Mistake::new("keys.file", detail));
                    Uuid::nil()
                })
            });
            Secret { sha256: secret.sha256, known: Known { tenant } }
        });
        let secrets = secrets.collect();
        mistakes.or(Self { hash_key: file.hash_key, secrets })
    }

    /// Whose secret this is. Compares its hash with every key's, in constant time.
    #[must_use]
    pub fn identify(&self, secret: &str) -> Option<Known> {
        let shown = Sha256::digest(secret.as_bytes());
        self.secrets.iter().fold(None, |found, key| {
            if bool::from(key.sha256.as_slice().ct_eq(shown.as_slice())) { Some(key.known) } else { found }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn file(secrets: &[(&str, &str)]) -> String {
        let mut text = format!("hash_key = \"{}\"\n", "ab".repeat(32));
        for (secret, tenant) in secrets {
            let sha256 = hex::encode(Sha256::digest(secret));
            text +=
                &format!("[[secret]]\nid = \"{secret}-id\"\ntenant = \"{tenant}\"\nsha256 = \"{sha256}\"\n");
        }
        text
    }

    #[test]
    fn a_secret_names_its_tenant() {
        let text = file(&[("one", ""), ("two", &TENANT.to_string())]);
        let loaded = Loaded::of(KeyFile::parse(&text, "keys").unwrap()).unwrap();
        assert_eq!(loaded.identify("one"), Some(Known { tenant: None }));
        assert_eq!(loaded.identify("two"), Some(Known { tenant: Some(TENANT) }));
        assert_eq!(loaded.identify("three"), None);
        assert_eq!(loaded.identify(""), None);
    }

    #[test]
    fn a_tenant_that_is_no_uuid_is_a_mistake() {
        let mistakes = Loaded::of(KeyFile::parse(&file(&[("one", "acme")]), "keys").unwrap()).err().unwrap();
        assert!(mistakes.to_string().contains("the tenant of the secret `one-id` is no UUID"), "{mistakes}");
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_wrong_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.toml");
        std::fs::write(&path, file(&[("one", "")])).unwrap();
        let keys = Arc::new(Keys::load(&path).unwrap());
        let shutdown = CancellationToken::new();
        let watching = tokio::spawn({
            let (keys, shutdown) = (Arc::clone(&keys), shutdown.clone());
            async move { keys.watch(shutdown).await }
        });
        let wait_for = async |secret: &str| {
            let known = async {
                while keys.now().identify(secret).is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), known).await.unwrap();
        };
        std::fs::write(&path, file(&[("two", ""), ("three", "")])).unwrap();
        wait_for("two").await;
        assert_eq!(keys.now().identify("one"), None);
        std::fs::write(&path, "hash_key = 1").unwrap();
        keys.reload();
        assert!(keys.now().identify("two").is_some());
        shutdown.cancel();
        watching.await.unwrap();
    }
}
