//! The key file: who may do what. Secrets at rest are hashes; the hash key stays in this file and in memory. Never says
//! in a mistake, a log line or a debug text what a key is.

mod account;
mod ring;
mod scope;
mod written;

pub use account::Account;
pub use ring::{Ring, Unfit};
pub use scope::{Scope, Scopes};

use crate::config::{Mistake, Mistakes, Settings};
use serde::Deserialize;
use std::{
    fmt,
    path::{Path, PathBuf},
};
use uuid::Uuid;
use written::{MAKE, Written};

/// The setting that names the file.
const KEY: &str = "keys.file";

/// What the key file holds.
#[derive(Clone)]
pub struct KeyFile {
    /// Keys the hashes of e-mail, phone, user name, and of addresses. 32 bytes.
    pub hash_key: [u8; 32],
    /// The secret keys of servers.
    pub secrets: Vec<Key>,
    /// The public keys that browsers and apps send: [`Scope::Write`] and no other.
    pub write_keys: Vec<Key>,
    /// The accounts of people.
    pub accounts: Vec<Account>,
}

/// One key, by its SHA-256.
#[derive(Clone)]
pub struct Key {
    /// A name for people and metrics.
    pub id: String,
    /// The tenant that the key speaks for, as it stands in `oid`; `None`: any.
    pub tenant: Option<Uuid>,
    /// SHA-256 of the key. A key is random, so a plain hash is enough.
    pub sha256: [u8; 32],
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is good for nothing, milliseconds since the epoch.
    pub expires_at: Option<i64>,
}

/// Section `[keys]`.
#[derive(Debug, Clone, Deserialize)]
pub struct KeysConfig {
    /// The key file.
    pub file: PathBuf,
}

impl KeysConfig {
    /// Reads it.
    ///
    /// # Errors
    /// A section that does not say where the file is.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        settings.section("keys")
    }
}

impl KeyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML of the documented form, or holds a key that is not 32 bytes of hex.
    pub fn load(path: &Path) -> Result<Self, Mistakes> {
        Ok(Self::load_with_text(path)?.0)
    }

    /// The same, with the very text that was understood: for who changes it.
    ///
    /// # Errors
    /// As [`KeyFile::load`].
    pub fn load_with_text(path: &Path) -> Result<(Self, String), Mistakes> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Mistake::new(KEY, format!("cannot read {}: {error}; {MAKE}", path.display())))?;
        Ok((Self::parse(&text, &path.display().to_string())?, text))
    }

    /// Reads its text. `origin` names it in mistakes, which never repeat what the file holds.
    ///
    /// # Errors
    /// As [`KeyFile::load`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, Mistakes> {
        Written::of(text, origin)?.meant(origin)
    }

    /// All keys, secret and public.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.secrets.iter().chain(&self.write_keys)
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("secrets", &self.secrets)
            .field("write_keys", &self.write_keys)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn text(more: &str) -> String {
        format!("hash_key = \"{0}\"\n{1}", "ab".repeat(32), more.replace("HEX", &"cd".repeat(32)))
    }

    #[test]
    fn a_key_file_is_read() {
        let tenant = Uuid::from_u128(7);
        let written = format!(
            "[[secret]]\nid = \"shop\"\ntenant = \"{tenant}\"\nsha256 = \"HEX\"\nscopes = [\"payments\"]\n\
             expires = \"1970-01-01T00:00:01Z\"\n[[secret]]\nid = \"old\"\nsha256 = \"HEX\"\n\
             [[write_key]]\nid = \"site\"\ntenant = \"\"\nsha256 = \"HEX\"\n"
        );
        let file = KeyFile::parse(&text(&written), "keys.toml").unwrap();
        assert_eq!(file.hash_key, [0xab; 32]);
        let [shop, old] = &file.secrets[..] else { panic!("two secrets") };
        assert_eq!((shop.tenant, shop.expires_at, shop.sha256), (Some(tenant), Some(1000), [0xcd; 32]));
        assert_eq!(shop.scopes, Scopes::from_iter([Scope::Payments]));
        assert_eq!((old.scopes, old.expires_at), (Scopes::SECRET, None), "as before there were scopes");
        let [site] = &file.write_keys[..] else { panic!("one write key") };
        assert_eq!((site.scopes, site.tenant), (Scopes::from_iter([Scope::Write]), None));
        assert!(!format!("{file:?}").contains("205"), "no byte of a hash is shown: {file:?}");
    }

    #[test]
    fn every_bad_key_is_named_and_none_is_shown() {
        let text = "hash_key = \"hush\"\n[[secret]]\nid = \"shop\"\nsha256 = \"hush2\"\n";
        let mistakes = KeyFile::parse(text, "keys.toml").unwrap_err().to_string();
        assert!(mistakes.contains("`hash_key` is not 64 hex digits"), "{mistakes}");
        assert!(mistakes.contains("sha256 of the key `shop`"), "{mistakes}");
        assert!(mistakes.contains("bring it back from a copy"), "no new key mends an old one: {mistakes}");
        assert!(!mistakes.contains("hush"), "{mistakes}");
    }

    #[rstest]
    #[case::tenant("tenant = \"acme\"", "the tenant of the key `shop` is no UUID")]
    #[case::scope("scopes = [\"everything\"]", "has a scope that is none; there are events,")]
    #[case::no_scope("scopes = []", "may do nothing")]
    #[case::public("scopes = [\"write\"]", "has a scope that is none")]
    #[case::time("expires = \"soon\"", "expires at no time")]
    fn what_a_key_gets_wrong_is_said(#[case] line: &str, #[case] said: &str) {
        let written = text(&format!("[[secret]]\nid = \"shop\"\nsha256 = \"HEX\"\n{line}\n"));
        let mistakes = KeyFile::parse(&written, "keys.toml").unwrap_err().to_string();
        assert!(mistakes.contains(said), "{mistakes}");
    }
}
