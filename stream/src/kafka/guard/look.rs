//! Asks the broker how groups stand. One client a group, for a client asks for the offsets of its own group only; it joins
//! nothing and commits nothing. A message is read only where the group has moved, and then one.

use super::{Pace, Position, Standing, Unread, Watched};
use crate::{
    clock,
    fault::Fault,
    kafka::{Admin, KafkaConfig, WAIT, context::Quiet, died, missing, offset},
    metrics,
};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the oldest unread messages of a group may take to be read.
const READING: Duration = Duration::from_secs(5);

/// One message of each partition is all that is wanted.
const TUNED: [(&str, &str); 5] = [
    ("queued.min.messages", "1"),
    ("max.partition.fetch.bytes", "65536"),
    ("queued.max.messages.kbytes", "1024"),
    ("fetch.wait.max.ms", "50"),
    ("statistics.interval.ms", "0"),
];

/// Looks after groups: whether they keep up, and whether they lose anything.
pub struct Guard {
    admin: Admin,
    groups: Vec<Group>,
}

struct Group {
    watched: Watched,
    consumer: BaseConsumer<Quiet>,
    retention: Option<Duration>,
    known: HashMap<i32, Known>,
}

/// What is remembered of a partition.
#[derive(Debug, Clone, Default)]
struct Known {
    position: Option<Position>,
    pace: Pace,
}

impl Guard {
    /// Of these groups. Nothing is asked yet.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn new(config: &KafkaConfig, watched: Vec<Watched>) -> Result<Self, Fault> {
        let group = |watched: Watched| {
            // What has gone meanwhile is passed over, and counted.
            let consumer = config.reader("guard", &TUNED, &watched.group, "earliest")?;
            Ok(Group { watched, consumer, retention: None, known: HashMap::new() })
        };
        Ok(Self {
            admin: Admin::connect(config)?,
            groups: watched.into_iter().map(group).collect::<Result<_, _>>()?,
        })
    }

    /// How each group stands. Of one that cannot be asked, why.
    ///
    /// # Errors
    /// When no broker says how long the topics are kept.
    pub async fn look(&mut self) -> Result<Vec<(Watched, Result<Vec<Standing>, Fault>)>, Fault> {
        let topics: Vec<_> = self.groups.iter().map(|group| group.watched.topic.to_string()).collect();
        let retentions = self.admin.retentions(&topics).await?;
        let mut groups = std::mem::take(&mut self.groups);
        let looked = tokio::task::spawn_blocking(move || {
            let looked: Vec<_> =
                groups.iter_mut().map(|group| group.look(&retentions, clock::now_ms())).collect();
            (groups, looked)
        });
        let (groups, looked) = looked.await.map_err(died)?;
        self.groups = groups;
        Ok(self.groups.iter().map(|group| group.watched.clone()).zip(looked).collect())
    }

    /// Looks every so often until `shutdown`, and tells it in the metrics. While no broker answers, time goes on: what was
    /// unread gets older.
    pub async fn watch(mut self, every: Duration, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(looked) = shutdown.run_until_cancelled(self.look()).await else { return };
            match looked {
                Ok(looked) => looked.iter().for_each(tell),
                Err(fault) => {
                    tracing::debug!(%fault, "the groups cannot be asked");
                    self.groups.iter().for_each(|group| group.tell_as_known(clock::now_ms()));
                }
            }
        }
    }
}

fn tell((watched, standings): &(Watched, Result<Vec<Standing>, Fault>)) {
    let Watched { group, topic } = watched;
    match standings {
        Ok(standings) => {
            metrics::guarded(group, topic, clock::now_ms());
            standings.iter().for_each(|standing| metrics::standing(group, topic, standing));
        }
        Err(fault) => tracing::debug!(group, %topic, %fault, "the group cannot be asked"),
    }
}

impl Group {
    fn look(
        &mut self,
        retentions: &HashMap<String, Option<Duration>>,
        now_ms: i64,
    ) -> Result<Vec<Standing>, Fault> {
        let topic = &self.watched.topic;
        self.retention = *retentions.get(&**topic).ok_or_else(|| missing(topic))?;
        let positions =
            self.positions().map_err(|error| Fault::new("broker_unreachable", error.to_string()))?;
        for position in positions {
            let known = self.known.entry(position.partition).or_default();
            known.pace.note(position.low, now_ms);
            known.position = Some(position);
        }
        Ok(self.standings(now_ms))
    }

    fn standings(&self, now_ms: i64) -> Vec<Standing> {
        let stands = |known: &Known| {
            known.position.map(|position| position.standing(self.retention, &known.pace, now_ms))
        };
        let mut all: Vec<_> = self.known.values().filter_map(stands).collect();
        all.sort_by_key(|standing| standing.partition);
        all
    }

    fn tell_as_known(&self, now_ms: i64) {
        let Watched { group, topic } = &self.watched;
        self.standings(now_ms).iter().for_each(|standing| metrics::standing(group, topic, standing));
    }

    fn positions(&self) -> Result<Vec<Position>, KafkaError> {
        let topic = &*self.watched.topic;
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER)?;
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            list.add_partition(topic, partition.id());
        }
        let mut positions = Vec::new();
        for each in self.consumer.committed_offsets(list, ANSWER)?.elements() {
            let partition = each.partition();
            let (low, end) = self.consumer.fetch_watermarks(topic, partition, ANSWER)?;
            let committed = offset(each.offset());
            let asked = Position { partition, low, end, committed, unread: Unread::Unknown };
            positions.push(Position { unread: self.remembered(&asked), ..asked });
        }
        self.read(&mut positions)?;
        Ok(positions)
    }

    /// What is known of the oldest unread message without reading it.
    fn remembered(&self, asked: &Position) -> Unread {
        let before = self.known.get(&asked.partition).and_then(|known| known.position);
        match before {
            _ if asked.next() >= asked.end => Unread::None,
            Some(before) if before.next() == asked.next() => match before.unread {
                at @ Unread::At(..) => at,
                Unread::None if before.end == asked.end => Unread::None,
                Unread::None | Unread::Unknown => Unread::Unknown,
            },
            _ => Unread::Unknown,
        }
    }

    /// Reads the first message of each partition of which that is to be known.
    fn read(&self, positions: &mut [Position]) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let wanted = |position: &&mut Position| position.unread == Unread::Unknown;
        for position in positions.iter_mut().filter(wanted) {
            let offset = Offset::Offset(position.next());
            list.add_partition_offset(&self.watched.topic, position.partition, offset)?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer.assign(&list)?;
        let until = Instant::now() + READING;
        while Instant::now() < until && positions.iter().any(|position| position.unread == Unread::Unknown) {
            let (partition, unread) = match self.consumer.poll(WAIT) {
                Some(Ok(message)) => {
                    let at_ms = message.timestamp().to_millis().unwrap_or(0);
                    (message.partition(), Unread::At(message.offset(), at_ms))
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => (partition, Unread::None),
                Some(Err(_)) | None => continue, // tried again until the time is over
            };
            let first = positions.iter_mut().filter(wanted).find(|position| position.partition == partition);
            if let Some(position) = first {
                position.unread = unread;
            }
        }
        self.consumer.unassign()
    }
}
