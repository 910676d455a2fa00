//! What happens when partitions come and go.

use super::{
    context::{Watch, log},
    offset,
    watchdog::Seen,
};
use crate::{
    fault::Fault,
    lane::Signal,
    plan::{NoPlan, Start},
    retry::Backoff,
    telemetry::Health,
};
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, ConsumerGroupMetadata},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    statistics::ConsumerGroup,
    topic_partition_list::TopicPartitionListElem,
    types::RDKafkaRespErr,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

/// How long the broker may take to say what was committed.
const COMMITTED: Duration = Duration::from_secs(10);

/// Waits between tries, and how many there are: within the session's time-outs.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const TRIES: u32 = 6;

/// Part of the health: whether the group can have its partitions.
const GROUP: &str = "group";

/// librdkafka's word for a partition that is read.
const FETCHING: &str = "active";

/// How long what a client told of itself counts. It tells each second, unless nobody listens: in a rebalance that waits for the
/// lane, without room.
const STALE: Duration = Duration::from_secs(3);

/// librdkafka's word for a member that the group knows and that has what it was given. One that hears nothing of its group for
/// the time of a session leaves this state.
const STEADY: &str = "steady";

/// The group membership of one source.
pub struct Member {
    lane: &'static str,
    topic: Arc<str>,
    signals: mpsc::UnboundedSender<Signal>,
    runtime: Handle,
    health: Health,
    watch: Watch,
    waiting: AtomicBool,
    /// Whether it has its place in the group, and when it last had.
    reach: Mutex<Reach>,
    /// Partitions that have gone since the poll thread last asked.
    gone: Mutex<Vec<i32>>,
    /// The generation of the group under which the partitions are ours.
    group: Mutex<Option<Arc<ConsumerGroupMetadata>>>,
    /// What was committed of each partition by another client of this process, in transactions.
    carried: Mutex<HashMap<i32, i64>>,
    /// The last offset of the range that was planned of a partition when it was assigned.
    planned: Mutex<HashMap<i32, i64>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Reach {
    is_now: bool,
    last_at: Option<Instant>,
    /// When the client last told.
    told_at: Option<Instant>,
}

impl Member {
    pub(super) fn new(
        lane: &'static str,
        topic: &Arc<str>,
        signals: mpsc::UnboundedSender<Signal>,
        runtime: Handle,
        health: &Health,
    ) -> Self {
        let watch = Watch::new(lane, "broker", health);
        Self {
            lane,
            topic: Arc::clone(topic),
            signals,
            runtime,
            health: health.clone(),
            watch,
            waiting: AtomicBool::new(false),
            reach: Mutex::default(),
            gone: Mutex::default(),
            planned: Mutex::default(),
            group: Mutex::default(),
            carried: Mutex::default(),
        }
    }

    /// Who commits, as the broker knows this member since its last rebalance. `None` when the group gave its partitions to
    /// others. Never asked of the client at the time of a commit: a process that was thought dead may have joined again by
    /// then, and would commit what is no longer its own.
    pub(super) fn group(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        lock(&self.group).clone()
    }

    /// Notes what was committed for this member in a transaction: its own client does not know it.
    pub(super) fn note_committed(&self, offsets: &[(i32, i64)]) {
        lock(&self.carried).extend(offsets.iter().copied());
    }

    /// Notes the generation of the rebalance that is under way. In its middle nothing can be lost unnoticed: if it was
    /// before the question, the client says so after it.
    fn note_group(&self, consumer: &BaseConsumer<Self>) {
        let group = consumer.group_metadata().filter(|_| !consumer.assignment_lost());
        *lock(&self.group) = group.map(Arc::new);
    }

    /// Partitions that have gone since this was last asked.
    pub(super) fn gone(&self) -> Vec<i32> {
        std::mem::take(&mut *lock(&self.gone))
    }

    /// Whether a message belongs to a range that was planned before its partition was assigned.
    pub(super) fn is_planned(&self, partition: i32, offset: i64) -> bool {
        lock(&self.planned).get(&partition).is_some_and(|last| offset <= *last)
    }

    /// Notes what the group waits for, once for as long as it does.
    pub(super) fn waits(&self, why: String) {
        if self.is_over() {
            return;
        }
        if !self.waiting.swap(true, Ordering::Relaxed) {
            tracing::warn!(lane = self.lane, why);
        }
        self.health.set(GROUP, Err(why));
    }

    /// Notes that messages or partitions have come: nothing is waited for any more.
    pub(super) fn flows(&self) {
        if self.waiting.swap(false, Ordering::Relaxed) {
            tracing::info!(lane = self.lane, "the group goes on");
            self.health.set(GROUP, Ok(()));
        }
    }

    /// From now on it says nothing to the lane: another client takes its place.
    pub(super) fn retire(&self) {
        self.watch.retire();
        if self.waiting.swap(false, Ordering::Relaxed) {
            self.health.set(GROUP, Ok(())); // or it would be waited for ever: nobody else knows
        }
    }

    /// Whether nobody hears any more what it says.
    fn is_over(&self) -> bool {
        self.watch.is_retired() || self.signals.is_closed()
    }

    /// What a watchdog goes by: a group out of reach is one thing that is wanted and does not come.
    pub(super) fn seen(&self) -> Seen {
        let Reach { is_now, last_at, told_at } = *lock(&self.reach);
        let is_told = told_at.is_some_and(|at| at.elapsed() < STALE);
        Seen { queued: usize::from(is_told && !is_now), fatal: false, delivered_at: last_at, failed_at: None }
    }

