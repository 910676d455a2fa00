//! The file that a child's output goes to, and its last lines.

use crate::Trouble;
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::Stdio,
};

/// How many lines are shown of a log.
const LINES: usize = 12;
/// How much of its end is read for them.
const TAIL: u64 = 16 << 10;
/// A log longer than this is begun anew at a start.
const LONGEST: u64 = 64 << 20;

/// One log file, from where this start of the child began to write.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    begun: u64,
}

impl LogFile {
    /// Opens it for appending.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Stdio, Stdio), Trouble> {
        let trouble = || format!("cannot write {}", path.display());
        let begun = fs::metadata(&path).map_or(0, |meta| meta.len());
        let fresh = begun > LONGEST;
        let file = File::options()
            .create(true)
            .append(!fresh)
            .write(true)
            .truncate(fresh)
            .open(&path)
            .map_err(Trouble::at(trouble))?;
        let twin = file.try_clone().map_err(Trouble::at(trouble))?;
        Ok((Self { path, begun: if fresh { 0 } else { begun } }, file.into(), twin.into()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the child has written `words` since this start.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.read(self.begun).is_some_and(|text| text.contains(words))
    }

    /// The last lines of this start, each on a line of its own, indented; empty when there are none.
    pub(crate) fn tail(&self) -> String {
        let length = fs::metadata(&self.path).map_or(0, |meta| meta.len());
        let text = self.read(self.begun.max(length.saturating_sub(TAIL))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.iter().skip(lines.len().saturating_sub(LINES));
        last.map(|line| format!("\n  | {line}")).collect()
    }

    fn read(&self, from: u64) -> Option<String> {
        let mut file = File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_start_wrote_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broker.log");
        fs::write(&path, "started\nended\n").unwrap();
        let (log, _, _) = LogFile::open(path.clone()).unwrap();
        assert!(!log.says("started"));
        fs::write(&path, "started\nended\nstarted again\n").unwrap();
        assert!(log.says("started"));
        assert_eq!(log.tail(), "\n  | started again");
    }
}
