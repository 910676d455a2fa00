//! A consumer group as the beginning of a lane.
//!
//! librdkafka is polled by a thread of its own: its rebalance callback must be able to wait until the lane has
//! stored and committed what it holds, and an async task may not block. The thread takes each message's weight from
//! the memory budget before it hands it on; when there is no room it stops polling for messages, and after
//! [`PATIENCE`] pauses the partitions, so that the group does not take it for dead.
//!
//! librdkafka may forget the brokers of a cluster that was away for a moment, and then never finds its group again. So a
//! [`Watchdog`] looks on, as it does for producers: where the group answers another client and not this one, another takes
//! its place, and the lane sees its partitions go and come back.

use super::{
    WAIT,
    assign::{Member, partitions},
    config::KafkaConfig,
    detach,
    membership::Membership,
    watchdog::{Verdict, Watchdog},
};
use crate::{
    config::Size,
    envelope::Message,
    fault::Fault,
    lane::{self, Signal},
    metrics,
    telemetry::Health,
};
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};

/// How long to wait for room before the partitions are paused. Pausing throws away what was fetched ahead, so
/// ordinary back-pressure must not come to it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait for the goodbye to the group. Without a broker the client waits for ever, and nothing hangs on it:
/// the group misses a member that is gone.
const LEAVE: Duration = Duration::from_secs(5);

/// How long each answer to another client may take. Meanwhile nobody is asked whether to end.
const ANSWER: Duration = Duration::from_secs(2);

/// The least time without a group after which another client is asked, whatever `kafka.stall` says: to join takes a few seconds,
/// and a client tells of itself once a second.
const LEAST_STALL: Duration = Duration::from_secs(10);

/// Kafka's words for a group that waits for its members.
const REBALANCES: [&str; 2] = ["PreparingRebalance", "CompletingRebalance"];

/// How often it is looked whether the client has lost its way.
const LOOK: Duration = Duration::from_secs(1);

/// A budget of nothing would bound nothing: every weight is cut to it.
const LEAST_BUDGET: usize = 64 << 10;

/// What has arrived is handed on together, up to so many bytes: to wake the lane for each message costs more than the message.
const HANDFUL: usize = 64 << 10;

/// Defaults that an operator may change.
const TUNED: [(&str, &str); 2] = [
    ("fetch.queue.backoff.ms", "20"),
    // After `kill -9` the group waits this long before the next start has its partitions; librdkafka's 45 s are for
    // members that do not have a thread of their own for the group.
    ("session.timeout.ms", "10000"),
];

/// How long, in ms, a fetch waits at the broker: for company; and where its first byte answers it, for that. Each wait that ends with
/// nothing costs both sides a request. But a client has one fetch at a time from a broker: what has only just been assigned is asked
/// for when the one that waits for the rest is over.
const FOR_COMPANY: &str = "50";
const FOR_THE_FIRST: &str = "200";

/// The properties that say how much, and how little.
const LEAST: &str = "fetch.min.bytes";
const FETCH: &str = "max.partition.fetch.bytes";

/// What is asked of a partition at once, at most, unless an operator says more: librdkafka's own default, and of a small
/// `fetch_buffer` a share. It comes packed, may unpack to ten times as much, and is unpacked before it is counted.
fn fetch_bytes(fetch_buffer: usize) -> usize {
    const MOST: usize = 1 << 20;
    const SHARE: usize = 32;
    (fetch_buffer / SHARE).clamp(LEAST_BUDGET, MOST)
}

/// How long a fetch waits that is answered from so many bytes on.
const fn fetch_wait(least: usize) -> &'static str {
    if least > 1 { FOR_COMPANY } else { FOR_THE_FIRST }
}

/// What a source reads.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// Name of the lane, in logs and metrics.
    pub lane: &'static str,
    /// Consumer group, prefix included.
    pub group: String,
    /// Topic's name on the broker.
    pub topic: Arc<str>,
    /// Bytes that may be between the broker and their fate.
    pub fetch_buffer: Size,
    /// Bytes from which on the broker answers a fetch at once; fewer wait for others, up to `fetch.wait.max.ms`.
    pub fetch_least: Size,
}

/// A member of a consumer group.
pub struct Source {
    membership: Membership,
    topic: Arc<str>,
    signals: mpsc::UnboundedReceiver<Signal>,
    stop: Arc<AtomicBool>,
    left: std::sync::mpsc::Receiver<()>,
}

