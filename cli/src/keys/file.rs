//! The key file, written: one writer at a time, and the whole file or nothing. What others wrote in it stays as it is.

use crate::Failure;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use tracker_schemas::Timestamp;
use tracker_stream::keys::{KeyFile, Scope, Scopes};
use uuid::Uuid;

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name; `None`: `key-1`, `key-2`, …
    pub id: Option<String>,
    /// The tenant that it speaks for; `None`: any.
    pub tenant: Option<Uuid>,
    /// What it may do: [`Scope::Write`] alone makes a public key.
    pub scopes: Scopes,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

impl Wanted {
    /// A secret key of this name, for any tenant and everything.
    #[must_use]
    pub fn secret(id: &str) -> Self {
        Self { id: Some(id.to_owned()), tenant: None, scopes: Scopes::SECRET, expires_at: None }
    }
}

/// A key as it was made.
pub struct Made {
    /// Its name.
    pub id: String,
    /// The key, in plain text.
    pub secret: String,
}

/// Adds a key to the file, which is made (mode 0600, with a hash key) when it is not there.
///
/// # Errors
/// A file that cannot be read or written, is no key file, or has a key of that name.
pub fn create(path: &Path, wanted: &Wanted) -> Result<Made, Failure> {
    let _lock = lock(path)?;
    let present = if path.exists() { Some(KeyFile::load_with_text(path)?) } else { None };
    let taken = |id: &str| present.iter().any(|(known, _)| known.keys().any(|key| key.id == id));
    let id = match wanted.id.as_deref() {
        Some(id) if taken(id) => {
            let detail = format!("{} has a key `{id}` already: choose another --id", path.display());
            return Err(Failure::Usage(detail));
        }
        Some(id) => id.to_owned(),
        None => (1..).map(|number| format!("key-{number}")).find(|id| !taken(id)).unwrap_or_default(),
    };
    let secret = random_key(wanted)?;
    let mut text = match present {
        Some((_, text)) => text,
        None => format!(
            "# Written by `tracker keys new`. Keep it private, and keep it: without `hash_key` no old hash can be made again.\n\
             hash_key = \"{}\"\n",
            hex::encode(random::<32>()?)
        ),
    };
    text.push_str(&entry(&id, wanted, &secret));
    replace(path, &text)?;
    Ok(Made { id, secret })
}

/// What bears a name in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A key, secret or public.
    Key,
    /// An account.
    Account,
}

impl Named {
    const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Account => "account",
        }
    }

    /// The tables that it may stand in, and what its name is called there.
    const fn written(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Key => (&["secret", "write_key"], "id"),
            Self::Account => (&["account"], "uid"),
        }
    }

    fn is_in(self, file: &KeyFile, name: &str) -> bool {
        match self {
            Self::Key => file.keys().any(|key| key.id == name),
            Self::Account => file.accounts.iter().any(|account| account.uid == name),
        }
    }
}

/// Takes a key or an account out of the file.
///
/// # Errors
/// A file that cannot be read or written, has none of that name, or has it where only its author can take it out.
pub fn remove(path: &Path, what: Named, id: &str) -> Result<(), Failure> {
    let _lock = lock(path)?;
    let (known, text) = KeyFile::load_with_text(path)?;
    if !what.is_in(&known, id) {
        let what = what.name();
        let detail = format!("{} has no {what} `{id}`: `tracker keys ls` lists them", path.display());
        return Err(Failure::Usage(detail));
    }
    // The first piece is the top of the file, with the hash key: it is never taken out.
    let pieces = blocks(&text).into_iter().enumerate();
    let kept: String =
        pieces.filter(|(at, piece)| *at == 0 || !is_of(piece, what, id)).map(|(_, piece)| piece).collect();
    let left = KeyFile::parse(&kept, &path.display().to_string())?;
    if what.is_in(&left, id) {
        let detail = format!(
            "`{id}` is not written as a [[…]] block of its own in {}: take it out by hand",
            path.display()
        );
        return Err(Failure::Usage(detail));
    }
    replace(path, &kept)
}

