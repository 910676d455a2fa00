//! The writing end of a lane of transactions: one transactional producer, and the group whose offsets it commits.
//!
//! The producer lives on a thread of its own, for its calls wait. It keeps to the group's generation under which the
//! partitions were assigned: a process that was thought dead and comes back is refused by the broker, and nothing of what
//! it still had in hand gets through.

use super::{
    KafkaConfig, Outgoing, Source,
    context::{Watch, log},
    membership::Membership,
    polled::{Polled, Told},
    transactional,
};
use crate::{
    config::Size,
    fault::Fault,
    metrics::ProducerMeter,
    telemetry::Health,
    transact::{self, NotCommitted, Transaction},
};
use rdkafka::{
    ClientContext, Message as _, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryResult, Producer as _, ProducerContext},
};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// How a transactional producer works.
#[derive(Debug, Clone)]
pub struct TransactorOptions {
    /// Name in metrics, logs and readiness.
    pub name: &'static str,
    /// The transactional id, prefix included. The same at the next start: what a killed process left open is taken back
    /// then. Never the same in two processes: they would fence each other.
    pub id: String,
    /// How long a transaction may be open; then the broker takes it back.
    pub timeout: Duration,
    /// Bytes that may wait for the broker.
    pub buffer: Size,
}

/// How long one call may wait before it is asked whether it should go on.
const CALL: Duration = Duration::from_secs(1);
/// The same of a client that has only just been made: one that finds no coordinator yet looks again half a second later, but at
/// once when it is asked anew. It is for so long as a [`CALL`] is.
const FIRST_CALL: Duration = Duration::from_millis(50);
/// How long to wait before the clock is looked at again: for room, for a call's next try.
const TICK: Duration = Duration::from_millis(5);
/// How often it is looked whether the broker has every message.
const LOOK: Duration = Duration::from_micros(500);
/// The messages of a batch come in one go; without a wait the first ones would go in requests of their own.
const LINGER: &str = "2";

/// A transactional producer that is ready.
pub(super) struct Ready {
    meter: ProducerMeter,
    jobs: mpsc::Sender<Job>,
    watch: Arc<Watch>,
    /// How long a commit may take before its client counts as lost: it gives up by itself before that, unless a call of it never
    /// comes back.
    patience: Duration,
}

impl Drop for Ready {
    /// Its client may outlive it, in a call that does not come back.
    fn drop(&mut self) {
        self.watch.retire();
    }
}

/// Commits as a member of a group.
pub struct Transactor {
    ready: Ready,
    member: Membership,
}

struct Job {
    transaction: Arc<Transaction>,
    member: Membership,
    done: oneshot::Sender<Result<(), NotCommitted>>,
}

impl Ready {
    /// Starts a client, and takes back what an earlier one of the same id left open. Waits for a broker as long as it
    /// takes.
    pub(super) async fn start(
        config: &KafkaConfig,
        options: &TransactorOptions,
        health: &Health,
    ) -> Result<Self, Fault> {
        let timeout = options.timeout.as_millis();
        let mut client = config.writer(options.name);
        client
            .set("transactional.id", &options.id)
            .set("transaction.timeout.ms", timeout.to_string())
            .set("message.timeout.ms", timeout.to_string())
            .set("linger.ms", LINGER)
            // That none is left says that all were delivered: a report of each would be a lock and a wake-up for each.
            .set("delivery.report.only.error", "true")
            .set("queue.buffering.max.kbytes", (options.buffer.0 / 1024).max(1).to_string())
            .set("queue.buffering.max.messages", "0"); // bytes are the bound
        let watch = Arc::new(Watch::new(options.name, options.name, health));
        let deliveries = Deliveries { watch: Arc::clone(&watch), reports: Reports::default() };
        let client = Polled::start(&client, deliveries)
            .map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        let meter = ProducerMeter::new(options.name);
        let writer = Writer { name: options.name, meter: meter.clone(), client, timeout: options.timeout };
        let (jobs, taken) = mpsc::channel();
        let (ready, started) = oneshot::channel();
        std::thread::Builder::new()
            .name(format!("kafka-{}", options.name))
            .spawn(move || writer.live(ready, &taken))
            .map_err(|error| Fault::new("kafka_thread", error.to_string()))?;
        started.await.unwrap_or_else(|_| Err(thread_died()))?;
        Ok(Self { meter, jobs, watch, patience: 2 * options.timeout + 5 * CALL })
    }

