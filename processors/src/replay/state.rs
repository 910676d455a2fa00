//! How far a replay has come, on disk: written whole, fsynced, and put in place by one rename.

use super::{Bounds, Order, Range};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    ops::AddAssign,
    path::{Path, PathBuf},
};
use tracker_schemas::Timestamp;
use tracker_stream::fault::Fault;
use uuid::Uuid;

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages read.
    pub read: u64,
    /// Not wanted by the filter.
    pub filtered: u64,
    /// Of persons who were erased since.
    pub erased: u64,
    /// No record: they are in the dead letters.
    pub unreadable: u64,
    /// Stored already.
    pub present: u64,
    /// Gone in; in a dry run, would have.
    pub written: u64,
    /// Refused by ClickHouse for their content, or too large for the broker.
    pub refused: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.read += more.read;
        self.filtered += more.filtered;
        self.erased += more.erased;
        self.unreadable += more.unreadable;
        self.present += more.present;
        self.written += more.written;
        self.refused += more.refused;
    }
}

/// The block that is going in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockPlan {
    /// Partition.
    pub partition: i32,
    /// First offset of the block.
    pub first: i64,
    /// Last offset of the block.
    pub last: i64,
    /// Time of its first message: a topic that was made anew is not the one that was planned for.
    pub first_at_ms: i64,
    /// What goes in: runs of offsets, both ends included.
    pub offsets: Vec<(i64, i64)>,
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Name.
    pub id: String,
    /// What was asked for.
    pub order: Order,
    /// Name of the topic on the broker.
    pub topic: String,
    /// Database that it goes into; of a shadow, its own.
    pub database: String,
    /// How blocks are cut: the same all the way.
    pub bounds: Bounds,
    /// When it began.
    pub started_at: Timestamp,
    /// When all was done.
    pub finished_at: Option<Timestamp>,
    /// What is replayed, by partition.
    pub ranges: Vec<Range>,
    /// What was going in when this was written.
    pub plan: Option<BlockPlan>,
}

impl State {
    /// A name that a database can bear: the time, and something that no other has.
    #[must_use]
    pub fn new_id(now_ms: i64) -> String {
        let time: String =
            Timestamp(now_ms).to_string().chars().filter(char::is_ascii_digit).take(14).collect();
        let (_, random) = Uuid::new_v4().as_u64_pair();
        format!("{time}x{:04x}", random & 0xffff)
    }

    /// All partitions together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.ranges.iter().for_each(|range| all += range.counts);
        all
    }

    /// Offsets done, and offsets in all.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let sum =
            |length: fn(&Range) -> i64| self.ranges.iter().map(|range| length(range).unsigned_abs()).sum();
        (sum(|range| range.next - range.first), sum(|range| range.end - range.first))
    }
}

/// Where states are kept.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// A state that nobody else works on.
#[derive(Debug)]
pub struct Held {
    folder: Folder,
    _locks: Vec<File>,
}

impl Folder {
    /// That folder; it is made when something is written.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// All states, the oldest first.
    ///
    /// # Errors
    /// A folder or a file that cannot be read.
    pub fn all(&self) -> Result<Vec<State>, Fault> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.fault(&error))?,
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        let mut paths = paths.map_err(|error| self.fault(&error))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| read(path)).collect()
    }

    /// The state of that name.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn find(&self, id: &str) -> Result<State, Fault> {
        let found = self.all()?.into_iter().find(|state| state.id == id);
        found.ok_or_else(|| {
            Fault::new(
                "no_such_replay",
                format!("{id} is not in {}: see `tracker replay ls`", self.0.display()),
            )
        })
    }

    /// Makes sure that nobody else works on these: a replay by its name, or what all replays of one kind share.
    ///
    /// # Errors
    /// Somebody does; or a folder that cannot be written.
    pub fn hold(&self, names: &[&str]) -> Result<Held, Fault> {
        fs::create_dir_all(&self.0).map_err(|error| self.fault(&error))?;
        let lock = |name: &&str| {
            let path = self.0.join(format!("{name}.lock"));
            let file = File::create(&path).map_err(|error| self.fault(&error))?;
            match file.try_lock() {
                Ok(()) => Ok(file),
                Err(TryLockError::WouldBlock) => Err(Fault::new("replay_running", self.running(name))),
                Err(TryLockError::Error(error)) => Err(self.fault(&error)),
            }
        };
        let locks = names.iter().map(lock).collect::<Result<_, _>>()?;
        Ok(Held { folder: self.clone(), _locks: locks })
    }

    fn running(&self, name: &str) -> String {
        format!("another `tracker replay` holds {}", self.0.join(format!("{name}.lock")).display())
    }

    fn fault(&self, error: &io::Error) -> Fault {
        Fault::new("replay_folder", format!("{} (replay.folder): {error}", self.0.display()))
    }
}

impl Held {
    /// Writes the state; after that it outlives everything.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, state: &State) -> Result<(), Fault> {
        let path = self.folder.0.join(format!("{}.json", state.id));
        let save = || {
            let text = serde_json::to_vec_pretty(state)?;
            let mut file = File::create(path.with_extension("new"))?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(path.with_extension("new"), &path)?;
            File::open(&self.folder.0)?.sync_all() // else the rename may be lost
        };
        save().map_err(|error: io::Error| self.folder.fault(&error))
    }

    /// Forgets a replay.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn forget(self, id: &str) -> Result<(), Fault> {
        ["json", "lock"].into_iter().try_for_each(|extension| {
            match fs::remove_file(self.folder.0.join(format!("{id}.{extension}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.folder.fault(&error)),
                _ => Ok(()),
            }
        })
    }
}

fn read(path: &Path) -> Result<State, Fault> {
    let wrong = |error: String| Fault::new("replay_state", format!("{}: {error}", path.display()));
    let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))
}
