//! What every measurement stands on: how much is measured, and the site that most of them share.

use crate::site::{Parts, Site};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::OnceCell;
use tracker_cli::{Failure, chaos::lab};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Turns of each side.
    pub rounds: usize,
    /// One turn under load.
    pub stretch: Duration,
    /// Load before it, not measured: caches, connections, the broker's compiler.
    pub warming: Duration,
}

impl Extent {
    /// What the figures of the README are made with.
    pub const fn full() -> Self {
        Self { rounds: 5, stretch: Duration::from_secs(6), warming: Duration::from_secs(2) }
    }

    /// All lines in less than five minutes.
    pub const fn quick() -> Self {
        Self { rounds: 3, stretch: Duration::from_millis(2_000), warming: Duration::from_millis(500) }
    }
}

/// A run of the bench.
pub struct Bench {
    /// How much is measured.
    pub extent: Extent,
    /// Where its files are; gone when it ends well.
    pub folder: PathBuf,
    /// Where the broker, the database and the GeoIP files have been fetched to.
    pub cache: PathBuf,
    site: OnceCell<Site>,
}

impl Bench {
    /// Nothing runs yet.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn new(extent: Extent) -> Result<Self, Failure> {
        let folder = Path::new("target/bench").join(std::process::id().to_string());
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::io(path.display()));
        let (folder, cache) = (absolute(&folder)?, absolute(Path::new(".tracker/cache"))?);
        Ok(Self { extent, folder, cache, site: OnceCell::new() })
    }

    /// The site that the measurements share, started at its first use: a broker, a database, and no program yet.
    ///
    /// # Errors
    /// What is missing on this machine; a part that does not come up.
    pub async fn site(&self) -> Result<&Site, Failure> {
        let start = async || self.another("shared", Parts::BrokerAndDatabase).await;
        self.site.get_or_try_init(start).await
    }

    /// A site for a measurement that maltreats it.
    ///
    /// # Errors
    /// As [`Bench::site`].
    pub async fn another(&self, name: &str, parts: Parts) -> Result<Site, Failure> {
        self.another_told(name, parts, "").await
    }

    /// The same, that is told more: TOML over the bench's own settings.
    ///
    /// # Errors
    /// As [`Bench::site`].
    pub async fn another_told(&self, name: &str, parts: Parts, settings: &str) -> Result<Site, Failure> {
        lab::fetch(&self.cache, crate::say).await?;
        Site::start(self.folder.join(name), &self.cache, parts, settings).await
    }

    /// Ends all of it, and clears its folder.
    ///
    /// # Errors
    /// A folder that cannot be cleared.
    pub async fn end(self) -> Result<(), Failure> {
        if let Some(site) = self.site.into_inner() {
            site.stop().await;
        }
        std::fs::remove_dir_all(&self.folder).map_err(Failure::io(self.folder.display()))
    }
}
