//! The files of one kind's segments. Does what it is told, and decides nothing; tests have one that fails on purpose.

use super::record::Kind;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Where segments are kept.
pub trait Disk: Send + 'static {
    /// A segment that is being written.
    type File: Send;

    /// The segments that are there.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self) -> io::Result<Vec<u64>>;
    /// All bytes of a segment.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;
    /// A new, empty segment, which is there still when the machine has lost its power.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, number: u64) -> io::Result<Self::File>;
    /// Writes bytes from `at` on. After a failure some of them may have been written.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, file: &mut Self::File, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when what was written is safe.
    ///
    /// # Errors
    /// As the system says; then nothing that was written since the last time can be trusted.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;
    /// Forgets what stands from `bytes` on.
    ///
    /// # Errors
    /// As the system says.
    fn truncate(&self, file: &mut Self::File, bytes: u64) -> io::Result<()>;
    /// Removes a segment.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, number: u64) -> io::Result<()>;
    /// Keeps bytes that could not be sent in a file of their own, named by the segment and the offset.
    ///
    /// # Errors
    /// As the system says.
    fn set_aside(&self, number: u64, offset: usize, bytes: &[u8]) -> io::Result<()>;
    /// Keeps a segment that cannot be read as it is, where it is not in the way.
    ///
    /// # Errors
    /// As the system says.
    fn move_aside(&self, number: u64) -> io::Result<()>;
}

/// A folder on a real disk.
#[derive(Debug, Clone)]
pub struct Folder {
    kind: Kind,
    path: PathBuf,
    aside: PathBuf,
}

/// What a segment's file name ends with.
const SEGMENT: &str = "segment";
/// Where in a spool bytes are kept that could not be read or sent.
pub const ASIDE: &str = "aside";

impl Folder {
    /// The folder of a kind in a spool, and beside it the one for what is set aside; they need not be there.
    #[must_use]
    pub fn of(spool: &Path, kind: Kind) -> Self {
        Self { kind, path: spool.join(kind.name()), aside: spool.join(ASIDE) }
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Makes the folders. What they hold are raw addresses and payments: nobody else's to read.
    ///
    /// # Errors
    /// As the system says.
    pub fn make(&self) -> io::Result<()> {
        for path in [&self.path, &self.aside] {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            path.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(())
    }

    /// The file of a segment.
    #[must_use]
    pub fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}.{SEGMENT}"))
    }

    /// The bytes of a segment's file.
    ///
    /// # Errors
    /// As the system says.
    pub fn size(&self, number: u64) -> io::Result<u64> {
        Ok(fs::metadata(self.file(number))?.len())
    }

    /// Puts a segment in the place of what a file held before, at once or not at all.
    ///
    /// # Errors
    /// As the system says.
    pub fn replace(&self, number: u64, bytes: &[u8]) -> io::Result<()> {
        let (file, new) = (self.file(number), self.path.join(format!("{number:020}.new")));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        written.write_all_at(bytes, 0)?;
        written.sync_all()?;
        fs::rename(&new, &file)?;
        sync_folder(&self.path)
    }

    /// The file that [`Disk::set_aside`] writes.
    #[must_use]
    pub fn aside(&self, number: u64, offset: usize) -> PathBuf {
        self.aside.join(format!("{}-{number:020}-at-{offset}", self.kind.name()))
    }
}

/// Makes what was created in a folder, or removed from it, safe.
fn sync_folder(path: &Path) -> io::Result<()> {
    // The parent of a relative path of one part is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

impl Disk for Folder {
    type File = File;

    fn list(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(numbers),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name().into_string().unwrap_or_default();
            let number = name.strip_suffix(SEGMENT).and_then(|name| name.strip_suffix('.'));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.file(number))
    }

    fn create(&self, number: u64) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.file(number))?;
        sync_folder(&self.path)?;
        Ok(file)
    }

    fn write(&self, file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&self, file: &mut File, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.file(number))?;
        sync_folder(&self.path)
    }

    fn set_aside(&self, number: u64, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let path = self.aside(number, offset);
        let part = path.with_extension("part");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all_at(bytes, 0)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        sync_folder(&self.aside)
    }

    fn move_aside(&self, number: u64) -> io::Result<()> {
        let name = format!("{}-{number:020}.{SEGMENT}", self.kind.name());
        fs::rename(self.file(number), self.aside.join(name))?;
        sync_folder(&self.path)?;
        sync_folder(&self.aside)
    }
}
