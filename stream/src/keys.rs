//! The key file: secrets at rest are hashes; the hash key stays in this file and in memory.

use crate::config::{Mistake, Mistakes};
use serde::Deserialize;
use std::{fmt, path::Path};

/// What the key file holds.
#[derive(Clone)]
pub struct KeyFile {
    /// Keys the hashes of e-mail, phone, user name, and of addresses. 32 bytes.
    pub hash_key: [u8; 32],
    /// The secret keys of servers.
    pub secrets: Vec<SecretKey>,
}

/// One secret key, by its SHA-256.
#[derive(Clone)]
pub struct SecretKey {
    /// A name for logs and metrics.
    pub id: String,
    /// The tenant that the key speaks for, as it stands in `oid`; `None`: any.
    pub tenant: Option<String>,
    /// SHA-256 of the secret. A secret is random, so a plain hash is enough.
    pub sha256: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    hash_key: String,
    #[serde(default)]
    secret: Vec<WrittenSecret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSecret {
    id: String,
    #[serde(default)]
    tenant: String,
    sha256: String,
}

const KEY: &str = "keys.file";
const MAKE: &str = "`tracker keys new` makes one";
/// It cannot make a broken one good: the hash key in it may be all that old hashes can be made again with.
const MEND: &str = "bring it back from a copy, or move it away and run `tracker keys new`";

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML of the documented form, or holds a key that is not 32 bytes of hex.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Mistake::new(KEY, format!("cannot read {}: {error}; {MAKE}", path.display())))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads its text. `origin` names it in mistakes, which never repeat what the file holds.
    ///
    /// # Errors
    /// As [`KeyFile::load`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, Mistakes> {
        let written: Written = toml::from_str(text)
            .map_err(|error| Mistake::new(KEY, format!("{origin}: {}; {MEND}", error.message())))?;
        let mut mistakes = Mistakes::default();
        let mut bytes = |name: &str, hex: &str| {
            let mut key = [0; 32];
            if hex::decode_to_slice(hex, &mut key).is_err() {
                mistakes.add(Mistake::new(KEY, format!("{origin}: `{name}` is not 64 hex digits; {MEND}")));
            }
            key
        };
        let hash_key = bytes("hash_key", &written.hash_key);
        let secrets = written.secret.into_iter().map(|secret| SecretKey {
            sha256: bytes(&format!("sha256 of the secret `{}`", secret.id), &secret.sha256),
            id: secret.id,
            tenant: Some(secret.tenant).filter(|tenant| !tenant.is_empty()),
        });
        let secrets = secrets.collect();
        mistakes.or(Self { hash_key, secrets })
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read() {
        let hex = "ab".repeat(32);
        let text =
            format!("hash_key = \"{hex}\"\n[[secret]]\nid = \"shop\"\ntenant = \"t\"\nsha256 = \"{hex}\"\n");
        let file = KeyFile::parse(&text, "keys.toml").unwrap();
        assert_eq!(file.hash_key, [0xab; 32]);
        assert_eq!(file.secrets[0].tenant.as_deref(), Some("t"));
    }

    #[test]
    fn every_bad_key_is_named_and_none_is_shown() {
        let text = "hash_key = \"hush\"\n[[secret]]\nid = \"shop\"\nsha256 = \"hush2\"\n";
        let mistakes = KeyFile::parse(text, "keys.toml").unwrap_err().to_string();
        assert!(mistakes.contains("`hash_key` is not 64 hex digits"), "{mistakes}");
        assert!(mistakes.contains("sha256 of the secret `shop`"), "{mistakes}");
        assert!(mistakes.contains("bring it back from a copy"), "no new key mends an old one: {mistakes}");
        assert!(!mistakes.contains("hush"), "{mistakes}");
    }
}
