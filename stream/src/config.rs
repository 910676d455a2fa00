//! Settings: one file, the environment over it, every mistake reported together.
//!
//! `tracker.toml` at the top of the tree documents every key; it is compiled in as [`DEFAULTS`], so the document
//! cannot differ from the truth. The kind of each default (text, number, duration, size, list, open table) is the
//! kind that a setting must have, which finds most mistakes before any section is read.
//!
//! This is the one place that reads the environment.

mod kind;
mod mistake;
#[cfg(test)]
mod tests;
mod unit;

pub use mistake::{Mistake, Mistakes};
pub use unit::{Size, span};

use crate::{kafka::KafkaConfig, telemetry::LogConfig};
use kind::Kind;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fmt,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The documented defaults: the text of `tracker.toml`.
pub const DEFAULTS: &str = include_str!("../../tracker.toml");

/// What stands before the name of each environment variable.
pub const PREFIX: &str = "TRACKER_";

/// Where a file is looked for when none is named.
const PLACES: [&str; 2] = ["tracker.toml", "/etc/tracker/tracker.toml"];

/// Where the local broker and database of `tracker up` listen, from section `[up]`: ports of 127.0.0.1.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct LocalPorts {
    /// The broker.
    pub broker_port: u16,
    /// Its controller.
    pub controller_port: u16,
    /// ClickHouse over HTTP.
    pub clickhouse_port: u16,
    /// ClickHouse's own protocol.
    pub clickhouse_native_port: u16,
}

/// All settings, checked for their kinds.
#[derive(Debug, Clone)]
pub struct Settings {
    table: Table,
    file: Option<PathBuf>,
}

impl Settings {
    /// Reads `file` (else `./tracker.toml`, else `/etc/tracker/tracker.toml`, else nothing) and the environment
    /// over the defaults.
    ///
    /// # Errors
    /// Every unknown key, every value of a wrong kind, each with where it was set; a file that cannot be read.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    pub fn load(file: Option<&Path>) -> Result<Self, Mistakes> {
        let found = || PLACES.iter().map(PathBuf::from).find(|place| place.is_file());
        let file = file.map(Path::to_path_buf).or_else(found);
        let text = match &file {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Mistake::new("--config", format!("cannot read {}: {error}", path.display()))
            })?,
            None => String::new(),
        };
        let origin = file.as_ref().map_or_else(String::new, |path| path.display().to_string());
        // Not `vars`, which panics where any variable of the machine is no text.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self::merge(&text, &origin, environment).map(|settings| Self { file, ..settings })
    }

    /// The same from what was read already. `origin` names the text in mistakes.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn merge(
        text: &str,
        origin: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Mistakes> {
        let defaults: Table =
            toml::from_str(DEFAULTS).map_err(|error| Mistake::new("tracker.toml", error.to_string()))?;
        let given: Table =
            toml::from_str(text).map_err(|error| Mistake::new(origin, unreadable(text, &error)))?;
        let mut table = defaults.clone();
        let mut mistakes = Mistakes::default();
        overlay(&mut table, &given, &Place { path: String::new(), origin }, &mut mistakes);
        for (name, value) in environment {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            if path.contains("__") {
                set_from_environment(&mut table, &name, path, &value, &mut mistakes);
            } else if let Some(meant) = respelt(&defaults, path) {
                let meant = format!("is not a setting; did you mean `{PREFIX}{meant}`?");
                mistakes.add(Mistake::new(name, meant));
            }
        }
        mistakes.or(Self { table, file: None })
    }

    /// The file that was read, if any.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// One section, as its type. `path` may have dots: `load.events`.
    ///
    /// # Errors
    /// A value that its type does not take.
    pub fn section<T: DeserializeOwned>(&self, path: &str) -> Result<T, Mistakes> {
        let mut table = Value::Table(self.table.clone());
        for part in path.split('.') {
            table = match table {
                Value::Table(mut inner) => inner.remove(part).unwrap_or(Value::Table(Table::new())),
                other => other,
            };
        }
        serde_path_to_error::deserialize(table).map_err(|error| {
            let key = format!("{path}.{}", error.path());
            Mistake::new(key, error.into_inner().to_string()).into()
        })
    }

    /// Section `[kafka]`; without brokers, those of this machine.
    ///
    /// # Errors
    /// Properties that would break a promise.
    pub fn kafka(&self) -> Result<KafkaConfig, Mistakes> {
        let mut config: KafkaConfig = self.section("kafka")?;
        config.check()?;
        if config.brokers.is_empty() {
            config.brokers = format!("127.0.0.1:{}", self.local_ports()?.broker_port);
        }
        Ok(config)
    }

    /// Where the broker and the database of this machine are, when others are not given.
    ///
    /// # Errors
    /// A number that is no port.
    pub fn local_ports(&self) -> Result<LocalPorts, Mistakes> {
        self.section("up")
    }

    /// Section `[log]`.
    ///
    /// # Errors
    /// An unknown format, or a level that is none.
    pub fn log(&self) -> Result<LogConfig, Mistakes> {
        let config: LogConfig = self.section("log")?;
        config.check()?;
        Ok(config)
    }
}