/// Adds lines to a file that is there; `refuse` says what of it does not let them in.
///
/// # Errors
/// A file that cannot be read or written, or is no key file with them.
pub fn append(
    path: &Path,
    lines: &str,
    refuse: impl FnOnce(&KeyFile) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let _lock = lock(path)?;
    let (known, text) = KeyFile::load_with_text(path)?;
    refuse(&known)?;
    let text = format!("{text}{lines}");
    KeyFile::parse(&text, &path.display().to_string())?;
    replace(path, &text)
}

/// The text in pieces, each of which begins with a header of its own, and what is remarked above it; but for the first.
fn blocks(text: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let (mut at, mut remarks_at) = (0, None);
    for line in text.split_inclusive('\n') {
        match line.trim_start().bytes().next() {
            Some(b'[') => {
                cuts.push(remarks_at.unwrap_or(at));
                remarks_at = None;
            }
            None | Some(b'#') => drop(remarks_at.get_or_insert(at)),
            Some(_) => remarks_at = None,
        }
        at += line.len();
    }
    cuts.push(at);
    cuts.windows(2).filter_map(|cut| text.get(*cut.first()?..*cut.last()?)).collect()
}

/// Whether this block is what bears the name: one of another kind may bear the same.
fn is_of(block: &str, what: Named, id: &str) -> bool {
    let read: Result<toml::Table, _> = toml::from_str(block);
    let (kinds, name) = what.written();
    read.is_ok_and(|table| {
        kinds.iter().any(|kind| {
            let entries = table.get(*kind).and_then(toml::Value::as_array);
            entries.is_some_and(|entries| {
                entries.iter().any(|entry| entry.get(name).and_then(toml::Value::as_str) == Some(id))
            })
        })
    })
}

/// The lines of one key.
fn entry(id: &str, wanted: &Wanted, secret: &str) -> String {
    let Wanted { tenant, scopes, expires_at, .. } = wanted;
    let public = scopes.allow(Scope::Write);
    let kind = if public { "write_key" } else { "secret" };
    let tenant = tenant.map_or_else(String::new, |tenant| format!("tenant = \"{tenant}\"\n"));
    let names: Vec<String> = scopes.names().map(|name| format!("\"{name}\"")).collect();
    let all = public || *scopes == Scopes::SECRET;
    let scopes = if all { String::new() } else { format!("scopes = [{}]\n", names.join(", ")) };
    let expires = expires_at.map_or_else(String::new, |at| format!("expires = \"{}\"\n", at));
    let hash = hex::encode(Sha256::digest(secret));
    format!("\n[[{kind}]]\nid = {}\n{tenant}{scopes}{expires}sha256 = \"{hash}\"\n", toml::Value::from(id))
}

/// A key that nobody can guess. A public one is shorter: it stands in every page.
fn random_key(wanted: &Wanted) -> Result<String, Failure> {
    Ok(if wanted.scopes.allow(Scope::Write) {
        format!("tw_{}", hex::encode(random::<16>()?))
    } else {
        format!("tk_{}", hex::encode(random::<32>()?))
    })
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Io(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// Waits until nobody else writes. A lock on a file beside it: the key file itself becomes another one with each change. The
/// kernel takes the lock back from a process that dies.
fn lock(path: &Path) -> Result<File, Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::io(folder.display()))?;
    }
    let beside = path.with_extension("lock");
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(false).mode(0o600).open(&beside);
    let locked = opened.and_then(|file| file.lock().map(|()| file));
    locked.map_err(Failure::io(beside.display()))
}