    pub(super) fn of(self, source: &Source) -> Transactor {
        Transactor { ready: self, member: source.membership() }
    }
}

impl transact::Transactor for Transactor {
    async fn commit(&self, transaction: Arc<Transaction>) -> Result<(), NotCommitted> {
        let started_at = Instant::now();
        let messages = transaction.messages.len();
        let (done, outcome) = oneshot::channel();
        let job = Job { transaction, member: self.member.clone(), done };
        self.ready.jobs.send(job).map_err(|_| NotCommitted::Unknown(thread_died()))?;
        let outcome = match tokio::time::timeout(self.ready.patience, outcome).await {
            Ok(outcome) => outcome.unwrap_or_else(|_| Err(NotCommitted::Unknown(thread_died()))),
            // Should it come back, the next producer of the same id has fenced it.
            Err(_) => Err(NotCommitted::Unknown(Fault::new("transactions", "the client does not come back"))),
        };
        match outcome {
            Ok(()) => self.ready.meter.acknowledged(messages, started_at.elapsed()),
            Err(_) => self.ready.meter.unacknowledged(messages),
        }
        outcome
    }
}

fn thread_died() -> Fault {
    Fault::new("kafka_thread", "the producer's thread has ended")
}

/// The thread's side.
struct Writer {
    name: &'static str,
    meter: ProducerMeter,
    client: Polled<Deliveries>,
    timeout: Duration,
}

impl Writer {
    fn live(self, ready: oneshot::Sender<Result<(), Fault>>, jobs: &mpsc::Receiver<Job>) {
        let started_at = Instant::now();
        let call = || if started_at.elapsed() < CALL { FIRST_CALL } else { CALL };
        let begun = self.until_answered(|| !ready.is_closed(), || self.client.init_transactions(call()));
        let is_ready = begun.is_ok();
        let _nobody_waits = ready.send(begun.map_err(|error| fault("transactions", &error)));
        if is_ready {
            self.serve(jobs);
        }
    }

    fn serve(&self, jobs: &mpsc::Receiver<Job>) {
        while let Ok(Job { transaction, member, done }) = jobs.recv() {
            let _nobody_waits = done.send(self.attempt(&transaction, &member));
        }
    }

    /// Makes a call again as long as it only took too long.
    fn until_answered(
        &self,
        goes_on: impl Fn() -> bool,
        call: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), KafkaError> {
        loop {
            match call() {
                Err(error) if is_retriable(&error) && goes_on() => self.reports().wait(TICK),
                answer => return answer,
            }
        }
    }

    fn attempt(&self, transaction: &Transaction, member: &Membership) -> Result<(), NotCommitted> {
        let give_up_at = Instant::now() + self.timeout;
        let Some(group) = member.group() else {
            let detail = "the group thinks this process dead, and has given its partitions to others";
            return Err(NotCommitted::Unknown(Fault::new("fenced", detail)));
        };
        self.reports().forget();
        self.client.begin_transaction().map_err(|error| unknown(&error))?;
        let offsets = offsets(member.topic(), &transaction.offsets);
        let written = self.send(&transaction.messages, give_up_at).and_then(|()| {
            let in_time = || Instant::now() < give_up_at;
            let sent = self.until_answered(in_time, || {
                self.client.send_offsets_to_transaction(offsets.as_ref().map_err(Clone::clone)?, &group, CALL)
            });
            sent.map_err(|error| self.worst("offsets", error))?;
            self.deliver(give_up_at)
        });
        written.map_err(|error| self.take_back(error))?;
        // From here on an error does not say whether the broker has committed.
        let in_time = || Instant::now() < give_up_at + self.timeout;
        self.until_answered(in_time, || self.client.commit_transaction(CALL))
            .map_err(|error| unknown(&error))?;
        member.note_committed(&transaction.offsets);
        Ok(())
    }

