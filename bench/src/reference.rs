//! The other sides: the least that could do such work, written as anybody would write it. Small and honest: none of
//! them is slower than it has to be, and none does what Tracker does besides.
//!
//! Each runs as a process of its own, the bench itself under another role, so that the kernel counts what it costs.

pub mod bento;
mod plain;
pub mod raw;
mod web;

pub use web::Depth;

use crate::{load::Target, site};
use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};
use tracker_cli::Failure;
use tracker_stack::{
    Trouble, free_ports,
    leash::{self, Leashed},
};

/// Which one, and where.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How much it does.
    #[arg(long, value_enum)]
    depth: Depth,
    /// Its port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// Where it produces to.
    #[arg(long)]
    brokers: String,
    /// The topic there.
    #[arg(long)]
    topic: String,
}

/// The life of a reference: until it is killed.
///
/// # Errors
/// A port that is taken, a producer that cannot be made.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { depth, port, brokers, topic } = arguments;
    web::serve(depth, port, web::Log { producer: raw::producer(&brokers, raw::LINGER)?, topic: topic.into() })
        .await
}

/// Where a reference writes what it has to say, and the file itself.
fn log(folder: &Path, name: &str) -> Result<(String, File), Failure> {
    let path = folder.join(name).with_extension("log");
    let file = File::options().create(true).append(true).open(&path);
    let shown = path.display().to_string();
    Ok((shown, file.map_err(Failure::io(path.display()))?))
}

/// A running reference. Dropped, it is killed.
pub struct Reference {
    process: Leashed,
    port: u16,
}

impl Reference {
    /// Starts one, whose log goes into a folder, and waits until it answers.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start(folder: &Path, depth: Depth, brokers: &str, topic: &str) -> Result<Self, Failure> {
        let [port] = *free_ports(1)? else { return Err(Trouble::NoFreePort.into()) };
        let own = std::env::current_exe().map_err(Failure::io("the bench"))?;
        let (log, stderr) = log(folder, depth.name())?;
        let process = leash::spawn(&own, |command: &mut Command| {
            command.args(["reference", "--depth", depth.name(), "--port", &port.to_string()]);
            command.args(["--brokers", brokers, "--topic", topic]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        })?;
        site::ready(port, "/ready", &log).await?;
        Ok(Self { process, port })
    }

    /// Whom a load asks.
    pub fn target(&self) -> Target {
        Target { port: self.port, pid: self.process.pid() }
    }
}
