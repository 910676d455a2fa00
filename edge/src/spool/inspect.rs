//! For the operator: what is in a spool, what is wrong with it, and its repair.

use super::{
    disk::{Disk, Folder},
    lock::Lock,
    record::{self, Kind, Place},
    scan::{Damage, Found, Scan, Summary, summary},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A segment, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What it holds.
    pub kind: Kind,
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Its records, and what is none.
    pub summary: Summary,
}

/// The numbers of the segments of a kind, oldest first.
///
/// # Errors
/// A folder that cannot be read; one that is not there holds nothing.
pub fn segments(spool: &Path, kind: Kind) -> io::Result<Vec<u64>> {
    Folder::of(spool, kind).list()
}

/// Reads a segment; `None`: it is gone, for an edge has drained it.
///
/// # Errors
/// A file that cannot be read.
pub fn look(spool: &Path, kind: Kind, number: u64) -> io::Result<Option<Looked>> {
    let folder = Folder::of(spool, kind);
    let bytes = match folder.read(number) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let summary = summary(kind, number, &bytes);
    Ok(Some(Looked { kind, number, file: folder.file(number), bytes: bytes.len() as u64, summary }))
}

/// What is in a spool besides segments: bytes that could not be read or sent, by file, with their length.
///
/// # Errors
/// A folder that cannot be read; one that is not there holds nothing.
pub fn set_aside(spool: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let entries = match std::fs::read_dir(spool.join(super::disk::ASIDE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = entries
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?.len()))))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// Where damaged bytes were moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where they stood.
    pub damage: Damage,
    /// The file that has them now.
    pub to: PathBuf,
}

/// Moves the damaged bytes of a segment aside and writes the segment again with the records that are whole. The
/// [`Lock`] shows that no edge writes there.
///
/// # Errors
/// A disk that does not do it. Then the segment is as it was.
pub fn repair(_: &Lock, spool: &Path, segment: &Looked) -> io::Result<Vec<Moved>> {
    let folder = Folder::of(spool, segment.kind);
    let bytes = folder.read(segment.number)?;
    let (mut whole, mut moved) = (record::segment_head(segment.kind, segment.number).to_vec(), Vec::new());
    let no_topic: Arc<str> = Arc::from("");
    for found in Scan::new(segment.kind, segment.number, &bytes) {
        match found {
            Found::Damage(damage) => {
                let damaged = bytes.get(damage.offset..).map(|rest| rest.get(..damage.bytes).unwrap_or(rest));
                folder.set_aside(segment.number, damage.offset, damaged.unwrap_or_default())?;
                moved.push(Moved { damage, to: folder.aside(segment.number, damage.offset) });
            }
            Found::Record { body, .. } => {
                let place = Place { segment: segment.number, offset: whole.len() as u64 };
                // One of a later version cannot be written again by this one; then nothing is changed.
                let message = record::decode(body, &no_topic).ok_or_else(|| {
                    io::Error::other(format!("{} has records of a later version", segment.file.display()))
                })?;
                record::encode(&message, place, &mut whole);
            }
        }
    }
    if !moved.is_empty() {
        folder.replace(segment.number, &whole)?;
    }
    Ok(moved)
}
