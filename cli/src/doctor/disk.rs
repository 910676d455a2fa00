//! Room on the disk, where the broker and the database are local.

use super::Finding;
use serde::Deserialize;
use std::path::PathBuf;
use tracker_stack::enough_disk;
use tracker_stream::config::{Settings, Size};

const CHECK: &str = "disk";

#[derive(Deserialize)]
struct Up {
    data: PathBuf,
    min_free_disk: Size,
}

pub fn examine(settings: &Settings) -> Vec<Finding> {
    let Ok(up) = settings.section::<Up>("up") else { return Vec::new() }; // told among the settings
    let shown = up.data.display();
    vec![match enough_disk(&up.data, up.min_free_disk.0 as u64, "up.min_free_disk") {
        Ok(()) => {
            Finding::good(CHECK, format_args!("{shown} has more than {} MiB left", up.min_free_disk.0 >> 20))
        }
        Err(trouble) => Finding::wrong(
            CHECK,
            trouble,
            format_args!("make room, or set up.data to a folder of a larger disk than {shown} is on"),
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn too_little_room_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let examine = |least: &str| {
            let text = format!("[up]\ndata = \"{}\"\nmin_free_disk = \"{least}\"", folder.path().display());
            examine(&Settings::merge(&text, "test", std::iter::empty()).unwrap()).remove(0).verdict
        };
        assert_eq!(examine("1KiB"), Verdict::Good);
        assert_eq!(examine("4000000000GiB"), Verdict::Wrong);
    }
}
