//! A program that is brought back when it dies.
//!
//! A program that says by its exit code that its settings are wrong (2) is left down: the next start would say the same.

use crate::{
    Trouble,
    leash::{self, Leashed},
};
use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// The pause before the first restart; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A program that ran this long starts over with the first pause.
const SETTLED: Duration = Duration::from_secs(30);
/// How often its end is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// "Mistakes in the settings".
const MISTAKEN: i32 = 2;

/// What to run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name before each of its lines.
    pub name: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, over this process's own.
    pub environment: Vec<(String, String)>,
}

/// Something that a supervised program said, or that was seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A line of its output.
    Line(String),
    /// It ended by itself, and will be started again after the pause.
    Ended {
        /// How.
        how: String,
        /// When it comes back.
        pause: Duration,
    },
    /// It is down for good, until someone changes something.
    GaveUp(String),
}

/// Who hears it: the program's name, and what.
type Ear = Arc<dyn Fn(&'static str, Said) + Send + Sync>;

/// A program under supervision. Dropped, it is stopped without grace.
#[derive(Debug)]
pub struct Supervised {
    name: &'static str,
    pid: Arc<AtomicU32>,
    stop: CancellationToken,
    down: CancellationToken,
    watch: JoinHandle<Option<Leashed>>,
}

impl Supervised {
    /// Starts it.
    ///
    /// # Errors
    /// A program that cannot be started the first time.
    pub fn start(
        program: Program,
        hear: impl Fn(&'static str, Said) + Send + Sync + 'static,
    ) -> Result<Self, Trouble> {
        let hear: Ear = Arc::new(hear);
        let first = launch(&program, &hear)?;
        let name = program.name;
        let pid = Arc::new(AtomicU32::new(first.pid()));
        let (stop, down) = (CancellationToken::new(), CancellationToken::new());
        let watched = Watch { program, hear, pid: pid.clone(), stop: stop.clone(), down: down.clone() };
        Ok(Self { name, pid, stop, down, watch: tokio::spawn(watched.keep(first)) })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The process id of the one that runs now.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Whether it was given up.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.down.is_cancelled()
    }

    /// SIGTERM, then SIGKILL after `grace`. Whether it ended by itself.
    pub async fn stop(self, grace: Duration) -> bool {
        self.stop.cancel();
        match self.watch.await {
            Ok(Some(mut process)) => process.stop(grace).await.is_some(),
            _ => true,
        }
    }
}

struct Watch {
    program: Program,
    hear: Ear,
    pid: Arc<AtomicU32>,
    stop: CancellationToken,
    down: CancellationToken,
}

impl Watch {
    /// Keeps it running until told to stop; then hands over the process that runs.
    async fn keep(self, first: Leashed) -> Option<Leashed> {
        let (mut process, mut pause, mut began) = (first, FIRST_PAUSE, Instant::now());
        loop {
            let Some(status) = self.end_of(&mut process).await else { return Some(process) };
            if status.code() == Some(MISTAKEN) {
                (self.hear)(self.program.name, Said::GaveUp(format!("its settings are wrong ({status})")));
                self.down.cancel();
                return None;
            }
            if began.elapsed() > SETTLED {
                pause = FIRST_PAUSE;
            }
            (self.hear)(self.program.name, Said::Ended { how: status.to_string(), pause });
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
            match launch(&self.program, &self.hear) {
                Ok(again) => process = again,
                Err(trouble) => {
                    (self.hear)(self.program.name, Said::GaveUp(trouble.to_string()));
                    self.down.cancel();
                    return None;
                }
            }
            self.pid.store(process.pid(), Ordering::Relaxed);
            began = Instant::now();
        }
    }

    /// How it ended; `None` when it is to be stopped.
    async fn end_of(&self, process: &mut Leashed) -> Option<std::process::ExitStatus> {
        loop {
            if let Some(status) = process.ended() {
                return Some(status);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = sleep(LOOK) => {}
            }
        }
    }
}

fn launch(program: &Program, hear: &Ear) -> Result<Leashed, Trouble> {
    let mut process = leash::spawn(&program.path, |command: &mut Command| {
        command.args(&program.arguments).envs(program.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    })?;
    let child = process.child();
    forward(program.name, child.stdout.take(), hear);
    forward(program.name, child.stderr.take(), hear);
    Ok(process)
}

/// Hands each line on, until the stream ends with its program. A thread: a blocked terminal must not stop the watch.
fn forward(name: &'static str, stream: Option<impl Read + Send + 'static>, hear: &Ear) {
    let (Some(stream), hear) = (stream, hear.clone()) else { return };
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            hear(name, Said::Line(String::from_utf8_lossy(&line).into_owned()));
        }
    });
}