    /// Without a broker, and without its group, it gets no message.
    fn note_reach(&self, statistics: &Statistics) {
        let is_steady = |group: &ConsumerGroup| group.join_state == STEADY;
        let is_now = self.watch.is_up() && statistics.cgrp.as_ref().is_some_and(is_steady);
        let (mut reach, now) = (lock(&self.reach), Some(Instant::now()));
        (reach.is_now, reach.told_at) = (is_now, now);
        if is_now {
            reach.last_at = now;
        }
    }

    /// What was committed of each of `wanted`, with its metadata.
    fn committed(
        &self,
        consumer: &BaseConsumer<Self>,
        wanted: &TopicPartitionList,
    ) -> KafkaResult<TopicPartitionList> {
        let mut backoff = Backoff::new(LONGEST_WAIT);
        let mut tries = 0;
        loop {
            let error = match consumer.committed_offsets(wanted.clone(), COMMITTED).and_then(answered) {
                Ok(committed) => return Ok(committed),
                Err(error) => error,
            };
            // A transaction of an earlier member is open, and is taken back by its next one, or by the broker when its time is
            // over: nobody else can have the partition meanwhile.
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::UnstableOffsetCommit) {
                tries += 1;
            }
            if tries > TRIES || self.is_over() {
                return Err(error);
            }
            if backoff.tries() >= TRIES {
                self.waits(format!("cannot read the committed offsets: {error}"));
            }
            tracing::warn!(lane = self.lane, %error, "cannot read the committed offsets; asking again");
            self.runtime.block_on(tokio::time::sleep(backoff.next(0)));
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), NotAssigned> {
        if self.is_over() {
            return Ok(consumer.incremental_assign(list)?); // it is being closed, and only waits for the call
        }
        self.note_group(consumer);
        let committed = self.committed(consumer, list)?;
        self.watch.saw(true); // it has just answered, and the client's statistics may not say so for a second
        let starts = committed.elements().iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for start in &starts {
            let mut planned = lock(&self.planned);
            match start.plan {
                Some(plan) => planned.insert(start.partition, plan.last),
                None => planned.remove(&start.partition),
            };
        }
        // First the lane, then the assignment: no message comes before its partition is known.
        let _closed = self.signals.send(Signal::Assigned(starts.clone()));
        consumer.incremental_assign(&beginnings(&self.topic, &starts)?)?;
        if !starts.is_empty() {
            self.flows();
        }
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "assigned");
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        if self.is_over() {
            return consumer.incremental_unassign(list);
        }
        self.note_group(consumer);
        lock(&self.gone).extend(partitions(list));
        lock(&self.carried).retain(|partition, _| !partitions(list).contains(partition));
        let (done, released) = oneshot::channel();
        if self.signals.send(Signal::Revoked(partitions(list), done)).is_ok() {
            let _lane_ended = self.runtime.block_on(released); // and one that has ended holds nothing
        }
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "revoked");
        consumer.incremental_unassign(list)
    }
}

/// Why the group's partitions cannot be taken.
#[derive(Debug, thiserror::Error)]
enum NotAssigned {
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("the metadata of the committed offset of partition {0}: {1}")]
    Plan(i32, NoPlan),
}

/// Where a partition starts, by what was committed of it.
fn start(committed: &TopicPartitionListElem<'_>) -> Result<Start, NotAssigned> {
    let partition = committed.partition();
    let Some(next) = offset(committed.offset()) else { return Ok(Start::fresh(partition)) };
    let text = committed.metadata();
    let plan = (!text.is_empty()).then(|| text.parse()).transpose();
    let plan = plan.map_err(|no_plan| NotAssigned::Plan(partition, no_plan))?;
    Ok(Start { partition, committed: Some(next), plan })
}

/// Each partition at its committed offset, and at the beginning where none was ever committed. With
/// `auto.offset.reset=error`, an offset that has gone is then a fault and never a silent jump.
fn beginnings(topic: &str, starts: &[Start]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for start in starts {
        let offset = start.committed.map_or(Offset::Beginning, Offset::Offset);
        list.add_partition_offset(topic, start.partition, offset)?;
    }
    Ok(list)
}

/// The offsets, if the broker told every one of them. One that it could not tell looks like none, and the partition
/// would start from its beginning.
fn answered(offsets: TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    offsets.elements().iter().try_for_each(|element| element.error())?;
    Ok(offsets)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        if self.is_over() {
            return;
        }
        self.watch.statistics(&statistics);
        self.note_reach(&statistics);
        let topic = statistics.topics.get(&*self.topic);
        for (number, partition) in topic.iter().flat_map(|topic| &topic.partitions) {
            if partition.fetch_state == FETCHING {
                self.flows();
            }
            let lag = match lock(&self.carried).get(number) {
                Some(next) => partition.ls_offset - next,
                None => partition.consumer_lag,
            };
            if lag >= 0 {
                crate::metrics::lag(self.lane, *number, lag);
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.watch.error(&error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                if let Err(error) = self.assign(consumer, list)
                    && !self.is_over()
                {
                    // The client waits for this assignment for ever and lets no other begin: only a start mends it.
                    let fault = Fault::new("not_assigned", format!("{}: {error}; start again", self.topic));
                    let _closed = self.signals.send(Signal::Failed(fault));
                }
            }
            _ => {
                if let Err(error) = self.revoke(consumer, list) {
                    self.waits(format!("the group's rebalance failed: {error}"));
                }
            }
        }
    }
}