/// Where a text is no TOML, and why; without the line itself, which may hold a secret.
fn unreadable(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

/// Every key and its value; secrets as `***`.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kind::print(&self.table, "", f)
    }
}

/// Where a value stands.
struct Place<'a> {
    path: String,
    origin: &'a str,
}

impl Place<'_> {
    fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// Lays `given` over `table`, noting what does not belong.
fn overlay(table: &mut Table, given: &Table, place: &Place<'_>, mistakes: &mut Mistakes) {
    for (name, value) in given {
        let key = place.key(name);
        let Some(present) = table.get_mut(name) else {
            mistakes.add(Mistake::unknown(&key, table).set_in(place.origin));
            continue;
        };
        match (Kind::of(&key, present), present, value) {
            (Kind::Section, Value::Table(present), Value::Table(value)) => {
                overlay(present, value, &Place { path: key, origin: place.origin }, mistakes);
            }
            (kind, present, value) => match kind.accept(value) {
                Ok(value) => *present = value,
                Err(_) if kind::is_secret(&key) => {
                    mistakes.add(Mistake::new(&key, kind.must()).set_in(place.origin));
                }
                Err(wanted) => mistakes.add(Mistake::new(&key, wanted).set_in(place.origin)),
            },
        }
    }
}

/// What `SECTION_KEY` would be with two underscores; `None` where no section is named. Other variables that begin
/// with the prefix may be of other programs.
fn respelt(table: &Table, path: &str) -> Option<String> {
    table.iter().find_map(|(name, value)| {
        let inner = value.as_table()?;
        let (section, rest) = path.split_at_checked(name.len())?;
        let rest = rest.strip_prefix('_').filter(|rest| !rest.is_empty())?;
        let key = || respelt(inner, rest).unwrap_or_else(|| rest.to_owned());
        section.eq_ignore_ascii_case(name).then(|| format!("{section}__{}", key()))
    })
}

/// Sets one key from `SECTION__KEY`; the key of an open table may be longer.
fn set_from_environment(table: &mut Table, variable: &str, path: &str, value: &str, mistakes: &mut Mistakes) {
    let lower = path.to_ascii_lowercase();
    let mut parts = lower.split("__").peekable();
    let (mut table, mut key) = (table, String::new());
    while let Some(part) = parts.next() {
        key = if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
        if !table.contains_key(part) {
            mistakes.add(Mistake::unknown(&key, table).set_in(variable));
            return;
        }
        let Some(present) = table.get_mut(part) else { return };
        match (Kind::of(&key, present), present, parts.peek()) {
            (Kind::Section, Value::Table(inner), Some(_)) => table = inner,
            (Kind::Open, Value::Table(inner), Some(_)) => {
                let name = parts.collect::<Vec<_>>().join(".");
                // librdkafka's names have dots, which no variable can have; ClickHouse's have underscores.
                let name = if key.ends_with(".properties") { name.replace('_', ".") } else { name };
                inner.insert(name, Value::String(value.to_owned()));
                return;
            }
            (kind, present, None) => {
                match kind.parse(value) {
                    Ok(value) => *present = value,
                    Err(wanted) => mistakes.add(Mistake::new(&key, wanted).set_in(variable)),
                }
                return;
            }
            (_, _, Some(_)) => {
                mistakes.add(Mistake::new(&key, "is no section").set_in(variable));
                return;
            }
        }
    }
}
