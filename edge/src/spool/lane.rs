//! The spool of one kind, as the rest of the edge sees it: a handle on the thread that writes. Files are waited for on
//! that thread alone.

use super::{
    disk::{Disk, Folder},
    lock::Lock,
    log::{Aside, Bounds, DISK, Damaged, Log, is_lost},
    queue::Depth,
    record::{self, Kind},
    scan::Damage,
};
use crate::metrics;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Notify, mpsc, oneshot};
use tracker_stream::{clock, fault::Fault, kafka::Outgoing};

/// Requests that may wait to be written, besides the group that is being written.
const WAITING: usize = 4096;
/// Bytes of one group, about: whoever comes after waits for the next fsync.
const GROUP: usize = 8 << 20;
/// How long the first of a group waits for others where fewer have come than in the group before, and a little longer, as
/// threads wake. An fsync costs the CPU of several events, however many it is for; a longer wait saves more of it, but then those who
/// wait are what is short.
const COMPANY: Duration = Duration::from_micros(120);
/// How long a disk that did not take something is not counted on.
const MISTRUST: Duration = Duration::from_secs(5);

/// A handle; clones share one spool. The thread ends, and the lock goes, with the last of them.
#[derive(Clone)]
pub struct Lane {
    kind: Kind,
    folder: Folder,
    jobs: mpsc::Sender<Job>,
    seen: Arc<Seen>,
    topic: Arc<str>,
    /// The newest segment that was there at the start: what is damaged up to it has been counted.
    counted: u64,
}

/// What the thread lets others see.
#[derive(Default)]
struct Seen {
    depth: Mutex<Depth>,
    failed_at: Mutex<Option<Instant>>,
}

enum Job {
    Append { messages: Vec<Outgoing>, done: oneshot::Sender<Result<(), Fault>> },
    Oldest { done: oneshot::Sender<Option<u64>> },
    Remove { number: u64, aside: Vec<Aside>, done: oneshot::Sender<io::Result<()>> },
    GiveUp { number: u64, done: oneshot::Sender<io::Result<()>> },
}

impl Lane {
    /// Opens what is there, and starts the thread. `work` is told whenever there is something to drain.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub(super) fn open(
        folder: Folder,
        topic: Arc<str>,
        bounds: Bounds,
        lock: &Arc<Lock>,
        work: &Arc<Notify>,
    ) -> Result<Self, Fault> {
        let kind = folder.kind();
        let opened = folder.make().and_then(|()| Log::open(kind, folder.clone(), bounds));
        let (log, damaged) = opened.map_err(|error| fault(&error))?;
        metrics::spool_opened(kind);
        let counted = folder.list().map_err(|error| fault(&error))?.last().copied().unwrap_or(0);
        let (jobs, queue) = mpsc::channel(WAITING);
        let seen = Arc::new(Seen::default());
        let thread = Thread {
            kind,
            log,
            queue,
            seen: Arc::clone(&seen),
            work: Arc::clone(work),
            _lock: Arc::clone(lock),
        };
        thread.show();
        let spawned =
            std::thread::Builder::new().name(format!("spool-{}", kind.name())).spawn(|| thread.run());
        spawned.map_err(|error| fault(&error))?;
        let lane = Self { kind, folder, jobs, seen, topic, counted };
        damaged.iter().for_each(|found| lane.tell_at_start(found));
        Ok(lane)
    }

    /// Returns when all of the messages are safe on disk, or none of them will be.
    ///
    /// # Errors
    /// No room, or a disk that does not take them.
    pub async fn append(&self, messages: Vec<Outgoing>) -> Result<(), Fault> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::Append { messages, done }, answer).await?
    }

    /// The oldest segment, to be drained: nothing is added to it any more.
    ///
    /// # Errors
    /// When the thread has died.
    pub async fn oldest(&self) -> Result<Option<u64>, Fault> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::Oldest { done }, answer).await
    }

    /// The bytes of a segment; `None`: it is lost, and will not come again.
    ///
    /// # Errors
    /// A file that cannot be read just now.
    pub async fn read(&self, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || folder.read(number)).await;
        match read.map_err(|error| Fault::new(DISK, error.to_string()))? {
            Err(error) if is_lost(&error) || error.kind() == io::ErrorKind::NotFound => {
                let file = self.file(number);
                tracing::error!(file, %error, "the spool: a segment is lost; what there is of it is kept aside");
                metrics::spool_damaged(self.kind, 0);
                let (done, answer) = oneshot::channel();
                self.ask(Job::GiveUp { number, done }, answer).await?.map_err(|error| fault(&error))?;
                Ok(None)
            }
            read => read.map(Some).map_err(|error| fault(&error)),
        }
    }

    /// Removes a segment of which the broker has everything, but for what is kept `aside`.
    ///
    /// # Errors
    /// A disk that does not do it. The segment is there still.
    pub async fn remove(&self, number: u64, aside: Vec<Aside>) -> Result<(), Fault> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::Remove { number, aside, done }, answer).await?.map_err(|error| fault(&error))
    }

    async fn ask<T>(&self, job: Job, answer: oneshot::Receiver<T>) -> Result<T, Fault> {
        let died = || Fault::new(DISK, "the thread of the spool has died; start again");
        self.jobs.send(job).await.map_err(|_| died())?;
        answer.await.map_err(|_| died())
    }

    /// What is in it.
    #[must_use]
    pub fn depth(&self) -> Depth {
        *self.seen.depth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it would take a message, as far as is known. A disk that did not take one is tried again after a while.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let failed_at = *self.seen.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        !self.depth().full && failed_at.is_none_or(|at| at.elapsed() >= MISTRUST)
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The topic that it is drained to.
    #[must_use]
    pub const fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// Tells of bytes that cannot be sent, and are kept aside when their segment goes.
    pub(super) fn tell(&self, number: u64, damage: Damage) {
        if number > self.counted {
            metrics::spool_damaged(self.kind, damage.bytes);
        }
        let (file, Damage { offset, bytes, what }) = (self.file(number), damage);
        tracing::error!(file, offset, bytes, "the spool: {}; it is kept aside", what.words());
    }

    fn tell_at_start(&self, found: &Damaged) {
        let file = self.file(found.segment);
        if found.damage.is_empty() {
            metrics::spool_damaged(self.kind, 0);
            tracing::error!(file, "the spool: the disk does not read a segment; it was moved aside");
        }
        for &Damage { offset, bytes, what } in &found.damage {
            metrics::spool_damaged(self.kind, bytes);
            tracing::error!(file, offset, bytes, "the spool: {}", what.words());
        }
    }

    fn file(&self, number: u64) -> String {
        self.folder.file(number).display().to_string()
    }
}

