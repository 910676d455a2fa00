//! One database file: memory-mapped, and mapped anew when the file has changed.
//!
//! What is mapped is a private copy. A file that is overwritten in place (`cp`, an interrupted download) would change
//! under the reader, and a shortened one would end the process with SIGBUS.

use super::{Place, record::Record};
use crate::metrics;
use arc_swap::ArcSwapOption;
use maxminddb::{Mmap, Reader};
use std::{
    fs::File,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// A file, and the reader of its last good state.
pub(super) struct Database {
    path: PathBuf,
    name: String,
    reader: ArcSwapOption<Reader<Mmap>>,
    /// How often a state was taken over.
    taken: AtomicU64,
    seen: Mutex<Option<Stamp>>,
}

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified_at: Option<SystemTime>,
    bytes: u64,
}

impl Database {
    /// Knows the file; [`Database::refresh`] reads it.
    pub(super) fn at(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let (reader, taken) = (ArcSwapOption::empty(), AtomicU64::new(0));
        Self { path: path.to_path_buf(), name, reader, taken, seen: Mutex::default() }
    }

    /// Reads the file if it has changed. A bad or missing one leaves the last good state in use.
    pub(super) fn refresh(&self) {
        let stamp = stamp(&self.path).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = std::mem::replace(&mut *seen, stamp) != stamp;
        drop(seen);
        if let Some(stamp) = stamp.filter(|_| changed) {
            self.take_over(stamp);
        }
        metrics::loaded(&self.name, self.reader.load().is_some());
    }

    fn take_over(&self, stamp: Stamp) {
        match self.open(stamp) {
            Ok(reader) => {
                tracing::info!(file = %self.path.display(), kind = reader.metadata.database_type,
                    built_at = reader.metadata.build_epoch, "a GeoIP database is in use");
                metrics::read(&self.name, "loaded");
                self.reader.store(Some(Arc::new(reader)));
                self.taken.fetch_add(1, Ordering::Release);
            }
            Err(error) => {
                tracing::warn!(file = %self.path.display(), error, kept = self.reader.load().is_some(),
                    "a GeoIP database cannot be read");
                metrics::read(&self.name, "refused");
            }
        }
    }

    /// Adds to `place` what the database knows of the address and `place` does not.
    pub(super) fn fill(&self, address: IpAddr, place: &mut Place) {
        let reader = self.reader.load();
        let Some(reader) = reader.as_deref() else { return };
        // maxminddb walks an IPv6 address down an IPv4 tree without complaint, to someone else's network.
        if address.is_ipv6() && reader.metadata.ip_version == 4 {
            return;
        }
        match reader.lookup::<Record<'_>>(address) {
            Ok(Some(record)) => record.fill(place),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(file = self.name, %error, "a GeoIP record cannot be read");
                metrics::read(&self.name, "bad_record");
            }
        }
    }

    /// See [`Geo::state`](super::Geo::state).
    pub(super) fn state(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// Why the database is not in use, if it is not.
    pub(super) fn missing(&self) -> Option<&Path> {
        self.reader.load().is_none().then_some(&self.path)
    }

    fn open(&self, stamp: Stamp) -> Result<Reader<Mmap>, String> {
        let mut copy = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let read = |error: io::Error| error.to_string();
        io::copy(&mut File::open(&self.path).map_err(read)?, copy.as_file_mut()).map_err(read)?;
        if self::stamp(&self.path).map_err(read)? != stamp {
            return Err("it is being written".to_owned());
        }
        let reader = Reader::open_mmap(copy.path()).map_err(|error| error.to_string())?;
        let tree = u64::from(reader.metadata.node_count) * u64::from(reader.metadata.record_size) / 4;
        if tree >= stamp.bytes {
            return Err("it ends before its tree does".to_owned()); // maxminddb would panic at the first lookup
        }
        Ok(reader)
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok(Stamp { modified_at: metadata.modified().ok(), bytes: metadata.len() })
}
