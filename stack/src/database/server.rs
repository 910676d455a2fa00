//! The two ways to run one server: an installed `clickhouse`, or the shared library in a process of its own.

use super::DatabaseOptions;
use crate::{
    Piece, Trouble,
    leash::{self, Leashed},
};
use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

/// The oldest whose inserts deduplicate through views by their token alone, whatever number of blocks and partitions a
/// view makes of them: ClickHouse's pull request 61601, of summer 2024.
const OLDEST: (u32, u32) = (24, 9);

const CONFIG: &str = include_str!("../../clickhouse/config.xml");
const USERS: &str = include_str!("../../clickhouse/users.xml");

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `clickhouse server`.
    Installed,
    /// `libchdb.so`: `clickhouse-local`, which opens its listeners and waits for the end of its standard input.
    Embedded,
}

impl Kind {
    /// The installed one, if it is new enough.
    pub(super) fn of_system() -> Option<Self> {
        let output =
            Command::new("clickhouse").args(["local", "--version"]).stdin(Stdio::null()).output().ok()?;
        let new_enough = version(&String::from_utf8_lossy(&output.stdout))? >= OLDEST;
        new_enough.then_some(Self::Installed)
    }

    pub(super) fn spawn(
        self,
        options: &DatabaseOptions,
        data: &Path,
        (out, err): (Stdio, Stdio),
    ) -> Result<Leashed, Trouble> {
        match self {
            Self::Installed => leash::spawn(Path::new("clickhouse"), |command: &mut Command| {
                command.arg("server").arg("--config-file").arg(data.join("config.xml")).arg("--");
                command.arg(format!("--path={}", data.join("store").display()));
                command.arg(format!("--http_port={}", options.http_port));
                command.arg(format!("--tcp_port={}", options.tcp_port));
                command.current_dir(data).stdin(Stdio::null()).stdout(out).stderr(err);
            }),
            Self::Embedded => {
                let library = options.cache.piece(Piece::Database).join("libchdb.so");
                let library = fs::canonicalize(library).map_err(|_| Trouble::NoClickHouse)?;
                leash::spawn(&leash::beside("tracker-clickhouse")?, |command: &mut Command| {
                    command.arg(library).arg("--path").arg(data.join("store"));
                    command.arg("--config-file").arg(data.join("config.xml"));
                    command.args([
                        "--listen_host",
                        "127.0.0.1",
                        "--http_port",
                        &options.http_port.to_string(),
                    ]);
                    command.args(["--tcp_port", &options.tcp_port.to_string(), "--query", LISTEN]);
                    command.current_dir(data).stdin(Stdio::piped()).stdout(out).stderr(err);
                })
            }
        }
    }
}

/// The last statement ends with the standard input.
const LISTEN: &str =
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT count() FROM file('-', 'LineAsString')";

/// Writes the configuration; both kinds read the same.
pub(super) fn configure(data: &Path) -> io::Result<()> {
    fs::create_dir_all(data.join("store"))?;
    fs::write(data.join("config.xml"), CONFIG.replace("{data}", &data.display().to_string()))?;
    fs::write(data.join("users.xml"), USERS)
}

/// Year and month in `ClickHouse local version 26.7.2.1 (official build).`
fn version(printed: &str) -> Option<(u32, u32)> {
    let (_, after) = printed.split_once("version ")?;
    let mut numbers = after.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_told_to_write_no_more_than_warnings() {
        for level in ["<level>warning</level>", "<console_log_level>warning</console_log_level>"] {
            assert!(CONFIG.contains(level), "without it the log of a busy server fills the disk");
        }
    }

    #[test]
    fn the_version_is_read_and_an_old_one_is_not_used() {
        assert_eq!(version("ClickHouse local version 26.7.2.1 (official build)."), Some((26, 7)));
        assert!(version("ClickHouse client version 18.16.1.").unwrap() < OLDEST);
        assert!(version("ClickHouse local version 24.8.14.39 (official build).").unwrap() < OLDEST);
        assert_eq!(version("command not found"), None);
    }
}
