//! One process a spool: two that drained one would send everything twice, and each would remove what the other writes.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};
use tracker_stream::fault::Fault;

const FILE: &str = "lock";

/// The right to write in a spool. The kernel takes it back from a process that dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it; makes the folder where it is missing.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written; both with what to change.
    pub fn take(spool: &Path) -> Result<Self, Fault> {
        let fault = |error: io::Error| {
            let path = spool.display();
            let detail = format!(
                "cannot write in {path}: {error}; set `edge.spool.path` to a folder that this user may write"
            );
            Fault::new("spool_folder", detail)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(spool).map_err(fault)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = file.open(spool.join(FILE)).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(fault)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(taken(spool, &mut file)),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }
}

fn taken(spool: &Path, file: &mut File) -> Fault {
    let mut holder = String::new();
    let _unknown = file.rewind().and_then(|()| file.read_to_string(&mut holder));
    let detail = format!(
        "the spool {} is in use by process {holder}: each edge needs its own, set `edge.spool.path`",
        spool.display()
    );
    Fault::new("spool_in_use", detail)
}
