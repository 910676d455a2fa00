//! No process outlives the one that started it, however that one ends.
//!
//! Each child is started through the small program `tracker-leash`, which asks the kernel for a SIGTERM at the death of
//! its parent and then becomes the child. The kernel means the *thread* that forked, so all children are forked by
//! one thread that lives as long as the process; a test's thread ends with the test. Rejected: `pre_exec`, which is
//! `unsafe`, and a parent that waits on a pipe for each child, which doubles the processes.
//!
//! Each child has its own process group, so that Ctrl-C reaches only the one that stops the others in order.

use crate::{Trouble, wait_until};
use nix::{sys::signal, unistd::Pid};
use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

/// A child of this process.
#[derive(Debug)]
pub struct Leashed {
    child: Child,
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts `program` with what `command` sets: arguments, environment, standard streams.
///
/// # Errors
/// A program that is not there, or a system that cannot fork.
pub fn spawn(program: &Path, command: impl FnOnce(&mut Command)) -> Result<Leashed, Trouble> {
    let mut leashed = Command::new(beside("tracker-leash")?);
    leashed.arg(std::process::id().to_string()).arg(program).process_group(0);
    command(&mut leashed);
    let what = || format!("cannot start {}", program.display());
    let child = fork(leashed).map_err(Trouble::at(what))?;
    Ok(Leashed { child })
}

/// Has the one long-lived thread fork.
fn fork(command: Command) -> io::Result<Child> {
    static FORKER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        let serve = move || {
            for (mut command, reply) in inbox {
                let _gone = reply.send(command.spawn());
            }
        };
        // Without its thread the channel is closed, and each order says so.
        let _thread = thread::Builder::new().name("forker".to_owned()).spawn(serve);
        orders
    });
    let (reply, answer) = mpsc::channel();
    let ended = || io::Error::other("the forking thread has ended");
    forker.send((command, reply)).map_err(|_| ended())?;
    answer.recv().map_err(|_| ended())?
}

/// A program of this workspace: beside the running one, or one folder up (a test runs from `target/debug/deps`).
///
/// # Errors
/// [`Trouble::NoProgram`].
pub fn beside(name: &str) -> Result<PathBuf, Trouble> {
    let running = std::env::current_exe().map_err(Trouble::at(|| "cannot tell which program this is"))?;
    let folders = running.ancestors().skip(1).take(2);
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| Trouble::NoProgram { name: name.to_owned(), near: running.clone() })
}

impl Leashed {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Its standard streams and all else.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// SIGTERM, and SIGKILL after `grace`. `None`: it had to be killed.
    pub async fn stop(&mut self, grace: Duration) -> Option<ExitStatus> {
        self.signal(signal::SIGTERM);
        self.wait(grace).await
    }

    /// Waits for its end, and kills it after `grace`. `None`: it had to be killed.
    pub async fn wait(&mut self, grace: Duration) -> Option<ExitStatus> {
        let ended = wait_until(grace, async || self.ended()).await;
        if ended.is_none() {
            self.kill();
        }
        ended
    }

    /// SIGKILL, and the wait for it to be gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _gone = self.child.kill();
            let _status = self.child.wait();
        }
    }

    /// SIGSTOP: it stands still and does not know it.
    pub fn pause(&mut self) {
        self.signal(signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.signal(signal::SIGCONT);
    }

    fn signal(&mut self, signal: signal::Signal) {
        // Asked first: the id of an ended child may be another's by now.
        if self.ended().is_none()
            && let Ok(pid) = i32::try_from(self.child.id())
        {
            let _gone = signal::kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        self.kill();
    }
}
