//! The broker is away and the disk of the spool is full: a file system of a few megabytes, where this user may mount one,
//! else a bound of as much.

use super::away::{AROUND, empty_spool, rate};
use crate::{
    Failure,
    chaos::{Ear, load::Extent, part::Part, report::Report, run::Course, stage::Stage},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::sleep};

/// What the disk holds.
const SIZE: &str = "3m";
/// The same, for the edge.
const BOUND: &str = "[edge.spool]\nhigh_water = \"2MiB\"\nlow_water = \"1MiB\"\npayments_room = \"512KiB\"\nsegment = \"512KiB\"";
/// On a full disk of its own, no bound of the edge comes first.
const UNBOUND: &str = "[edge.spool]\nsegment = \"512KiB\"";

/// What does not fit is answered 503, the edge stays up, and what was answered 200 is kept.
pub(super) async fn play(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let spool = course.folder.join("spool");
    std::fs::create_dir_all(&spool).map_err(Failure::io(spool.display()))?;
    let mount = Mount::try_at(&spool).await;
    hear(match &mount {
        Some(_) => format!("the spool has a disk of {SIZE}"),
        None => "no file system can be mounted: the spool has a bound of 2 MiB instead".to_owned(),
    });
    let settings = format!("{}\n{}", course.settings, if mount.is_some() { UNBOUND } else { BOUND });
    let stage = Stage::set(&Course { settings, ..course.clone() }, hear).await?;
    let load = stage.load(Extent::Span(span + 2 * AROUND), Some(rate(course)?))?;
    let sending = stage.send(&load);
    sleep(AROUND).await;
    let _code = stage.lab.end(Part::Broker).await?;
    stage.say("the broker is stopped");
    sleep(span).await;
    let full = load.retried().1;
    stage.lab.begin(Part::Broker).await?;
    stage.say(format!("the broker is back; {full} requests were answered 503"));
    let sent = sending.end().await?;
    let left = empty_spool(&stage, span).await;
    let mut report = stage.judge(&load, sent).await?;
    drop(mount);
    report.measure("answered_503", full as f64);
    report.require(full > 0, || "the disk was never full".to_owned());
    report.require(left == 0.0, || format!("{left} messages are still in the spool"));
    let ends = report.own_ends.len();
    report.require(ends == 0, || format!("{ends} programs ended by themselves"));
    Ok(report)
}

/// A small file system in memory; let go when dropped.
struct Mount(PathBuf);

impl Mount {
    async fn try_at(folder: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "tmpfs"]).arg(folder);
        mount.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        mount.status().await.ok()?.success().then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let mut unmount = std::process::Command::new("umount");
        let _left = unmount.arg("-l").arg(&self.0).stdin(Stdio::null()).stderr(Stdio::null()).status();
    }
}