impl Source {
    /// Joins the group. Must be called within a runtime.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn start(config: &KafkaConfig, options: SourceOptions, health: &Health) -> Result<Self, Fault> {
        let (sender, signals) = mpsc::unbounded_channel(); // bounded by the budget
        let stop = Arc::new(AtomicBool::new(false));
        let topic = Arc::clone(&options.topic);
        let membership = Membership::of(&topic);
        let capacity = options.fetch_buffer.0.clamp(LEAST_BUDGET, Semaphore::MAX_PERMITS);
        let joining = Joining {
            config: config.clone(),
            options,
            health: health.clone(),
            signals: sender,
            runtime: Handle::current(),
        };
        let consumer = Arc::new(joining.join()?);
        membership.pass_to(&consumer);
        metrics::consumer_rebuilt(joining.options.lane, 0);
        let poller = Poller {
            membership: membership.clone(),
            consumer,
            dog: Watchdog::new(config.stall.max(LEAST_STALL)),
            looked_at: Instant::now(),
            budget: Arc::new(Semaphore::new(capacity)),
            capacity,
            stop: Arc::clone(&stop),
            joining,
        };
        let name = format!("kafka-{}", poller.joining.options.lane);
        let (leaving, left) = std::sync::mpsc::channel();
        let poll = move || {
            poller.poll_until_stopped();
            let _nobody_waits_any_more = leaving.send(());
        };
        std::thread::Builder::new()
            .name(name)
            .spawn(poll)
            .map_err(|error| Fault::new("kafka_thread", error.to_string()))?;
        Ok(Self { membership, topic, signals, stop, left })
    }

    /// Who reads, for whoever commits what was read.
    pub(super) fn membership(&self) -> Membership {
        self.membership.clone()
    }
}

impl Drop for Source {
    /// Leaves the group before the process ends: else the others, or the next start, wait for the session to time out.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.signals.close();
        // A revocation that nobody will read must not hold up the thread that is waited for here.
        while self.signals.try_recv().is_ok() {}
        let _left_or_not = self.left.recv_timeout(LEAVE); // a panic was printed by the thread itself
    }
}

impl lane::Source for Source {
    type Commits = Membership;

    fn topic(&self) -> Arc<str> {
        Arc::clone(&self.topic)
    }

    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }

    fn commits(&self) -> Membership {
        self.membership()
    }
}

/// What a client needs to join the group.
struct Joining {
    config: KafkaConfig,
    options: SourceOptions,
    health: Health,
    signals: mpsc::UnboundedSender<Signal>,
    runtime: Handle,
}

impl Joining {
    fn join(&self) -> Result<BaseConsumer<Member>, Fault> {
        let fault = |error: KafkaError| Fault::new("kafka_config", error.to_string());
        let Self { config, options, .. } = self;
        let member = Member::new(
            options.lane,
            &options.topic,
            self.signals.clone(),
            self.runtime.clone(),
            &self.health,
        );
        let set = |property| config.properties.get(property).and_then(|bytes| bytes.parse().ok());
        let fetch = set(FETCH).unwrap_or_else(|| fetch_bytes(options.fetch_buffer.0));
        // More than a partition gives at once would always be waited for.
        let least = set(LEAST).unwrap_or_else(|| options.fetch_least.0.clamp(1, fetch.max(1)));
        let wait = fetch_wait(least);
        let (fetch, least) = (fetch.to_string(), least.to_string());
        let own = [(FETCH, &*fetch), (LEAST, &*least), ("fetch.wait.max.ms", wait)];
        let tuned: Vec<_> = TUNED.into_iter().chain(own).collect();
        let consumer: BaseConsumer<Member> = config
            .client(options.lane, &tuned)
            .set("group.id", &options.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("queued.max.messages.kbytes", (options.fetch_buffer.0 / 2048).max(1024).to_string())
            .create_with_context(member)
            .map_err(fault)?;
        consumer.subscribe(&[&options.topic]).map_err(fault)?;
        Ok(consumer)
    }

    /// Whether another client, which joins nothing, would get messages: there is the topic, the group's coordinator answers, and
    /// the group does not wait for its members just now; then this one may be among them.
    fn is_answered(&self) -> Result<bool, Fault> {
        let SourceOptions { lane, group, topic, .. } = &self.options;
        let other = self.config.reader(lane, &[], group, "error")?;
        let is_there = other.fetch_metadata(Some(topic), ANSWER).is_ok_and(|metadata| {
            metadata.topics().iter().any(|one| one.error().is_none() && !one.partitions().is_empty())
        });
        let mut any = TopicPartitionList::new();
        any.add_partition(topic, 0);
        if !is_there || other.committed_offsets(any, ANSWER).is_err() {
            return Ok(false);
        }
        // Not everybody may ask: who may not is not kept by it.
        let listed = other.client().fetch_group_list(Some(group), ANSWER);
        Ok(!listed.is_ok_and(|list| list.groups().iter().any(|one| REBALANCES.contains(&one.state()))))
    }
}

/// Messages that were polled and wait for room.
#[derive(Default)]
struct Held {
    messages: VecDeque<Message>,
    waited: Duration,
    paused: Option<TopicPartitionList>,
}

impl Held {
    /// Lets go of the messages of partitions that have gone. If one comes back, it is read again from what was
    /// committed: a message held from before would come first, and those before it would pass for read already.
    fn forget(&mut self, gone: &[i32]) {
        if !gone.is_empty() {
            self.messages.retain(|message| !gone.contains(&message.partition));
        }
    }
}

/// The thread's side.
struct Poller {
    joining: Joining,
    membership: Membership,
    consumer: Arc<BaseConsumer<Member>>,
    dog: Watchdog,
    looked_at: Instant,
    budget: Arc<Semaphore>,
    capacity: usize,
    stop: Arc<AtomicBool>,
}

impl Poller {
    fn poll_until_stopped(mut self) {
        let mut held = Held::default();
        while !self.stopped() {
            if held.messages.is_empty() {
                self.resume(&mut held);
                self.gather(&mut held);
            }
            self.hand_on(&mut held);
            self.look(&mut held);
        }
        // The consumer leaves the group when its last owner drops it: here, or a commit that is still under way. Rejected:
        // `unsubscribe` first; now and then its LeaveGroup is lost in a rebalance, and the others wait for the session.
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.joining.signals.is_closed()
    }