    fn send(&self, messages: &[Outgoing], give_up_at: Instant) -> Result<(), Broken> {
        for message in messages {
            let mut record = message.record(());
            loop {
                match self.client.send(record) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent))
                        if Instant::now() < give_up_at =>
                    {
                        record = unsent;
                        self.reports().wait(TICK);
                    }
                    Err((error, _)) => return Err(self.worst("produce", error)),
                }
            }
        }
        Ok(())
    }

    /// Waits until the broker has every message: the client has freed each then, or has reported that it failed. Its own `flush`
    /// waits in steps of 100 ms, and so does a commit that still finds a message.
    fn deliver(&self, give_up_at: Instant) -> Result<(), Broken> {
        self.meter.queued(self.held());
        while self.held() > 0 {
            if Instant::now() >= give_up_at {
                return Err(self.worst("produce", KafkaError::Flush(RDKafkaErrorCode::MessageTimedOut)));
            }
            self.reports().wait(LOOK);
        }
        self.meter.queued(0);
        match self.reports().failed() {
            Some(failed) => Err(Broken { fault: failed, is_fatal: self.has_failed() }),
            None => Ok(()),
        }
    }

    /// Messages that the client still holds.
    fn held(&self) -> usize {
        usize::try_from(self.client.in_flight_count()).unwrap_or_default()
    }

    /// The error, in the words of a message that failed where one did: the call only says that some did.
    fn worst(&self, tag: &'static str, error: KafkaError) -> Broken {
        let is_fatal =
            self.has_failed() || matches!(&error, KafkaError::Transaction(error) if error.is_fatal());
        let failed = self.reports().failed();
        Broken { fault: failed.unwrap_or_else(|| fault(tag, &error)), is_fatal }
    }

    fn reports(&self) -> &Reports {
        &self.client.context().reports
    }

    fn has_failed(&self) -> bool {
        self.client.client().fatal_error().is_some()
    }

    /// Takes the open transaction back.
    fn take_back(&self, Broken { fault: why, is_fatal }: Broken) -> NotCommitted {
        if is_fatal {
            return NotCommitted::Unknown(why);
        }
        let give_up_at = Instant::now() + self.timeout;
        let in_time = || Instant::now() < give_up_at;
        match self.until_answered(in_time, || self.client.abort_transaction(CALL)) {
            Ok(()) => NotCommitted::TakenBack(why),
            Err(error) => {
                tracing::warn!(client = self.name, %error, "a transaction could not be taken back");
                NotCommitted::Unknown(why)
            }
        }
    }
}

/// Why a transaction that was begun does not come to its commit.
struct Broken {
    fault: Fault,
    is_fatal: bool,
}

fn unknown(error: &KafkaError) -> NotCommitted {
    NotCommitted::Unknown(fault("transaction", error))
}

fn fault(tag: &'static str, error: &KafkaError) -> Fault {
    transactional(tag, error, "another process has the same transactional id: set enrich.node")
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}

fn offsets(topic: &str, offsets: &[(i32, i64)]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, next) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*next))?;
    }
    Ok(list)
}

/// What the client's thread has been told of the messages of a transaction: the first one that failed.
#[derive(Default)]
struct Reports {
    failed: Mutex<Option<Fault>>,
    came: Condvar,
}

impl Reports {
    fn so_far(&self) -> MutexGuard<'_, Option<Fault>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew. Messages of a transaction that was taken back may still be reported.
    fn forget(&self) {
        *self.so_far() = None;
    }

    fn failed(&self) -> Option<Fault> {
        self.so_far().clone()
    }

    fn came(&self, failed: Fault) {
        self.so_far().get_or_insert(failed);
        self.came.notify_one();
    }

    /// Waits for so long, or until a report has come.
    fn wait(&self, time: Duration) {
        let _in_time_or_not = self.came.wait_timeout(self.so_far(), time);
    }
}

struct Deliveries {
    watch: Arc<Watch>,
    reports: Reports,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        self.watch.statistics(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl Told for Deliveries {
    fn broker_answers(&self) {
        self.watch.saw(true);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let Fault { tag, detail } = fault("produce", error);
            self.reports.came(Fault::new(tag, format!("{}: {detail}", message.topic())));
        }
    }
}