/// Writes the whole file, or leaves it as it was.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
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
    use std::{os::unix::fs::PermissionsExt, path::PathBuf};

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/keys.toml");
        (folder, path)
    }

    fn unnamed() -> Wanted {
        Wanted { id: None, ..Wanted::secret("") }
    }

    #[test]
    fn the_first_secret_makes_the_file_and_only_its_hash_is_in_it() {
        let (_folder, path) = place();
        let made = create(&path, &unnamed()).unwrap();
        assert_eq!(made.id, "key-1");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(&path).unwrap().contains(&made.secret));
        let known = KeyFile::load(&path).unwrap();
        assert_eq!(known.secrets[0].sha256[..], Sha256::digest(&made.secret)[..]);
        assert_ne!(known.hash_key, [0; 32]);
    }

    #[test]
    fn another_secret_keeps_the_hash_key_and_the_secrets_before_it() {
        let (_folder, path) = place();
        let tenant = Some(Uuid::from_u128(7));
        create(&path, &Wanted { tenant, ..Wanted::secret("a \"quoted\" name") }).unwrap();
        let before = KeyFile::load(&path).unwrap();
        create(&path, &unnamed()).unwrap();
        let after = KeyFile::load(&path).unwrap();
        assert_eq!(after.hash_key, before.hash_key);
        assert_eq!(after.secrets[0].sha256, before.secrets[0].sha256);
        assert_eq!(after.secrets[0].id, "a \"quoted\" name");
        assert_eq!((after.secrets[0].tenant, after.secrets.len()), (tenant, 2));
    }

    #[test]
    fn what_was_asked_for_is_what_the_file_says() {
        let (_folder, path) = place();
        let scopes = Scopes::from_iter([Scope::Payments, Scope::Trace]);
        let expires_at = Some(Timestamp(1_800_000_000_000));
        create(&path, &Wanted { scopes, expires_at, ..Wanted::secret("till") }).unwrap();
        let write = Scopes::from_iter([Scope::Write]);
        let public = create(&path, &Wanted { scopes: write, ..Wanted::secret("site") }).unwrap();
        assert!(public.secret.starts_with("tw_"));
        let known = KeyFile::load(&path).unwrap();
        assert_eq!((known.secrets[0].scopes, known.secrets[0].expires_at), (scopes, Some(1_800_000_000_000)));
        assert_eq!((known.write_keys[0].id.as_str(), known.write_keys[0].scopes), ("site", write));
    }

    #[test]
    fn a_name_is_given_once_to_secret_and_public_keys_together() {
        let (_folder, path) = place();
        create(&path, &Wanted::secret("shop")).unwrap();
        let write = Scopes::from_iter([Scope::Write]);
        let again = create(&path, &Wanted { scopes: write, ..Wanted::secret("shop") });
        assert!(matches!(again, Err(Failure::Usage(_))));
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let (_folder, path) = place();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "hash_key = \"short\"").unwrap();
        assert!(matches!(create(&path, &unnamed()), Err(Failure::Mistakes(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "hash_key = \"short\"");
    }

    #[test]
    fn a_key_is_taken_back_and_what_stands_around_it_stays() {
        let (_folder, path) = place();
        for id in ["one", "two", "three"] {
            create(&path, &Wanted::secret(id)).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::write(
            &path,
            text.replace("[[secret]]\nid = \"three\"", "# of the till\n[[secret]]\nid = \"three\""),
        )
        .unwrap();
        remove(&path, Named::Key, "two").unwrap();
        let left = KeyFile::load(&path).unwrap();
        assert_eq!(left.keys().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["one", "three"]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# Written by") && text.contains("\n\n# of the till\n[[secret]]"), "{text}");
        assert!(!text.contains("\"two\""), "{text}");
        assert!(matches!(remove(&path, Named::Key, "two"), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_key_that_has_no_block_of_its_own_is_left_to_its_author() {
        let (_folder, path) = place();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let hex = "ab".repeat(32);
        let text = format!("hash_key = \"{hex}\"\nsecret = [{{ id = \"one\", sha256 = \"{hex}\" }}]\n");
        fs::write(&path, &text).unwrap();
        let refused = remove(&path, Named::Key, "one").unwrap_err().to_string();
        assert!(refused.contains("by hand"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn keys_that_are_made_at_once_are_all_there() {
        let (_folder, path) = place();
        let make = || create(&path, &unnamed()).unwrap().id;
        let mut made: Vec<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..16).map(|_| scope.spawn(make)).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 16, "each has a name of its own");
        assert_eq!(KeyFile::load(&path).unwrap().secrets.len(), 16);
    }
}
