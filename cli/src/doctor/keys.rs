//! The key file: is it there, is it one, can others read it?

use super::Finding;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tracker_stream::{config::Settings, keys::KeyFile};

const CHECK: &str = "keys";

pub fn examine(settings: &Settings) -> Vec<Finding> {
    match crate::keys::file(settings) {
        Ok(path) => vec![of(&path)],
        Err(_) => Vec::new(), // told among the settings
    }
}

fn of(path: &Path) -> Finding {
    let shown = path.display();
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            return Finding::wrong(
                CHECK,
                format_args!("{shown}: {error}"),
                "`tracker keys new` makes the key file",
            );
        }
    };
    let file = match KeyFile::load(path) {
        Ok(file) => file,
        Err(mistakes) => {
            let what = mistakes.iter().map(|mistake| mistake.detail.as_str()).collect::<Vec<_>>().join("; ");
            let mend = "bring back the file from a copy; where there is none, move it away and run `tracker keys new`: \
                        old hashes then meet no new ones";
            return Finding::wrong(CHECK, what, mend);
        }
    };
    if mode & 0o077 != 0 {
        let what = format!("{shown} can be read by others (mode {mode:03o})");
        return Finding::wrong(CHECK, what, format_args!("chmod 600 {shown}"));
    }
    match file.secrets.len() {
        0 => Finding::note(
            CHECK,
            format_args!("{shown} holds no secret key"),
            "`tracker keys new` makes one for a server",
        ),
        1 => Finding::good(CHECK, format_args!("{shown} holds 1 secret key")),
        more => Finding::good(CHECK, format_args!("{shown} holds {more} secret keys")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn a_missing_a_broken_and_an_open_file_are_each_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let missing = of(&path);
        assert_eq!((missing.verdict, missing.mend.contains("tracker keys new")), (Verdict::Wrong, true));

        crate::keys::create(&path, &crate::keys::Wanted::secret("one")).unwrap();
        assert_eq!(of(&path).verdict, Verdict::Good);

        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let open = of(&path);
        assert_eq!((open.verdict, open.mend), (Verdict::Wrong, format!("chmod 600 {}", path.display())));

        fs::write(&path, "hash_key = \"hush\"").unwrap();
        let broken = of(&path);
        assert_eq!(broken.verdict, Verdict::Wrong);
        assert!(
            broken.what.contains("`hash_key` is not 64 hex digits") && !broken.what.contains("hush"),
            "{broken}"
        );
    }

    #[test]
    fn a_file_without_secrets_is_worth_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, format!("hash_key = \"{}\"", "ab".repeat(32))).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(of(&path).verdict, Verdict::Note);
    }
}