fn fault(error: &io::Error) -> Fault {
    Fault::new(DISK, format!("the spool: {error}"))
}

struct Thread {
    kind: Kind,
    log: Log<Folder>,
    queue: mpsc::Receiver<Job>,
    seen: Arc<Seen>,
    work: Arc<Notify>,
    _lock: Arc<Lock>,
}

impl Thread {
    fn run(mut self) {
        let mut before = 0; // requests in the last group
        while let Some(first) = self.queue.blocking_recv() {
            let (mut groups, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
            if matches!(first, Job::Append { .. }) && self.queue.len() + 1 < before {
                std::thread::park_timeout(COMPANY);
            }
            let mut next = Some(first);
            let mut other = None;
            // Everything that has come meanwhile, and while the last group was written.
            while let Some(job) = next.take() {
                match job {
                    Job::Append { messages, done } => {
                        bytes += messages.iter().map(record::size).sum::<usize>();
                        groups.push(messages);
                        waiting.push(done);
                        next = if bytes < GROUP { self.queue.try_recv().ok() } else { None };
                    }
                    job => other = Some(job),
                }
            }
            let came = groups.len();
            self.append(&groups, waiting);
            match other {
                Some(job) => self.other(job), // which may have cut the group short
                None => before = came,
            }
            if self.log.depth().segments > 0 {
                self.work.notify_one();
            }
        }
    }

    fn append(&mut self, groups: &[Vec<Outgoing>], waiting: Vec<oneshot::Sender<Result<(), Fault>>>) {
        if groups.is_empty() {
            return;
        }
        let started_at = Instant::now();
        let verdicts = self.log.append(groups, clock::now_ms());
        metrics::spool_wrote(self.kind, started_at.elapsed());
        let on_disk = |verdict: &Result<(), Fault>| verdict.as_ref().is_err_and(|fault| fault.tag == DISK);
        let failed_at = verdicts.iter().any(on_disk).then(Instant::now);
        *self.seen.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = failed_at;
        self.show();
        for ((verdict, done), group) in verdicts.into_iter().zip(waiting).zip(groups) {
            match &verdict {
                Ok(()) => metrics::spooled(self.kind, group.len()),
                Err(fault) => metrics::spool_refused(self.kind, fault.tag, group.len()),
            }
            // A caller that has gone away has no use for the answer; its message stays.
            let _gone = done.send(verdict);
        }
    }

    fn other(&mut self, job: Job) {
        // As above: nobody may wait for it any more.
        match job {
            Job::Append { .. } => {}
            Job::Oldest { done } => drop(done.send(self.log.oldest())),
            Job::Remove { number, aside, done } => {
                let removed = self.log.remove(number, &aside);
                self.show();
                drop(done.send(removed));
            }
            Job::GiveUp { number, done } => {
                let given_up = self.log.give_up(number);
                self.show();
                drop(done.send(given_up));
            }
        }
    }

    fn show(&self) {
        *self.seen.depth.lock().unwrap_or_else(PoisonError::into_inner) = self.log.depth();
    }
}
