//! What every measurement stands on: how much is measured, and the site that most of them share.

use crate::{
    line::Share,
    processors::{Drainer, Idle, Long},
    site::{Parts, Site},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, OnceCell};
use tracker_cli::{Failure, chaos::lab};
use tracker_stream::fault::Fault;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Turns of each side, at most.
    pub rounds: usize,
    /// One turn under load.
    pub stretch: Duration,
    /// Load before it, not measured: caches, connections, the broker's compiler.
    pub warming: Duration,
    /// Events of a backlog.
    pub events: u64,
    /// Events of the long one.
    pub long: u64,
    /// All of it within five minutes.
    pub is_quick: bool,
}

impl Extent {
    /// What the figures of the README are made with.
    pub const fn full() -> Self {
        Self {
            rounds: 5,
            stretch: Duration::from_secs(3),
            warming: Duration::from_secs(1),
            events: 300_000,
            long: 2_000_000,
            is_quick: false,
        }
    }

    /// All lines in less than five minutes.
    pub const fn quick() -> Self {
        Self {
            rounds: 2,
            stretch: Duration::from_millis(600),
            warming: Duration::from_millis(300),
            events: 30_000,
            long: 200_000,
            is_quick: true,
        }
    }

    /// A group's part of the time.
    pub const fn of(&self, share: Share) -> Duration {
        Duration::from_secs(if self.is_quick { share.quick } else { share.full })
    }
}

/// A run of the bench.
pub struct Bench {
    /// How much is measured.
    pub extent: Extent,
    /// Where its files are; gone when it ends well, else until the next one begins.
    pub folder: PathBuf,
    /// Where the broker, the database and the GeoIP files have been fetched to.
    pub cache: PathBuf,
    began: Instant,
    site: OnceCell<Site>,
    beside: AtomicU32,
    idle: Mutex<BTreeMap<Drainer, Idle>>,
    long: OnceCell<Result<Long, String>>,
}

impl Bench {
    /// Nothing runs yet.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn new(extent: Extent) -> Result<Self, Failure> {
        let all = Path::new("target/bench");
        let folder = all.join(std::process::id().to_string());
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        clear_of_others(all)?;
        let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::io(path.display()));
        let (folder, cache) = (absolute(&folder)?, absolute(Path::new(".tracker/cache"))?);
        Ok(Self {
            extent,
            folder,
            cache,
            began: Instant::now(),
            site: OnceCell::new(),
            beside: AtomicU32::new(1),
            idle: Mutex::default(),
            long: OnceCell::new(),
        })
    }

    /// How long it has gone on.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The site that the measurements share, started at its first use: a broker, a database, and no program yet.
    ///
    /// # Errors
    /// What is missing on this machine; a part that does not come up.
    pub async fn site(&self) -> Result<&Site, Failure> {
        let start = async || self.another("shared", Parts::BrokerAndDatabase).await;
        self.site.get_or_try_init(start).await
    }

    /// On the shared broker and database, new topics and tables, made with settings over the site's: what was measured before
    /// is not in the way.
    ///
    /// # Errors
    /// As [`Bench::site`].
    pub async fn beside(&self, name: &str, settings: &str) -> Result<Site, Failure> {
        let number = self.beside.fetch_add(1, Ordering::Relaxed);
        self.site().await?.beside(&format!("{name}{number}"), settings).await
    }

    /// A site for a measurement that maltreats it.
    ///
    /// # Errors
    /// As [`Bench::site`].
    pub async fn another(&self, name: &str, parts: Parts) -> Result<Site, Failure> {
        lab::fetch(&self.cache, crate::say).await?;
        Site::start(self.folder.join(name), &self.cache, parts).await
    }

    /// What a program is like that has nothing to do, and what its start costs. Known once it was asked for: a start on
    /// nothing always costs the same.
    ///
    /// # Errors
    /// A program that does not come up.
    pub async fn idle(&self, by: Drainer) -> Result<Idle, Failure> {
        let mut known = self.idle.lock().await;
        if let Some(idle) = known.get(&by) {
            return Ok(*idle);
        }
        let site = self.beside("idle", "").await?;
        let idle = Idle::of(&site, by, self.extent.rounds).await?;
        known.insert(by, idle);
        Ok(idle)
    }

    /// The long backlog, which is made and drained at its first use.
    ///
    /// # Errors
    /// What it failed with then: it takes too long to be tried again.
    pub async fn long(&self) -> Result<&Long, Failure> {
        let make = async || Long::make(self).await.map_err(|failure| failure.to_string());
        let made = self.long.get_or_init(make).await;
        made.as_ref().map_err(|why| Fault::new("long_backlog", why.clone()).into())
    }

    /// Ends all of it.
    ///
    /// # Errors
    /// A folder that cannot be cleared.
    pub async fn end(self, files: Files) -> Result<(), Failure> {
        if let Some(site) = self.site.into_inner() {
            site.stop().await;
        }
        match files {
            Files::Kept => Ok(()),
            Files::Cleared => remove(&self.folder),
        }
    }
}

/// What becomes of the files of a run: logs are there to be read when something has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Left where they are.
    Kept,
    /// Removed.
    Cleared,
}

/// Removes the folders of runs that are over: each has the id of its process as its name.
fn clear_of_others(all: &Path) -> Result<(), Failure> {
    for folder in std::fs::read_dir(all).map_err(Failure::io(all.display()))? {
        let folder = folder.map_err(Failure::io(all.display()))?;
        if !Path::new("/proc").join(folder.file_name()).exists() {
            remove(&folder.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), Failure> {
    std::fs::remove_dir_all(folder).map_err(Failure::io(folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_that_are_over_have_left_is_removed_and_nothing_else() {
        let all = tempfile::tempdir().unwrap();
        let [own, gone] =
            [std::process::id().to_string(), u32::MAX.to_string()].map(|id| all.path().join(id));
        for folder in [&own, &gone] {
            std::fs::create_dir_all(folder.join("shared")).unwrap();
        }
        clear_of_others(all.path()).unwrap();
        assert_eq!((own.exists(), gone.exists()), (true, false));
    }
}
