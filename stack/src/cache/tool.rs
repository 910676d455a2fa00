//! A program that fetches, and what it says when it cannot.

use crate::Trouble;
use std::{
    io::{self, Read},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How often a long fetch says that it still goes on.
const PULSE: Duration = Duration::from_secs(10);

pub(super) struct Tool {
    pub(super) program: &'static str,
    /// Debian's package of it.
    pub(super) package: &'static str,
    pub(super) fetches: &'static str,
}

impl Tool {
    /// Runs it to its end in `folder`.
    pub(super) fn run(&self, folder: &Path, arguments: &[&str], say: &dyn Fn(&str)) -> Result<(), Trouble> {
        let mut command = Command::new(self.program);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| self.missing(e))?;
        let (done, wait) = mpsc::channel();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reader = thread::spawn(move || {
            let errors = thread::spawn(move || text(err));
            let printed = text(out) + &errors.join().unwrap_or_default();
            let _gone = done.send(());
            printed
        });
        let began = Instant::now();
        while wait.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
            say(&format!("… still fetching after {} s", began.elapsed().as_secs()));
        }
        let status = child.wait().map_err(Trouble::at(|| format!("cannot run {}", self.program)))?;
        let printed = reader.join().unwrap_or_default();
        if status.success() { Ok(()) } else { Err(self.failed(&printed)) }
    }

    fn missing(&self, error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::NotFound => Trouble::NoTool {
                program: self.program,
                program_package: self.package,
                fetches: self.fetches,
            },
            _ => Trouble::at(|| format!("cannot run {}", self.program))(error),
        }
    }

    /// The first line that tells an error is the cause; what follows explains the tool.
    fn failed(&self, printed: &str) -> Trouble {
        let tells = |line: &&str| line.to_ascii_lowercase().contains("error");
        let cause =
            printed.lines().find(tells).or_else(|| printed.lines().last()).unwrap_or("it said nothing");
        let detail = format!("{} says: {}", self.program, cause.trim());
        Trouble::Fetch { what: self.fetches, detail }
    }
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What could be read before an error is still worth showing.
    let _partial = stream.map(|mut stream| stream.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<(), Trouble> {
        let tool = Tool { program: "sh", package: "dash", fetches: "nothing" };
        tool.run(Path::new("/"), &["-c", script], &|_| {})
    }

    #[test]
    fn a_failed_fetch_tells_its_cause() {
        let trouble = shell("echo fetching; echo '[ERROR] no such host' >&2; exit 1").unwrap_err();
        assert_eq!(
            trouble.to_string(),
            "could not fetch nothing: check the network and try again; sh says: [ERROR] no such host"
        );
        assert!(shell("true").is_ok());
    }

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        let tool = Tool { program: "no-such-program", package: "nothing", fetches: "jars" };
        let trouble = tool.run(Path::new("/"), &[], &|_| {}).unwrap_err().to_string();
        assert_eq!(
            trouble,
            "no no-such-program on the PATH, which fetches jars: install it (Debian: apt-get install nothing)"
        );
    }
}
