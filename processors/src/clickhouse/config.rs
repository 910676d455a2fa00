//! Section `[clickhouse]`.

use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tracker_stream::config::{Mistake, Mistakes, Settings, span};

/// Where ClickHouse is, and how it is spoken to.
#[derive(Clone, Deserialize)]
pub struct ClickHouseConfig {
    /// `http://` or `https://` address; empty: this machine.
    url: String,
    /// Name of the database.
    pub database: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Certificate authority to trust besides the system's; empty: none.
    pub ca_file: PathBuf,
    /// Settings sent along, over Tracker's own.
    pub settings: BTreeMap<String, String>,
    /// How long one insert may take.
    #[serde(with = "span")]
    pub insert_timeout: Duration,
}

/// Settings on which a promise stands: an insert is one block, known by its token, in the table and in each view; and a
/// column that has become another one refuses it, instead of storing something like it, or zero for what is absent. Types
/// are sent by their names.
pub(super) const PROMISED: [(&str, &str); 6] = [
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("input_format_native_allow_types_conversion", "0"),
    ("input_format_null_as_default", "0"),
    ("input_format_native_decode_types_in_binary_format", "0"),
];

/// Settings that would make several blocks of one insert, of which some could be stored and some not.
const ONE_BLOCK: [&str; 4] = [
    "max_insert_block_size",
    "max_insert_block_size_bytes",
    "min_insert_block_size_rows",
    "min_insert_block_size_bytes",
];

/// The setting that carries the token.
pub(super) const TOKEN: &str = "insert_deduplication_token";

impl ClickHouseConfig {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// An address or a name that cannot be one; a setting that would break a promise.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let mut config: Self = settings.section("clickhouse")?;
        if config.url.is_empty() {
            config.url = format!("http://127.0.0.1:{}", settings.local_ports()?.clickhouse_port);
        }
        config.check()?;
        Ok(config)
    }

    /// The address, given or local.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// The same with another address: `tracker up` knows it only once its own ClickHouse listens.
    #[must_use]
    pub fn at(self, url: impl Into<String>) -> Self {
        Self { url: url.into(), ..self }
    }

    fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        let is_http = url::Url::parse(self.url()).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
        if !is_http {
            mistakes.add(Mistake::new("clickhouse.url", "must be an http:// or https:// address"));
        }
        if !is_plain_name(&self.database) {
            let detail = "must be letters, digits and `_`, and not begin with a digit";
            mistakes.add(Mistake::new("clickhouse.database", detail));
        }
        let own = PROMISED.iter().map(|(name, _)| *name).chain([TOKEN]);
        let own = own.map(|name| {
            (name, "is Tracker's own: that what is stored is stored once, and as it was sent, stands on it")
        });
        let detail = "is Tracker's own: an insert must be one block, which is stored whole or not at all";
        let blocks = ONE_BLOCK.map(|name| (name, detail));
        for (name, detail) in own.chain(blocks).filter(|(name, _)| self.settings.contains_key(*name)) {
            mistakes.add(Mistake::new(format!("clickhouse.settings.{name}"), detail));
        }
        mistakes.or(())
    }
}

/// Names that need no quoting anywhere.
fn is_plain_name(name: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.chars().all(is_word) && name.starts_with(|first: char| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ClickHouseConfig, Mistakes> {
        ClickHouseConfig::read(&Settings::merge(text, "test", std::iter::empty())?)
    }

    #[test]
    fn the_defaults_are_this_machine() {
        let config = read("").unwrap();
        assert_eq!((config.url(), config.database.as_str()), ("http://127.0.0.1:8123", "tracker"));
        assert_eq!(config.insert_timeout, Duration::from_secs(60));
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let text =
            "[clickhouse]\nurl = \"tcp://x:9000\"\ndatabase = \"my-db\"\nsettings = { async_insert = \"1\" }";
        let Err(mistakes) = read(text) else { panic!("three mistakes were made") };
        for key in ["clickhouse.url", "clickhouse.database", "clickhouse.settings.async_insert"] {
            assert!(mistakes.to_string().contains(key), "{key} is missing in: {mistakes}");
        }
    }

    #[test]
    fn an_insert_cannot_be_cut_into_blocks() {
        for name in ONE_BLOCK {
            let Err(mistakes) = read(&format!("[clickhouse.settings]\n{name} = 1000")) else {
                panic!("{name} was taken")
            };
            let wanted = format!("clickhouse.settings.{name} is Tracker's own: an insert must be one block");
            assert!(mistakes.to_string().starts_with(&wanted), "{mistakes}");
        }
    }

    #[test]
    fn settings_are_passed_through() {
        let config = read("[clickhouse.settings]\nmax_execution_time = 30").unwrap();
        assert_eq!(config.settings.get("max_execution_time").map(String::as_str), Some("30"));
    }
}