    /// Takes what has arrived, up to a handful. Waits for the first.
    fn gather(&self, held: &mut Held) {
        let (mut wait, mut taken) = (WAIT, 0);
        while taken < HANDFUL
            && let Some(weight) = self.poll(wait, held)
        {
            (wait, taken) = (Duration::ZERO, taken + weight);
        }
    }

    /// Serves the group, and takes at most one message. Says what it weighs.
    fn poll(&self, wait: Duration, held: &mut Held) -> Option<usize> {
        let polled = self.consumer.poll(wait);
        // Before what was polled: the client calls back first, and then gives what is still ours.
        held.forget(&self.consumer.context().gone());
        match polled? {
            Ok(message) => {
                self.consumer.context().flows();
                let message = detach(&message, &self.joining.options.topic);
                let weight = message.weight();
                held.messages.push_back(message);
                Some(weight)
            }
            Err(error) => {
                self.report(&error);
                None
            }
        }
    }

    /// Hands on what the budget has room for, from the first held message on; where it has none for that one, waits for it.
    fn hand_on(&self, held: &mut Held) {
        let mut handful = self.with_room(held);
        if handful.is_empty() {
            let Some(message) = held.messages.pop_front() else { return };
            match self.wait_for_room(&message) {
                Some(room) => handful.push((message, room)),
                None => {
                    held.messages.push_front(message);
                    return self.endure(held);
                }
            }
        }
        let _closed = self.joining.signals.send(Signal::Messages(handful));
        // Not before: who gets room for one message at a time would never serve the group.
        if held.messages.is_empty() {
            held.waited = Duration::ZERO;
        }
    }

    fn with_room(&self, held: &mut Held) -> Vec<(Message, OwnedSemaphorePermit)> {
        let mut handful = Vec::with_capacity(held.messages.len());
        while let Some(room) = held.messages.front().and_then(|message| self.room(message)) {
            handful.extend(held.messages.pop_front().map(|message| (message, room)));
        }
        handful
    }

    /// The room of a message, where there is some.
    fn room(&self, message: &Message) -> Option<OwnedSemaphorePermit> {
        let room = |weight| Arc::clone(&self.budget).try_acquire_many_owned(weight).ok();
        room(self.weight(message)).or_else(|| {
            // What was planned is stored as a whole or not at all, and had room when it was planned: it must not wait for
            // room that only it would give back.
            let is_planned = self.consumer.context().is_planned(message.partition, message.offset);
            is_planned.then(|| room(0)).flatten()
        })
    }

