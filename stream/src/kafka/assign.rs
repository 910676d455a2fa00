//! What happens when partitions come and go.

use super::{
    context::{Watch, log},
    source::wait_until_released,
};
use crate::{lane::Signal, telemetry::Health};
use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

/// Answered when revoked partitions are let go.
pub(super) type Revoked = oneshot::Receiver<()>;

/// How long the broker may take to say what was committed.
const COMMITTED: Duration = Duration::from_secs(10);

/// Tries before the group's coordinator is left to itself: the next rebalance asks again.
const TRIES: usize = 6;

/// The group membership of one source.
pub struct Member {
    lane: &'static str,
    topic: Arc<str>,
    signals: mpsc::UnboundedSender<Signal>,
    runtime: Handle,
    health: Health,
    watch: Watch,
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
        Self { lane, topic: Arc::clone(topic), signals, runtime, health: health.clone(), watch }
    }

    /// Notes what the lane waits for.
    pub(super) fn waits(&self, why: String) {
        tracing::warn!(lane = self.lane, why);
        self.health.set(self.lane, Err(why));
    }

    /// Where each partition starts: at its committed offset, and at the beginning where none was ever committed.
    /// With `auto.offset.reset=error`, an offset that has gone is then a fault and never a silent jump.
    fn start_offsets(
        &self,
        consumer: &BaseConsumer<Self>,
        wanted: &TopicPartitionList,
    ) -> KafkaResult<TopicPartitionList> {
        let mut tries = 0;
        let mut committed = loop {
            match consumer.committed_offsets(wanted.clone(), COMMITTED) {
                Ok(committed) => break committed,
                Err(error) if tries >= TRIES => return Err(error),
                Err(error) => {
                    tries += 1;
                    tracing::warn!(lane = self.lane, %error, "cannot read the committed offsets; asking again");
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
        let starts = self.start_offsets(consumer, list)?;
        // First the lane, then the assignment: no message comes before its partition is known.
        let _closed = self.signals.send(Signal::Assigned(partitions(list)));
        consumer.incremental_assign(&starts)?;
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "assigned");
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let (done, released) = oneshot::channel();
        if self.signals.send(Signal::Revoked(partitions(list), done)).is_ok() {
            wait_until_released(&self.runtime, released);
        }
        tracing::info!(lane = self.lane, partitions = ?partitions(list), "revoked");
        consumer.incremental_unassign(list)
    }
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
        let outcome = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list),
            _ => self.revoke(consumer, list),
        };
        if let Err(error) = outcome {
            self.waits(format!("the group's rebalance failed: {error}"));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::warn!(lane = self.lane, %error, "a commit failed; the next one makes up for it");
        }
    }
}
