//! The kind of a setting, told by its default.

use super::unit;
use std::fmt;
use toml::{Table, Value};

/// What a setting must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys that are all known.
    Section,
    /// Any keys: properties that are passed through.
    Open,
    Text,
    Duration,
    Size,
    /// Whole, not negative.
    Number,
    Switch,
    /// A list of texts.
    List,
}

impl Kind {
    /// The kind of the setting `key` whose default, or present value, is this.
    pub(super) fn of(key: &str, value: &Value) -> Self {
        let open = key.ends_with(".properties") || key.ends_with(".settings");
        match value {
            Value::Table(_) if open => Self::Open,
            Value::Table(_) => Self::Section,
            Value::Array(_) => Self::List,
            Value::Boolean(_) => Self::Switch,
            Value::Integer(_) => Self::Number,
            Value::String(text) if unit::parse_span(text).is_some() => Self::Duration,
            Value::String(text) if unit::parse_size(text).is_some() => Self::Size,
            Value::String(_) | Value::Float(_) | Value::Datetime(_) => Self::Text,
        }
    }

    /// The value, if it is of this kind; else what is wanted.
    pub(super) fn accept(self, value: &Value) -> Result<Value, String> {
        let fits = match (self, value) {
            (Self::Section, Value::Table(_))
            | (Self::Switch, Value::Boolean(_))
            | (Self::Text, Value::String(_)) => true,
            (Self::Duration, Value::String(text)) => unit::parse_span(text).is_some(),
            (Self::Size, Value::String(text)) => unit::parse_size(text).is_some(),
            (Self::Number, Value::Integer(number)) => *number >= 0,
            (Self::List, Value::Array(items)) => items.iter().all(Value::is_str),
            (Self::Open, Value::Table(table)) => return open(table),
            _ => false,
        };
        if fits { Ok(value.clone()) } else { Err(format!("{}, not `{value}`", self.must())) }
    }

    /// What is wanted.
    pub(super) fn must(self) -> String {
        format!("must be {}", self.wanted())
    }

    /// The same from text, as the environment has it.
    pub(super) fn parse(self, text: &str) -> Result<Value, String> {
        let value = match self {
            Self::Number => text.parse().map(Value::Integer).ok(),
            Self::Switch => text.parse().map(Value::Boolean).ok(),
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
            }
            Self::Text | Self::Duration | Self::Size => Some(Value::String(text.to_owned())),
            Self::Section | Self::Open => None,
        };
        value.ok_or_else(|| format!("{}, not `{text}`", self.must())).and_then(|value| self.accept(&value))
    }

    const fn wanted(self) -> &'static str {
        match self {
            Self::Section => "a section",
            Self::Open => "a table of texts, numbers and switches",
            Self::Text => "a text",
            Self::Duration => "a duration such as \"250ms\", \"5s\", \"10m\", \"24h\" or \"30d\"",
            Self::Size => "a size such as \"64KiB\", \"8MiB\" or \"1GiB\"",
            Self::Number => "a whole number, not negative",
            Self::Switch => "true or false",
            Self::List => "a list of texts",
        }
    }
}

/// An open table with its values as texts. A dotted key may have become nested tables: they are joined again.
fn open(table: &Table) -> Result<Value, String> {
    fn collect(table: &Table, path: &str, flat: &mut Table) -> Result<(), String> {
        for (name, value) in table {
            let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match value {
                Value::Table(inner) => collect(inner, &key, flat)?,
                Value::String(text) => drop(flat.insert(key, Value::String(text.clone()))),
                Value::Integer(_) | Value::Boolean(_) | Value::Float(_) => {
                    drop(flat.insert(key, Value::String(value.to_string())));
                }
                Value::Array(_) | Value::Datetime(_) => return Err(format!("has `{key}`, which is no text")),
            }
        }
        Ok(())
    }
    let mut flat = Table::new();
    collect(table, "", &mut flat)?;
    Ok(Value::Table(flat))
}

/// Whether a key holds something that must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    ["password", "passphrase", "secret", "token", ".pem"].iter().any(|word| key.contains(word))
}

/// Prints `key = value` lines; secrets as `***`.
pub(super) fn print(table: &Table, path: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (name, value) in table {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Table(inner) => print(inner, &key, f)?,
            Value::String(text) if is_secret(&key) && !text.is_empty() => writeln!(f, "{key} = \"***\"")?,
            Value::String(text) if hides_password(text) => {
                writeln!(f, "{key} = \"{}\"", without_password(text))?
            }
            value => writeln!(f, "{key} = {value}")?,
        }
    }
    Ok(())
}

fn hides_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// `scheme://user:password@host` with `***` for what stands before the `@`.
fn without_password(text: &str) -> String {
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://***@{host}"),
        None => text.to_owned(),
    }
}
