//! One program of the lab: a place that is filled, emptied, and filled again. What it is told stands in the
//! `tracker.toml` of its folder.

use crate::{Failure, chaos::part::Part};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::sync::Mutex;
use tracker_stack::leash::{self, Leashed};

/// A place.
pub struct Member {
    /// What it is a place for.
    pub part: Part,
    /// 0: the first of its kind.
    pub seat: u16,
    /// `enrich`, `enrich-2`.
    pub name: String,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// Its log.
    pub log: PathBuf,
    folder: PathBuf,
    process: Mutex<Process>,
}

#[derive(Default)]
struct Process {
    running: Option<Leashed>,
    /// How it ended when nobody had ended it.
    own_ends: Vec<String>,
}

/// There is no process.
pub struct Absent;

impl Member {
    /// An empty one.
    #[must_use]
    pub fn new(part: Part, seat: u16, port: u16, folder: &Path) -> Self {
        let name = if seat == 0 { part.to_string() } else { format!("{part}-{}", seat + 1) };
        let log = folder.join(format!("{name}.log"));
        Self { part, seat, name, port, log, folder: folder.to_owned(), process: Mutex::default() }
    }

    /// Fills the place, if it is empty.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub async fn start(&self) -> Result<(), Failure> {
        let mut process = self.process.lock().await;
        if process.running.is_none() {
            process.running = Some(self.launch()?);
        }
        Ok(())
    }

    fn launch(&self) -> Result<Leashed, Failure> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(Failure::io(self.log.display()))?;
        let listen = format!("TRACKER_{}__LISTEN", self.part.name().to_uppercase());
        let program = leash::beside(&format!("tracker-{}", self.part))?;
        Ok(leash::spawn(&program, |command: &mut Command| {
            command.env_clear().env(listen, format!("127.0.0.1:{}", self.port)).env("RUST_BACKTRACE", "1");
            command.arg("--config").arg(self.folder.join("tracker.toml")).current_dir(&self.folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        })?)
    }

    /// Fills the place again when its process has ended by itself; the id of the one that runs.
    ///
    /// # Errors
    /// There is none.
    pub async fn look(&self) -> Result<u32, Absent> {
        let mut process = self.process.lock().await;
        let running = process.running.as_mut().ok_or(Absent)?;
        let Some(status) = running.ended() else { return Ok(running.pid()) };
        process.own_ends.push(format!("{}: {status}", self.name));
        process.running = self.launch().ok();
        process.running.as_ref().map(Leashed::pid).ok_or(Absent)
    }

    /// The id of its process.
    pub async fn pid(&self) -> Option<u32> {
        self.process.lock().await.running.as_ref().map(Leashed::pid)
    }

    /// How it ended when nobody had ended it.
    pub async fn own_ends(&self) -> Vec<String> {
        self.process.lock().await.own_ends.clone()
    }

    /// Empties the place by `kill -9`; whether it was filled.
    pub async fn kill(&self) -> bool {
        let running = self.process.lock().await.running.take();
        running.map(|mut running| running.kill()).is_some()
    }

    /// Empties the place by SIGTERM: the exit code, or `None` of one that had to be killed. `None`: it was empty.
    pub async fn stop(&self, grace: Duration) -> Option<Option<i32>> {
        let mut running = self.process.lock().await.running.take()?;
        let status = running.stop(grace).await;
        Some(status.and_then(|status| status.code()))
    }

    /// SIGSTOP.
    pub async fn pause(&self) {
        if let Some(running) = self.process.lock().await.running.as_mut() {
            running.pause();
        }
    }

    /// SIGCONT.
    pub async fn resume(&self) {
        if let Some(running) = self.process.lock().await.running.as_mut() {
            running.resume();
        }
    }
}
