//! Room on the disk: wrong where the broker or the database is local, else only worth knowing.

use super::Finding;
use crate::local::Local;
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
    let Ok(local) = Local::of(settings) else { return Vec::new() };
    let is_needed = local.broker || local.database;
    let finding = if is_needed { Finding::wrong } else { Finding::note };
    let shown = up.data.display();
    vec![match enough_disk(&up.data, up.min_free_disk.0 as u64, "up.min_free_disk") {
        Ok(()) => {
            Finding::good(CHECK, format_args!("{shown} has more than {} MiB left", up.min_free_disk.0 >> 20))
        }
        Err(trouble) => finding(
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
        let examine = |least: &str, more: &str| {
            let data = folder.path().display();
            let text = format!("[up]\ndata = \"{data}\"\nmin_free_disk = \"{least}\"\n{more}");
            examine(&Settings::merge(&text, "test", std::iter::empty()).unwrap()).remove(0).verdict
        };
        assert_eq!(examine("1KiB", ""), Verdict::Good);
        assert_eq!(examine("4000000000GiB", ""), Verdict::Wrong);
        let broker = "[kafka]\nbrokers = \"b:9092\"\n";
        assert_eq!(examine("4000000000GiB", broker), Verdict::Wrong, "the database is here");
        let both = format!("{broker}[clickhouse]\nurl = \"http://db:8123\"");
        assert_eq!(examine("4000000000GiB", &both), Verdict::Note);
    }
}
