//! `tracker keys`: secret keys for servers. A secret is shown once; the file keeps its hash. The hash key of the
//! deployment is made with the first secret and never changed: every hash of an address or a mailbox hangs on it.

use crate::{Failure, Out};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tracker_stream::{config::Settings, keys::KeyFile};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tracker keys new --id shop > secret.txt")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a secret key. It is printed once, and only its hash is kept.
    ///
    /// Servers send it as `Authorization: Bearer SECRET` to /tr/v1/str/ and /tr/v1/ltv/.
    #[command(
        after_help = "Example:\n  tracker keys new --id shop --tenant 6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    )]
    New {
        /// Tenant that the key speaks for (`oid` of its events). Without it: any tenant.
        #[arg(long, value_name = "UUID")]
        tenant: Option<Uuid>,
        /// Name of the key, for logs and metrics [default: key-1, key-2, …].
        #[arg(long, value_name = "NAME")]
        id: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Where `[keys]` says that the file is.
///
/// # Errors
/// A section that does not say it.
pub fn file(settings: &Settings) -> Result<PathBuf, Failure> {
    #[derive(Deserialize)]
    struct Section {
        file: PathBuf,
    }
    Ok(settings.section::<Section>("keys")?.file)
}

/// Where `tracker up` leaves the secret of this machine's own use: beside the key file.
///
/// # Errors
/// As [`file()`].
pub fn local_secret(settings: &Settings) -> Result<PathBuf, Failure> {
    Ok(file(settings)?.with_file_name("secret"))
}

/// Runs it.
///
/// # Errors
/// A key file that cannot be read or written, or already has a key of that name.
pub fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let Action::New { tenant, id, json } = &arguments.action;
    let path = file(settings)?;
    let made = create(&path, id.as_deref(), *tenant)?;
    if *json {
        return out.json(&json!({ "id": made.id, "secret": made.secret, "file": path }));
    }
    out.line(format_args!("{}", made.secret))?;
    let note =
        format!("The hash of this secret is in {} as `{}`. It is not shown again.", path.display(), made.id);
    writeln!(std::io::stderr(), "{note}").map_err(Failure::io("standard error"))
}

/// A key as it was made.
pub struct Made {
    /// Its name.
    pub id: String,
    /// The secret, in plain text.
    pub secret: String,
}

/// Adds a secret key to the file, which is made (mode 0600, with a hash key) when it is not there.
///
/// # Errors
/// A file that cannot be read or written, is no key file, or has a key of that name.
pub fn create(path: &Path, id: Option<&str>, tenant: Option<Uuid>) -> Result<Made, Failure> {
    let present = if path.exists() {
        let known = KeyFile::load(path)?;
        let text = fs::read_to_string(path).map_err(Failure::io(path.display()))?;
        Some((known, text))
    } else {
        None
    };
    let taken =
        |id: &str| present.iter().any(|(known, _)| known.secrets.iter().any(|secret| secret.id == id));
    let id = match id {
        Some(id) if taken(id) => {
            let detail = format!("{} has a key `{id}` already: choose another --id", path.display());
            return Err(Failure::Usage(detail));
        }
        Some(id) => id.to_owned(),
        None => (1..).map(|number| format!("key-{number}")).find(|id| !taken(id)).unwrap_or_default(),
    };
    let secret = format!("tk_{}", hex::encode(random()?));
    let mut text = match present {
        Some((_, text)) => text,
        None => format!(
            "# Written by `tracker keys new`. Keep it private, and keep it: without `hash_key` no old hash can be made again.\n\
             hash_key = \"{}\"\n",
            hex::encode(random()?)
        ),
    };
    text.push_str(&entry(&id, tenant, &secret));
    replace(path, &text)?;
    Ok(Made { id, secret })
}

/// The lines of one key.
fn entry(id: &str, tenant: Option<Uuid>, secret: &str) -> String {
    let tenant = tenant.map_or_else(String::new, |tenant| format!("tenant = \"{tenant}\"\n"));
    let hash = hex::encode(Sha256::digest(secret));
    format!("\n[[secret]]\nid = {}\n{tenant}sha256 = \"{hash}\"\n", toml::Value::from(id))
}

/// 32 bytes that nobody can guess.
fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Io(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// Writes the whole file, or leaves it as it was.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::io(folder.display()))?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(Failure::io(path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_secret_makes_the_file_and_only_its_hash_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/keys.toml");
        let made = create(&path, None, None).unwrap();
        assert_eq!(made.id, "key-1");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&path).unwrap().contains(&made.secret));
        let known = KeyFile::load(&path).unwrap();
        assert_eq!(known.secrets[0].sha256[..], Sha256::digest(&made.secret)[..]);
        assert_ne!(known.hash_key, [0; 32]);
    }

    #[test]
    fn another_secret_keeps_the_hash_key_and_the_secrets_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let tenant = Uuid::from_u128(7);
        create(&path, Some("a \"quoted\" name"), Some(tenant)).unwrap();
        let before = KeyFile::load(&path).unwrap();
        create(&path, None, None).unwrap();
        let after = KeyFile::load(&path).unwrap();
        assert_eq!(after.hash_key, before.hash_key);
        assert_eq!(after.secrets[0].sha256, before.secrets[0].sha256);
        assert_eq!(after.secrets[0].id, "a \"quoted\" name");
        assert_eq!(after.secrets[0].tenant, Some(tenant.to_string()));
        assert_eq!(after.secrets.len(), 2);
    }

    #[test]
    fn a_name_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        create(&path, Some("shop"), None).unwrap();
        assert!(matches!(create(&path, Some("shop"), None), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, "hash_key = \"short\"").unwrap();
        assert!(matches!(create(&path, None, None), Err(Failure::Mistakes(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "hash_key = \"short\"");
    }
}
