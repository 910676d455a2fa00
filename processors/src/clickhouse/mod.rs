//! The only ClickHouse client of the workspace.
//!
//! [`ClickHouseConfig`] is section `[clickhouse]`; [`Client::insert`] stores rows; [`Client::rows`] and
//! [`Client::execute`] ask and tell; [`schema`] keeps the database like the files of `schema/`. [`error`] says whose
//! fault a failure is. Nothing here retries: the lane does.

mod config;
mod connect;
pub mod error;
mod insert;
mod parts;
mod query;
pub mod schema;
mod watch;

pub use config::ClickHouseConfig;
pub use insert::MOST_ROWS;
pub(crate) use query::within;
pub use watch::PART;

use clickhouse::Compression;
use parts::Parts;
use std::sync::Arc;
use tracker_stream::config::Mistakes;

/// A ClickHouse and a database in it. Cheap to clone: clones share connections.
#[derive(Clone)]
pub struct Client {
    inner: clickhouse::Client,
    config: Arc<ClickHouseConfig>,
    parts: Arc<Parts>,
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
        Ok(Self { inner, config: Arc::new(config.clone()), parts: Arc::default() })
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
