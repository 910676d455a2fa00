//! What can go wrong on a machine, each with what to do about it.

use std::{io, path::PathBuf};

/// One line for whoever started it; where a log says more, its last lines follow.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something listens there already.
    #[error("port {port} ({what}) is in use: stop what listens there, or set {setting} to another")]
    PortInUse {
        /// The port.
        port: u16,
        /// What wanted it.
        what: &'static str,
        /// The setting that moves it.
        setting: &'static str,
    },
    /// No port below the ephemeral range could be bound.
    #[error("no free port between 20000 and 32767: stop what listens there")]
    NoFreePort,
    /// Less free space than the settings ask for.
    #[error("only {free_mib} MiB free for {}, {wanted_mib} MiB wanted: free some space, or set {setting}", path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// Free there.
        free_mib: u64,
        /// Wanted there.
        wanted_mib: u64,
        /// The setting with the bound.
        setting: &'static str,
    },
    /// The broker needs Java.
    #[error(
        "no Java on the PATH: install a Java 17 runtime (Debian: apt-get install openjdk-17-jre-headless), or set kafka.brokers"
    )]
    NoJava,
    /// The broker needs a newer Java.
    #[error(
        "Java {found} is too old for the broker: put Java 17 or newer first on the PATH, or set kafka.brokers"
    )]
    OldJava {
        /// Its major version.
        found: u32,
    },
    /// A tool that fetches is missing.
    #[error(
        "no {program} on the PATH, which fetches {fetches}: install it (Debian: apt-get install {program_package})"
    )]
    NoTool {
        /// What was called.
        program: &'static str,
        /// Debian's package of it.
        program_package: &'static str,
        /// What it would have fetched.
        fetches: &'static str,
    },
    /// The network, or what stands behind it.
    #[error("could not fetch {what}: check the network and try again; {detail}")]
    Fetch {
        /// What was wanted.
        what: &'static str,
        /// The fetching program's last words.
        detail: String,
    },
    /// The embedded database exists for one platform only.
    #[error(
        "no embedded ClickHouse for this machine: install `clickhouse` (24.9 or newer), or set clickhouse.url"
    )]
    NoClickHouse,
    /// A program of this workspace is not built.
    #[error("the program {name} is missing beside {}: build all of them (cargo build --workspace)", near.display())]
    NoProgram {
        /// Its name.
        name: String,
        /// Where it was looked for.
        near: PathBuf,
    },
    /// The broker ended, or was not ready in time.
    #[error("the broker {how}; its log is {}{tail}", log.display())]
    Broker {
        /// What it did.
        how: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The database ended, or was not ready in time.
    #[error("the database {how}; its log is {}{tail}", log.display())]
    Database {
        /// What it did.
        how: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A file or a process that the system refused.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: io::Error,
    },
}

impl Trouble {
    /// For `map_err`: what was tried, lazily.
    pub fn at<W: Into<String>>(what: impl FnOnce() -> W) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { what: what().into(), error }
    }
}
