//! What happens when partitions come and go.

use super::context::{Watch, log};
use crate::{fault::Fault, lane::Signal, retry::Backoff, telemetry::Health};
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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

/// The group membership of one source.
pub struct Member {
    lane: &'static str,
    topic: Arc<str>,
    signals: mpsc::UnboundedSender<Signal>,
    runtime: Handle,
    health: Health,
    watch: Watch,
    waiting: AtomicBool,
    /// Partitions that have gone since the poll thread last asked.
    gone: Mutex<Vec<i32>>,
    /// What the broker has acknowledged of each partition since it was assigned.
    committed: Mutex<HashMap<i32, i64>>,
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
        let (gone, committed) = (Mutex::default(), Mutex::default());
        Self {
            lane,
            topic: Arc::clone(topic),
            signals,
            runtime,
            health: health.clone(),
            watch,
            waiting: AtomicBool::new(false),
            gone,
            committed,
        }
    }

    /// Partitions that have gone since this was last asked.
    pub(super) fn gone(&self) -> Vec<i32> {
        std::mem::take(&mut *lock(&self.gone))
    }

    /// Whether the broker has acknowledged this very commit.
    pub(super) fn has_committed(&self, partition: i32, next: i64) -> bool {
        lock(&self.committed).get(&partition) == Some(&next)
    }

    /// Notes what the group waits for, once for as long as it does.
    pub(super) fn waits(&self, why: String) {
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

    /// Where each partition starts: at its committed offset, and at the beginning where none was ever committed.
    /// With `auto.offset.reset=error`, an offset that has gone is then a fault and never a silent jump.
    fn start_offsets(
        &self,
        consumer: &BaseConsumer<Self>,
        wanted: &TopicPartitionList,
    ) -> KafkaResult<TopicPartitionList> {
        let mut backoff = Backoff::new(LONGEST_WAIT);
        let mut committed = loop {
            match consumer.committed_offsets(wanted.clone(), COMMITTED).and_then(answered) {
                Ok(committed) => break committed,
                Err(error) if backoff.tries() >= TRIES || self.signals.is_closed() => return Err(error),
                Err(error) => {
                    tracing::warn!(lane = self.lane, %error, "cannot read the committed offsets; asking again");
                    self.runtime.block_on(tokio::time::sleep(backoff.next(0)));
                }
            }
        };
        let fresh: Vec<i32> = committed
            .elements()
            .iter()
            .filter(|element| !matches!(element.offset(), Offset::Offset(_)))
            .map(|element| element.partition())
            .collect();
        for partition in fresh {
            committed.set_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        Ok(committed)
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        if self.signals.is_closed() {
            return consumer.incremental_assign(list); // it is being closed, and only waits for the call
        }
        lock(&self.committed).retain(|partition, _| !partitions(list).contains(partition));
        let starts = self.start_offsets(consumer, list)?;
        // First the lane, then the assignment: no message comes before its partition is known.
        let _closed = self.signals.send(Signal::Assigned(partitions(list)));
        consumer.incremental_assign(&starts)?;
        if starts.count() > 0 {
            self.flows();
        }
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "assigned");
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        lock(&self.gone).extend(partitions(list));
        let (done, released) = oneshot::channel();
        if self.signals.send(Signal::Revoked(partitions(list), done)).is_ok() {
            let _lane_ended = self.runtime.block_on(released); // and one that has ended holds nothing
        }
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "revoked");
        consumer.incremental_unassign(list)
    }
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

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        self.watch.statistics(&statistics);
        let topic = statistics.topics.get(&*self.topic);
        for (number, partition) in topic.iter().flat_map(|topic| &topic.partitions) {
            if partition.fetch_state == FETCHING {
                self.flows();
            }
            if partition.consumer_lag >= 0 {
                crate::metrics::lag(self.lane, *number, partition.consumer_lag);
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
                if let Err(error) = self.assign(consumer, list) {
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

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(lane = self.lane, %error, "a commit failed; the next one makes up for it");
            return;
        }
        let mut committed = lock(&self.committed);
        for element in offsets.elements().iter().filter(|element| element.error().is_ok()) {
            if let Offset::Offset(next) = element.offset() {
                committed.insert(element.partition(), next);
            }
        }
    }
}