    fn wait_for_room(&self, message: &Message) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.budget).acquire_many_owned(self.weight(message));
        self.joining.runtime.block_on(async { tokio::time::timeout(WAIT, room).await }).ok()?.ok()
    }

    /// What it weighs in the budget. A message heavier than the whole budget takes all of it, or it would wait for ever.
    fn weight(&self, message: &Message) -> u32 {
        u32::try_from(message.weight().min(self.capacity)).unwrap_or(u32::MAX)
    }

    /// No room for so long: after [`PATIENCE`], pauses whatever is assigned by now and serves the group. A partition
    /// that has just come may still give a message: it is held as well, for one that is let fall is lost.
    fn endure(&self, held: &mut Held) {
        held.waited += WAIT;
        if held.waited >= PATIENCE {
            held.paused = self.consumer.assignment().ok().filter(|all| self.consumer.pause(all).is_ok());
            let _held_if_any_came = self.poll(Duration::ZERO, held);
        }
    }

    fn resume(&self, held: &mut Held) {
        let Some(all) = held.paused.take() else { return };
        // What was revoked meanwhile is none of ours; the rest is resumed all the same.
        if let Err(error) = self.consumer.resume(&all) {
            tracing::warn!(lane = self.joining.options.lane, %error, "cannot resume");
        }
    }

    /// Looks, now and then, whether the client has lost its way.
    fn look(&mut self, held: &mut Held) {
        let now = Instant::now();
        if now.saturating_duration_since(self.looked_at) < LOOK {
            return;
        }
        self.looked_at = now;
        match self.dog.look(self.consumer.context().seen(), now) {
            Verdict::Wait => {}
            Verdict::Ask => match self.joining.is_answered() {
                Ok(true) => self.dog.answered(Instant::now()),
                Ok(false) => self.dog.unanswered(Instant::now()),
                Err(fault) => self.cannot(&fault),
            },
            Verdict::Rebuild(_) => match self.successor() {
                Ok((next, lost)) => self.pass_to(next, lost, held),
                Err(fault) => self.cannot(&fault),
            },
        }
    }

    /// Another client, and the partitions that this one has.
    fn successor(&self) -> Result<(BaseConsumer<Member>, Vec<i32>), Fault> {
        let lost = self.consumer.assignment().map_err(|error| Fault::new("kafka", error.to_string()))?;
        Ok((self.joining.join()?, partitions(&lost)))
    }

    /// Puts a new client in the place of the present one. The lane first lets go of everything that it had from that, and has
    /// its partitions again when the new one is given them: what was committed says from where.
    fn pass_to(&mut self, next: BaseConsumer<Member>, lost: Vec<i32>, held: &mut Held) {
        let waited = self.dog.waited(Instant::now());
        self.consumer.context().retire();
        self.membership.leave();
        *held = Held::default();
        let (done, released) = oneshot::channel();
        if self.joining.signals.send(Signal::Revoked(lost, done)).is_ok() {
            let _lane_ended = self.joining.runtime.block_on(released);
        }
        let old = std::mem::replace(&mut self.consumer, Arc::new(next));
        self.membership.pass_to(&self.consumer);
        // It says goodbye to a group that it cannot find, which may take for ever. Where there is no thread, it is waited for.
        let ending = std::thread::Builder::new().name("kafka-old-client".to_owned());
        let _ending_here_or_there = ending.spawn(move || drop(old));
        self.dog.rebuilt(Instant::now());
        let lane = self.joining.options.lane;
        metrics::consumer_rebuilt(lane, 1);
        tracing::warn!(
            lane,
            ?waited,
            "rebuilt the client: the group answers others; going on from what was committed"
        );
    }

    fn cannot(&mut self, fault: &Fault) {
        self.dog.unanswered(Instant::now());
        let lane = self.joining.options.lane;
        tracing::error!(lane, %fault, "the client cannot be rebuilt; tried again in a while");
    }

    /// Tells what waiting mends from what it does not.
    fn report(&self, error: &KafkaError) {
        let SourceOptions { lane, topic, .. } = &self.joining.options;
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
                let detail = format!(
                    "{topic}: {error}: messages between the committed offset and the topic's first are gone; \
                     decide where to go on and set the group's offset, then start again"
                );
                let _closed = self.joining.signals.send(Signal::Failed(Fault::new("offset_gap", detail)));
            }
            Some(RDKafkaErrorCode::Fatal) => {
                let _closed =
                    self.joining.signals.send(Signal::Failed(Fault::new("kafka_fatal", error.to_string())));
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                self.consumer.context().waits(format!("no topic {topic}: `tracker topics apply` makes it"));
            }
            // Said for every connection that fails; `Watch` says it once.
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve,
            ) => tracing::debug!(lane, %error, "the consumer goes on"),
            _ => tracing::warn!(lane, %error, "the consumer goes on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Headers;

    fn message(partition: i32, offset: i64) -> Message {
        let (topic, headers) = ("t".into(), Headers::new());
        Message { topic, partition, offset, timestamp_ms: 0, key: None, payload: Vec::new(), headers }
    }

    #[test]
    fn a_small_buffer_is_filled_by_small_fetches() {
        assert_eq!([1, 8 << 20, 128 << 20].map(fetch_bytes), [64 << 10, 256 << 10, 1 << 20]);
    }

    #[test]
    fn a_fetch_that_any_byte_answers_may_wait_longer_for_it() {
        assert_eq!([0, 1, 2, 256 << 10].map(fetch_wait), ["200", "200", "50", "50"]);
    }

    #[test]
    fn what_is_held_of_a_partition_that_has_gone_is_let_go() {
        let mut held = Held::default();
        held.messages.extend([message(0, 7), message(1, 7), message(0, 8)]);
        held.forget(&[0, 2]);
        assert_eq!(held.messages, [message(1, 7)]);
    }
}
