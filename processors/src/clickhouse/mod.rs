//! The only ClickHouse client of the workspace.
//!
//! [`ClickHouseConfig`] is section `[clickhouse]`; [`Client::insert`] stores rows; [`Client::rows`] and
//! [`Client::execute`] ask and tell; [`schema`] keeps the database like the files of `schema/`. [`error`] says whose
//! fault a failure is. Nothing here retries: the lane does.

mod config;
mod connect;
pub mod error;
mod insert;
mod native;
mod parts;
mod query;
pub mod schema;
mod table;
mod watch;

pub use config::ClickHouseConfig;
pub use insert::MOST_ROWS;
pub(crate) use query::within;
pub use watch::PART;

use clickhouse::Compression;
use parts::Parts;
use std::sync::Arc;
use table::Tables;
use tracker_stream::config::Mistakes;

/// The setting by which the threads of an insert give way to those of others: payments have none. A server that may not set
/// priorities passes over it.
const NICE: (&str, &str) = ("os_thread_priority", "10");

/// A ClickHouse and a database in it. Cheap to clone: clones share connections.
#[derive(Clone)]
pub struct Client {
    inner: clickhouse::Client,
    config: Arc<ClickHouseConfig>,
    parts: Arc<Parts>,
    tables: Arc<Tables>,
}

impl Client {
    /// A client; it connects when it is used.
    ///
    /// # Errors
    /// A certificate authority that cannot be read.
    pub fn new(config: &ClickHouseConfig) -> Result<Self, Mistakes> {
        let inner = connect::over(config)?
            .with_url(config.url())
            .with_user(&config.user)
            .with_password(&config.password)
            .with_compression(Compression::Lz4)
            .with_database(&config.database)
            .with_product_info("tracker", env!("CARGO_PKG_VERSION"));
        Ok(Self { inner, config: Arc::new(config.clone()), parts: Arc::default(), tables: Arc::default() })
    }

    /// The same, whose inserts let others go first on the server too, unless the operator has said how much.
    #[must_use]
    pub fn giving_way(mut self) -> Self {
        let settings = &mut Arc::make_mut(&mut self.config).settings;
        settings.entry(NICE.0.to_owned()).or_insert_with(|| NICE.1.to_owned());
        self
    }

    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.config.database
    }

    /// The same server, with nothing assumed about which databases it has.
    fn server(&self) -> Self {
        Self { inner: self.inner.clone().with_database("system"), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::config::Settings;

    #[test]
    fn the_operator_says_how_much_an_insert_gives_way() {
        let nice = |text: &str| {
            let settings = Settings::merge(text, "test", std::iter::empty()).unwrap();
            let client = Client::new(&ClickHouseConfig::read(&settings).unwrap()).unwrap();
            assert!(!client.config.settings.contains_key(NICE.0) || !text.is_empty());
            client.giving_way().config.settings[NICE.0].clone()
        };
        assert_eq!(nice(""), "10");
        assert_eq!(nice("[clickhouse.settings]\nos_thread_priority = 3"), "3");
    }
}
