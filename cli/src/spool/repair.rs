//! Keeps what is whole, and moves the rest aside.

use super::{look::looked, unreadable};
use crate::{Failure, Out};
use serde::Serialize;
use std::path::{Path, PathBuf};
use tracker_edge::spool::{
    inspect::{Moved, repair},
    lock::Lock,
    scan::Damage,
};

#[derive(Serialize)]
struct Told {
    file: PathBuf,
    kept_messages: usize,
    moved: Vec<Aside>,
}

#[derive(Serialize)]
struct Aside {
    #[serde(flatten)]
    damage: Damage,
    to: PathBuf,
}

/// Repairs every segment that is damaged.
pub(super) fn run(path: &Path, json: bool, out: &mut Out) -> Result<(), Failure> {
    let lock = Lock::take(path)?;
    let mut repaired = Vec::new();
    for segment in looked(path)?.iter().filter(|segment| !segment.summary.damage.is_empty()) {
        let moved = repair(&lock, path, segment).map_err(unreadable(path))?;
        let moved = moved.into_iter().map(|Moved { damage, to }| Aside { damage, to }).collect();
        repaired.push(Told { file: segment.file.clone(), kept_messages: segment.summary.messages, moved });
    }
    if json {
        return out.json(&repaired);
    }
    for Told { file, kept_messages, moved } in &repaired {
        for Aside { damage: Damage { offset, bytes, .. }, to } in moved {
            let (file, to) = (file.display(), to.display());
            out.push(format_args!("{file}: {bytes} bytes at {offset} are in {to} now"))?;
        }
        out.push(format_args!("{}: {kept_messages} messages kept", file.display()))?;
    }
    match repaired.len() {
        0 => out.line("nothing is damaged"),
        _ => out.line("what was moved is yours to look at, and to remove"),
    }
}
