//! What a partition held before an offset: its keys, for the window of a lane.
//!
//! The broker sends whole messages, so this costs their bytes on the wire; nothing is kept of them but a fingerprint.

use super::{KafkaConfig, WAIT, context::Quiet, died};
use crate::{
    envelope::REDRIVE,
    fault::Fault,
    transact::{Progress, Refill},
    window::Window,
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{BorrowedMessage, Headers as _, Message as _},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the broker may take to answer, and to send the next messages.
const ANSWER: Duration = Duration::from_secs(30);
/// How often it is told how far it has come.
const TOLD: Duration = Duration::from_millis(500);
/// Defaults that an operator may change: large fetches, for nobody else waits for these.
const TUNED: [(&str, &str); 4] = [
    ("fetch.wait.max.ms", "50"),
    ("fetch.queue.backoff.ms", "10"),
    ("queued.max.messages.kbytes", "32768"),
    ("max.partition.fetch.bytes", "4194304"),
];

/// Reads the keys before `refill.next` into its window. Ends when whoever waits for it does not any more.
pub(super) async fn refill(
    config: &KafkaConfig,
    topic: &Arc<str>,
    refill: Refill,
    told: impl Fn(Progress) + Send + 'static,
) -> Result<Window, Fault> {
    // What retention took away meanwhile is no repeat's first copy any more, and passed over.
    let consumer = config.reader("window", &TUNED, &config.group("window"), "earliest")?;
    let (stop, topic) = (CancellationToken::new(), Arc::clone(topic));
    let _stopped_when_dropped: DropGuard = stop.clone().drop_guard();
    let reading = tokio::task::spawn_blocking(move || {
        let read = Reading { consumer: &consumer, topic: &topic, stop: &stop };
        read.fill(refill, &told).map_err(|error| Fault::new("window", format!("{topic}: {error}")))
    });
    reading.await.map_err(died)?
}

struct Reading<'a> {
    consumer: &'a BaseConsumer<Quiet>,
    topic: &'a str,
    stop: &'a CancellationToken,
}

impl Reading<'_> {
    fn fill(&self, refill: Refill, told: &impl Fn(Progress)) -> Result<Window, KafkaError> {
        let Refill { partition, next, mut window, prints } = refill;
        let (low, high) = self.consumer.fetch_watermarks(self.topic, partition, ANSWER)?;
        let keys = i64::try_from(window.limit()).unwrap_or(i64::MAX);
        let (first, next) = (low.max(next.saturating_sub(keys)), next.min(high));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(self.topic, partition, Offset::Offset(first))?;
        self.consumer.assign(&list)?;
        let mut progress = Progress { read: 0, of: next - first };
        let (mut told_at, mut came_at) = (Instant::now(), Instant::now());
        while first + progress.read < next && !self.stop.is_cancelled() {
            match self.consumer.poll(WAIT) {
                Some(Ok(message)) if message.offset() >= next => break,
                Some(Ok(message)) => {
                    if let Some(print) = prints.of_key(message.key(), redrive(&message)) {
                        window.note(print);
                    }
                    progress.read = message.offset() + 1 - first;
                    came_at = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                // The client mends it by itself, or nothing comes.
                Some(Err(error)) => {
                    tracing::debug!(topic = self.topic, partition, %error, "the reader goes on")
                }
                None if came_at.elapsed() < ANSWER => {}
                None => return Err(KafkaError::NoMessageReceived),
            }
            if told_at.elapsed() >= TOLD {
                told_at = Instant::now();
                told(progress);
            }
        }
        Ok(window)
    }
}

fn redrive<'a>(message: &'a BorrowedMessage<'_>) -> Option<&'a [u8]> {
    message.headers()?.iter().find(|header| header.key == REDRIVE)?.value
}
