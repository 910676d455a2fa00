//! Who a source is in its group, one client after the other, and what is committed in its name.

use super::assign::Member;
use crate::{
    fault::Fault,
    lane::{self, FENCED},
    plan::Plan,
};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerGroupMetadata},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// The member that a source is now. Its thread alone owns the client: whoever drops the last share of it has to close it.
#[derive(Clone)]
pub struct Membership {
    topic: Arc<str>,
    seat: Arc<Mutex<Seat>>,
}

#[derive(Default, Clone)]
struct Seat {
    consumer: Weak<BaseConsumer<Member>>,
    turns: Arc<Turns>,
}

/// One commit of a partition at a time. librdkafka puts a commit off while it has no coordinator. One that was given up
/// waiting for must not be carried out after a later one, whose plan it would wipe out. Of an earlier client none can: when
/// the next one has its partitions, the group takes nothing from the one before.
type Turns = Mutex<HashMap<i32, Arc<tokio::sync::Mutex<()>>>>;

impl Membership {
    /// Nobody yet.
    pub(super) fn of(topic: &Arc<str>) -> Self {
        Self { topic: Arc::clone(topic), seat: Arc::default() }
    }

    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// From now on this client is the member.
    pub(super) fn pass_to(&self, consumer: &Arc<BaseConsumer<Member>>) {
        *self.seat() = Seat { consumer: Arc::downgrade(consumer), turns: Arc::default() };
    }

    /// Nobody is, until another client takes its place.
    pub(super) fn leave(&self) {
        *self.seat() = Seat::default();
    }

    /// See [`Member::note_committed`].
    pub(super) fn note_committed(&self, offsets: &[(i32, i64)]) {
        if let Some(consumer) = self.consumer() {
            consumer.context().note_committed(offsets);
        }
    }

    /// See [`Member::group`].
    pub(super) fn group(&self) -> Option<Arc<ConsumerGroupMetadata>> {
        self.consumer()?.context().group()
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumer(&self) -> Option<Arc<BaseConsumer<Member>>> {
        self.seat().consumer.upgrade()
    }

    fn list(&self, partition: i32, next: i64, plan: Option<Plan>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.topic, partition);
        element.set_offset(Offset::Offset(next))?;
        if let Some(plan) = plan {
            element.set_metadata(plan.to_string());
        }
        Ok(list)
    }
}

impl Seat {
    fn turn(&self, partition: i32) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(partition).or_default())
    }
}

impl lane::Commits for Membership {
    async fn commit(&self, partition: i32, next: i64, plan: Option<Plan>) -> Result<(), Fault> {
        let fault = |error: KafkaError| {
            let tag = if is_fenced(&error) { FENCED } else { "commit" };
            Fault::new(tag, error.to_string())
        };
        let list = self.list(partition, next, plan).map_err(fault)?;
        let seat = self.seat().clone();
        let turn = seat.turn(partition).lock_owned().await;
        let consumer = seat.consumer.upgrade().ok_or_else(|| Fault::new(FENCED, "the group was left"))?;
        let committed = tokio::task::spawn_blocking(move || {
            let committed = consumer.commit(&list, CommitMode::Sync);
            drop(turn); // only now, whoever still waits for the answer
            committed
        });
        committed.await.map_err(super::died)?.map_err(fault)
    }
}

/// Whether the group has given this member's partitions to others.
fn is_fenced(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{FencedInstanceId, IllegalGeneration, UnknownMemberId};
    matches!(error.rdkafka_error_code(), Some(FencedInstanceId | IllegalGeneration | UnknownMemberId))
}
