//! Is there room?

use crate::Trouble;
use nix::sys::statvfs::statvfs;
use std::path::Path;

/// Refuses a start that would run out of space. Looks at the nearest existing folder above `path`.
///
/// # Errors
/// [`Trouble::DiskFull`] with fewer than `wanted` bytes free; `setting` is where the bound was set.
pub fn enough_disk(path: &Path, wanted: u64, setting: &'static str) -> Result<(), Trouble> {
    let full = std::path::absolute(path)
        .map_err(Trouble::at(|| format!("cannot tell where {} is", path.display())))?;
    let Some(existing) = full.ancestors().find(|folder| folder.is_dir()) else { return Ok(()) };
    let stat = statvfs(existing)
        .map_err(|errno| Trouble::at(|| format!("cannot measure {}", existing.display()))(errno.into()))?;
    let free = stat.blocks_available() * stat.fragment_size();
    if free >= wanted {
        return Ok(());
    }
    Err(Trouble::DiskFull { path: full, free_mib: free >> 20, wanted_mib: wanted >> 20, setting })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_to_be_made_is_measured_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        assert!(enough_disk(&folder.path().join("not/yet"), 1, "up.min_free_disk").is_ok());
    }

    #[test]
    fn too_little_space_names_the_folder_and_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        let trouble = enough_disk(folder.path(), u64::MAX, "up.min_free_disk").unwrap_err().to_string();
        assert!(trouble.contains(&folder.path().display().to_string()), "{trouble}");
        assert!(trouble.contains("up.min_free_disk"), "{trouble}");
    }
}
