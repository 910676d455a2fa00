//! The stream processor that others would put in our place: Benthos' engine, of which Bento is a fork. It is a Go program,
//! built by `bench/bento/build.sh` where its modules can be had.

use super::log;
use crate::{bench::Bench, load::Target, site};
use std::{
    path::Path,
    process::{Command, Stdio},
};
use tracker_cli::Failure;
use tracker_stack::{
    Trouble, free_ports,
    leash::{self, Leashed},
};

/// What is said where it cannot be measured.
pub const NOT_BUILT: &str = "the other side is not built: bench/bento/build.sh builds it";

/// In the folder of what was fetched.
const PROGRAM: &str = "tools/bento";
/// From the top of the source tree, where the bench is started.
const CONFIGS: &str = "bench/bento";

/// A running one. Dropped, it is killed.
pub struct Bento {
    process: Leashed,
    port: u16,
}

impl Bento {
    /// Starts one with a configuration of `bench/bento` and what its variables stand for, and waits until all of it is
    /// connected. `None`: it is not built.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start(
        bench: &Bench,
        config: &str,
        told: &[(&'static str, String)],
    ) -> Result<Option<Self>, Failure> {
        let program = bench.cache.join(PROGRAM);
        if !program.is_file() {
            return Ok(None);
        }
        let [port, control] = *free_ports(2)? else { return Err(Trouble::NoFreePort.into()) };
        let (log, stderr) = log(&bench.folder, config)?;
        let process = leash::spawn(&program, |command: &mut Command| {
            command.arg("run").arg(Path::new(CONFIGS).join(config));
            command.envs(told.iter().map(|(name, value)| (name, value)));
            command.env("PORT", port.to_string()).env("CONTROL_PORT", control.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        })?;
        site::ready(control, "/ready", &log).await?;
        Ok(Some(Self { process, port }))
    }

    /// Whom a load asks.
    pub fn target(&self) -> Target {
        Target { port: self.port, pid: self.process.pid() }
    }
}
