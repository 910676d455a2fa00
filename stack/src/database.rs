//! A ClickHouse: the one on the PATH, else the same server out of its shared library.
//!
//! Its data survive `kill -9`.

mod http;
mod server;

use crate::{Cache, Trouble, leash::Leashed, logfile::LogFile, wait_until};
use server::Kind;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a start may take: well under a second on an idle machine.
const START: Duration = Duration::from_secs(180);
/// How long a stop may take before it is killed.
const STOP: Duration = Duration::from_secs(30);

/// How a database is to run.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Where the shared library is.
    pub cache: Cache,
    /// Its data, configuration and log; made when absent.
    pub data: PathBuf,
    /// Port of HTTP, on 127.0.0.1.
    pub http_port: u16,
    /// Port of the native protocol, on 127.0.0.1.
    pub tcp_port: u16,
}

/// A running ClickHouse: user `default`, no password, 127.0.0.1 only. Dropped, it is killed.
#[derive(Debug)]
pub struct Database {
    options: DatabaseOptions,
    kind: Kind,
    process: Leashed,
    log: LogFile,
}

impl Database {
    /// Whether a ClickHouse of the system will be used, so that none need be fetched.
    #[must_use]
    pub fn is_installed() -> bool {
        Kind::of_system().is_some()
    }

    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// No ClickHouse for this machine, a folder that cannot be written, a server that ends or is not ready in time.
    pub async fn start(options: DatabaseOptions) -> Result<Self, Trouble> {
        let mut database = Self::launch(options)?;
        database.ready().await?;
        Ok(database)
    }

    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.options.http_port)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.log.path()
    }

    /// Ends it in order and waits until it is gone; kills it when that takes too long.
    pub async fn stop(&mut self) {
        match self.kind {
            Kind::Installed => self.process.stop(STOP).await,
            Kind::Embedded => {
                // The end of its standard input ends it.
                drop(self.process.child().stdin.take());
                self.process.wait(STOP).await
            }
        };
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP: it stands still and does not know it.
    pub fn pause(&mut self) {
        self.process.pause();
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.process.resume();
    }

    /// Starts it again on the same data and ports, ending it first if it runs.
    ///
    /// # Errors
    /// As [`Database::start`].
    pub async fn restart(&mut self) -> Result<(), Trouble> {
        self.stop().await;
        let mut again = Self::launch(self.options.clone())?;
        again.ready().await?;
        *self = again;
        Ok(())
    }

    fn launch(options: DatabaseOptions) -> Result<Self, Trouble> {
        let cannot = || format!("cannot write {}", options.data.display());
        fs::create_dir_all(&options.data).map_err(Trouble::at(cannot))?;
        let data = fs::canonicalize(&options.data).map_err(Trouble::at(cannot))?;
        server::configure(&data).map_err(Trouble::at(cannot))?;
        let kind = Kind::of_system().unwrap_or(Kind::Embedded);
        let (log, out, err) = LogFile::open(data.join("clickhouse.log"))?;
        let process = kind.spawn(&options, &data, (out, err))?;
        Ok(Self { options, kind, process, log })
    }

    async fn ready(&mut self) -> Result<(), Trouble> {
        let port = self.options.http_port;
        let how = wait_until(START, async || match self.process.ended() {
            Some(status) => Some(Err(format!("ended at its start ({status})"))),
            None => http::ping(port).await.then_some(Ok(())),
        })
        .await
        .unwrap_or_else(|| Err(format!("did not come up within {} s", START.as_secs())));
        how.map_err(|how| Trouble::Database { how, log: self.log.path().to_owned(), tail: self.log.tail() })
    }
}
