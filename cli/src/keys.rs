//! `tracker keys`: secret keys of servers, and public ones of sites. A key is shown once; the file keeps its hash. The hash
//! key of the deployment is made with the first key and never changed: every hash of an address or a mailbox hangs on it.

mod account;
mod file;
mod list;

pub use file::{Made, Wanted, create};

use crate::{Failure, Out};
use serde_json::json;
use std::{io::Write, path::PathBuf};
use tracker_schemas::Timestamp;
use tracker_stream::{
    clock,
    config::Settings,
    keys::{KeysConfig, Scope, Scopes},
};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tracker keys new --id shop > secret.txt\n  tracker keys new --write --tenant \
                        6ba7b810-9dad-11d1-80b4-00c04fd430c8\n  tracker keys ls"
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key. It is printed once, and only its hash is kept.
    ///
    /// Servers send a secret key as `Authorization: Bearer SECRET` to /tr/v1/str/ and /tr/v1/ltv/. Browsers and apps send a
    /// public one, made with --write, as `k` of each event, in the query, or in the header X-Write-Key.
    #[command(
        after_help = "Examples:\n  tracker keys new --id shop --tenant 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n  \
                            tracker keys new --scope payments --scope events --expires 90d\n  tracker keys new --write"
    )]
    New(New),
    /// Make an account: a name and a password, of which only the argon2id hash is kept.
    ///
    /// People show it as `Authorization: Basic` to /tr/v1/rpi/redirect, or in the path as old clients do.
    #[command(after_help = account::AFTER)]
    Account(account::Arguments),
    /// List keys and accounts: names, tenants, what they may do and until when. Never the keys themselves.
    #[command(after_help = "Example:\n  tracker keys ls --json | jq -r '.[] | select(.account) | .id'")]
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a key or an account back. Running programs know within a second.
    #[command(after_help = "Examples:\n  tracker keys rm shop\n  tracker keys rm --account marketing")]
    Rm {
        /// The name is that of an account.
        #[arg(long)]
        account: bool,
        /// Its name.
        #[arg(value_name = "NAME")]
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct New {
    /// Tenant that the key speaks for (`oid` of its events). Without it: any tenant.
    #[arg(long, value_name = "UUID")]
    tenant: Option<Uuid>,
    /// Name of the key, for people and metrics [default: key-1, key-2, …].
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Make a public key, for browsers and apps.
    #[arg(long, conflicts_with = "scopes")]
    write: bool,
    /// What a secret key may do: events, payments, links, forget, trace; can be repeated [default: all].
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = scope)]
    scopes: Vec<Scope>,
    /// When it ends: after a span such as 90d, or at a time such as 2027-01-31T00:00:00Z. Without it: never.
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::of(name).ok_or_else(|| format!("must be one of {}", Scope::SECRET.map(Scope::name).join(", ")))
}

fn end(text: &str) -> Result<Timestamp, String> {
    ends_at(text, clock::now_ms())
}

/// A time, or a span from now.
fn ends_at(text: &str, now_ms: i64) -> Result<Timestamp, String> {
    let span = || {
        let span = crate::span::parse(text).ok()?;
        now_ms.checked_add(i64::try_from(span.as_millis()).ok()?).map(Timestamp)
    };
    let at = Timestamp::parse_rfc3339(text).or_else(span).filter(|at| at.0 > now_ms);
    at.ok_or_else(|| "must be a span such as 90d, or a time to come such as 2027-01-31T00:00:00Z".to_owned())
}

/// Where `[keys]` says that the file is.
///
/// # Errors
/// A section that does not say it.
pub fn file(settings: &Settings) -> Result<PathBuf, Failure> {
    Ok(KeysConfig::read(settings)?.file)
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
/// A key file that cannot be read or written, already has a key of that name, or has none of it.
pub fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let path = file(settings)?;
    match &arguments.action {
        Action::New(new) => {
            let made = create(&path, &new.wanted())?;
            if new.json {
                return out.json(&json!({ "id": made.id, "secret": made.secret, "file": path }));
            }
            out.line(format_args!("{}", made.secret))?;
            tell(format_args!(
                "The hash of this key is in {} as `{}`. It is not shown again.",
                path.display(),
                made.id
            ))
        }
        Action::Account(arguments) => account::run(arguments, &path, out),
        Action::Ls { json } => list::list(&path, *json, out),
        Action::Rm { id, account } => {
            let what = if *account { file::Named::Account } else { file::Named::Key };
            file::remove(&path, what, id)?;
            tell(format_args!("`{id}` is taken back: running programs know within a second."))
        }
    }
}

impl New {
    fn wanted(&self) -> Wanted {
        let scopes = match (self.write, &self.scopes[..]) {
            (true, _) => Scopes::from_iter([Scope::Write]),
            (false, []) => Scopes::SECRET,
            (false, named) => named.iter().copied().collect(),
        };
        Wanted { id: self.id.clone(), tenant: self.tenant, scopes, expires_at: self.expires }
    }
}

fn tell(note: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(std::io::stderr(), "{note}").map_err(Failure::io("standard error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_a_time_to_come() {
        assert_eq!(ends_at("10s", 1_000), Ok(Timestamp(11_000)));
        assert_eq!(ends_at("1970-01-01T00:00:02Z", 1_000), Ok(Timestamp(2_000)));
        assert!(ends_at("1970-01-01T00:00:01Z", 1_000).unwrap_err().contains("to come"));
        assert!(ends_at("soon", 1_000).unwrap_err().contains("90d"));
    }
}
