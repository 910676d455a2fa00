//! The keys of a first start. The secret stays in a file beside the key file, for this machine's own use.

use crate::{Failure, keys};
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tracker_stream::config::Settings;

/// The name of the key.
const LOCAL: &str = "local";

/// Where the secret is kept.
pub(super) fn file(settings: &Settings) -> Result<PathBuf, Failure> {
    keys::local_secret(settings)
}

/// Makes the key file, where there is none.
pub(super) fn make_keys(settings: &Settings) -> Result<(), Failure> {
    make(&keys::file(settings)?, &file(settings)?)
}

fn make(keys: &Path, secret: &Path) -> Result<(), Failure> {
    if keys.exists() {
        return Ok(());
    }
    let made = keys::create(keys, &keys::Wanted::secret(LOCAL))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(secret)
        .map_err(Failure::io(secret.display()))?;
    writeln!(file, "{}", made.secret).map_err(Failure::io(secret.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_second_start_keeps_the_first_ones_secret() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, secret) = (folder.path().join("keys.toml"), folder.path().join("secret"));
        make(&keys, &secret).unwrap();
        let first = fs::read_to_string(&secret).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        make(&keys, &secret).unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), first);
    }
}
