//! The metrics of every lane and producer, named in this one place.
#![expect(clippy::disallowed_macros, reason = "this is the replacement that the ban names")]

use crate::{batch::Limits, breaker::State, envelope::Fate, kafka::Standing};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::time::Duration;

/// Messages that were taken in.
pub(crate) fn received(lane: &'static str) -> Counter {
    counter!("tracker_lane_received_total", "lane" => lane)
}

/// Messages that have this fate.
pub(crate) fn settled(lane: &'static str, fate: Fate) -> Counter {
    let (fate, reason) = fate.tags();
    counter!("tracker_lane_settled_total", "lane" => lane, "fate" => fate, "reason" => reason)
}

/// A receipt was dropped without a fate: a defect, but nothing is lost, for its offset stays open.
pub(crate) fn unsettled(lane: &'static str) {
    counter!("tracker_lane_unsettled_total", "lane" => lane).increment(1);
}

/// A batch was stored.
pub(crate) fn stored(lane: &'static str, rows: usize, took: Duration) {
    histogram!("tracker_lane_batch_rows", "lane" => lane).record(rows as f64);
    histogram!("tracker_lane_write_seconds", "lane" => lane).record(took.as_secs_f64());
}

/// A write failed by a fault of the world, and is tried again.
pub(crate) fn faulted(lane: &'static str, tag: &'static str) {
    counter!("tracker_lane_faults_total", "lane" => lane, "fault" => tag).increment(1);
}

/// The state of a lane's breaker: 0 closed, 1 half-open, 2 open.
pub(crate) fn breaker(lane: &'static str, state: State) {
    let value = match state {
        State::Closed => 0.0,
        State::HalfOpen => 1.0,
        State::Open => 2.0,
    };
    gauge!("tracker_lane_breaker_state", "lane" => lane).set(value);
}

/// The bounds that the next batch of a partition has.
pub(crate) fn bounds(lane: &'static str, partition: i32, limits: Limits) {
    let partition = partition.to_string();
    gauge!("tracker_lane_bound_rows", "lane" => lane, "partition" => partition.clone())
        .set(limits.rows as f64);
    gauge!("tracker_lane_bound_seconds", "lane" => lane, "partition" => partition)
        .set(limits.time.as_secs_f64());
}

/// The offset up to which a partition is committed.
pub(crate) fn committed(lane: &'static str, partition: i32, offset: i64) {
    let partition = partition.to_string();
    gauge!("tracker_lane_committed_offset", "lane" => lane, "partition" => partition).set(offset as f64);
}

/// What a producer counts for every call, found once.
#[derive(Clone)]
pub(crate) struct ProducerMeter {
    queue: Gauge,
    acknowledged: Counter,
    took: Histogram,
    failed: Counter,
}

impl ProducerMeter {
    pub(crate) fn new(producer: &'static str) -> Self {
        Self {
            queue: gauge!("tracker_producer_queue_messages", "producer" => producer),
            acknowledged: counter!("tracker_producer_acknowledged_total", "producer" => producer),
            took: histogram!("tracker_producer_ack_seconds", "producer" => producer),
            failed: counter!("tracker_producer_failed_total", "producer" => producer),
        }
    }

    /// Messages that wait for the broker's acknowledgement.
    pub(crate) fn queued(&self, messages: usize) {
        self.queue.set(messages as f64);
    }

    /// How long the broker took to acknowledge one call's messages.
    pub(crate) fn acknowledged(&self, messages: usize, took: Duration) {
        self.acknowledged.increment(messages as u64);
        self.took.record(took.as_secs_f64());
    }

    /// Messages that the broker did not acknowledge.
    pub(crate) fn unacknowledged(&self, messages: usize) {
        self.failed.increment(messages as u64);
    }
}

/// Whether the broker acknowledges what was sent lately: 1 or 0.
pub(crate) fn acknowledges(producer: &'static str, acknowledges: bool) {
    gauge!("tracker_producer_acknowledges", "producer" => producer).set(f64::from(u8::from(acknowledges)));
}

/// `rebuilds` of a producer for this reason; none: the series begins.
pub(crate) fn producer_rebuilt(producer: &'static str, why: &'static str, rebuilds: u64) {
    counter!("tracker_producer_rebuilt_total", "producer" => producer, "why" => why).increment(rebuilds);
}

/// `rebuilds` of the consumer of a lane; none: the series begins.
pub(crate) fn consumer_rebuilt(lane: &'static str, rebuilds: u64) {
    counter!("tracker_consumer_rebuilt_total", "lane" => lane).increment(rebuilds);
}

/// Messages that an old client gave back and a new one was given.
pub(crate) fn sent_again(producer: &'static str, messages: usize) {
    counter!("tracker_producer_sent_again_total", "producer" => producer).increment(messages as u64);
}

/// Whether the broker answers: 1 or 0.
pub(crate) fn broker_up(producer: &'static str, up: bool) {
    gauge!("tracker_broker_up", "producer" => producer).set(f64::from(u8::from(up)));
}

/// Messages between the committed offset and the end of a partition, as librdkafka counts them.
pub(crate) fn lag(lane: &'static str, partition: i32, messages: i64) {
    let partition = partition.to_string();
    gauge!("tracker_lane_lag_messages", "lane" => lane, "partition" => partition).set(messages as f64);
}

/// The keys of a partition that a lane knows, and their bytes of memory.
pub(crate) fn window(lane: &'static str, partition: i32, keys: usize, bytes: usize) {
    let partition = partition.to_string();
    gauge!("tracker_lane_window_keys", "lane" => lane, "partition" => partition.clone()).set(keys as f64);
    gauge!("tracker_lane_window_bytes", "lane" => lane, "partition" => partition).set(bytes as f64);
}

/// How a group stands in a partition. The last two begin once the topic's retention is known, and are left out where it is
/// for ever.
pub(crate) fn standing(group: &str, topic: &str, standing: &Standing) {
    let labels = [
        ("group", group.to_owned()),
        ("topic", topic.to_owned()),
        ("partition", standing.partition.to_string()),
    ];
    gauge!("tracker_group_lag_messages", &labels).set(standing.lag_messages as f64);
    gauge!("tracker_group_lag_seconds", &labels).set(standing.lag_seconds);
    gauge!("tracker_group_lost_messages", &labels).set(standing.lost_messages as f64);
    if let Some(seconds) = standing.seconds_until_data_loss {
        gauge!("tracker_group_seconds_until_data_loss", &labels).set(seconds);
    }
    if let Some(seconds) = standing.retention_seconds {
        gauge!("tracker_group_retention_seconds", &labels).set(seconds);
    }
}

/// When a group was last asked how it stands.
pub(crate) fn guarded(group: &str, topic: &str, now_ms: i64) {
    let labels = [("group", group.to_owned()), ("topic", topic.to_owned())];
    gauge!("tracker_group_checked_timestamp_seconds", &labels).set(now_ms as f64 / 1000.0);
}
