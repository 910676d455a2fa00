//! `tracker keys account`: accounts of people. The password is typed, or made and shown once; the file keeps its argon2id hash.

use super::{end, file};
use crate::{Failure, Out};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, SaltString},
};
use serde_json::json;
use std::{io::BufRead, path::Path};
use tracker_schemas::Timestamp;
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Name of the account.
    #[arg(long, value_name = "NAME")]
    uid: String,
    /// Tenant that it speaks for. Without it: any tenant.
    #[arg(long, value_name = "UUID")]
    tenant: Option<Uuid>,
    /// When it ends: after a span such as 90d, or at a time such as 2027-01-31T00:00:00Z. Without it: never.
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Option<Timestamp>,
    /// Read the password from the first line of standard input; without it one is made and printed.
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Examples.
pub const AFTER: &str = "Examples:
  tracker keys account --uid marketing > password.txt
  pass show tracker | tracker keys account --uid marketing --password-stdin --expires 90d";

/// The shortest password that is taken.
const SHORTEST: usize = 12;

/// Makes it.
///
/// # Errors
/// A key file that cannot be read or written, or has an account of that name; a password that is too short.
pub fn run(arguments: &Arguments, path: &Path, out: &mut Out) -> Result<(), Failure> {
    let Arguments { uid, password_stdin, json, .. } = arguments;
    let given = if *password_stdin { Some(typed(std::io::stdin().lock())?) } else { None };
    let password = match &given {
        Some(password) => password.clone(),
        None => hex::encode(file::random::<16>()?),
    };
    make(arguments, path, &password)?;
    match (given, json) {
        (Some(_), true) => out.json(&json!({ "uid": uid, "file": path })),
        (None, true) => out.json(&json!({ "uid": uid, "password": password, "file": path })),
        (Some(_), false) => out.line(format_args!("the account `{uid}` is in {}", path.display())),
        (None, false) => out.line(password),
    }
}

fn typed(mut input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(Failure::io("standard input"))?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.chars().count() < SHORTEST {
        return Err(Failure::Usage(format!("a password has at least {SHORTEST} characters")));
    }
    Ok(password)
}

fn make(arguments: &Arguments, path: &Path, password: &str) -> Result<(), Failure> {
    let Arguments { uid, tenant, expires, .. } = arguments;
    let hash = hashed(password)?;
    let tenant = tenant.map_or_else(String::new, |tenant| format!("tenant = \"{tenant}\"\n"));
    let expires = expires.map_or_else(String::new, |at| format!("expires = \"{at}\"\n"));
    let lines = format!(
        "\n[[account]]\nuid = {}\n{tenant}{expires}argon2id = \"{hash}\"\n",
        toml::Value::from(uid.as_str())
    );
    file::append(path, &lines, |known| {
        if known.accounts.iter().any(|account| account.uid == *uid) {
            let detail = format!("{} has an account `{uid}` already: choose another --uid", path.display());
            return Err(Failure::Usage(detail));
        }
        Ok(())
    })
}

fn hashed(password: &str) -> Result<String, Failure> {
    let salt = SaltString::encode_b64(&file::random::<16>()?);
    let hash =
        salt.and_then(|salt| Ok(Argon2::default().hash_password(password.as_bytes(), &salt)?.to_string()));
    hash.map_err(|error| Failure::Io(format!("the password cannot be hashed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Wanted, create};
    use argon2::{PasswordHash, PasswordVerifier};
    use tracker_stream::keys::{KeyFile, Scope};

    fn arguments(uid: &str) -> Arguments {
        Arguments { uid: uid.to_owned(), tenant: None, expires: None, password_stdin: false, json: false }
    }

    #[test]
    fn an_account_is_added_with_the_hash_of_its_password_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        create(&path, &Wanted::secret("shop")).unwrap();
        make(&arguments("marketing"), &path, "correct horse").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("correct horse"));
        let known = KeyFile::load(&path).unwrap();
        let [account] = &known.accounts[..] else { panic!("one account") };
        assert!(account.scopes.allow(Scope::Links) && !account.scopes.allow(Scope::Payments));
        let hash = PasswordHash::new(&account.argon2id).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &hash).is_ok());
        assert!(matches!(make(&arguments("marketing"), &path, "another one"), Err(Failure::Usage(_))));
        assert!(matches!(make(&arguments("a:b"), &path, "another one"), Err(Failure::Mistakes(_))));
        assert_eq!((known.secrets.len(), std::fs::read_to_string(&path).unwrap()), (1, text));
    }

    #[test]
    fn a_password_is_a_line_and_not_too_short() {
        assert_eq!(typed(&b"correct horse\r\nnext"[..]).unwrap(), "correct horse");
        assert!(matches!(typed(&b"short\n"[..]), Err(Failure::Usage(_))));
        assert!(matches!(typed(&b""[..]), Err(Failure::Usage(_))));
    }

    #[test]
    fn an_account_is_taken_back_and_a_key_of_its_name_stays() {
        use crate::keys::file::{Named, remove};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        create(&path, &Wanted::secret("marketing")).unwrap();
        make(&arguments("marketing"), &path, "correct horse").unwrap();
        make(&arguments("other"), &path, "correct horse").unwrap();
        remove(&path, Named::Account, "marketing").unwrap();
        let left = KeyFile::load(&path).unwrap();
        assert_eq!(left.keys().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["marketing"]);
        assert_eq!(left.accounts.iter().map(|account| account.uid.as_str()).collect::<Vec<_>>(), ["other"]);
        assert!(matches!(remove(&path, Named::Account, "marketing"), Err(Failure::Usage(_))));
    }
}
