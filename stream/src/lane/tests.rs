//! Lanes over a source in memory and sinks that fail on demand, on a paused clock.

mod crowd;
mod killed;
mod planned;

use super::*;
use crate::{
    batch::Limits,
    envelope::{Fate, Headers},
    retry::Backoff,
    testing::until,
};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Semaphore;

/// What the world has seen of a lane.
#[derive(Default)]
struct Seen {
    stored: Vec<u8>,
    writes: Vec<(i64, i64)>,
    dead: Vec<(i64, &'static str)>,
    committed: BTreeMap<i32, i64>,
    /// Every commit, in order.
    commits: Vec<(i64, Option<Plan>)>,
}

/// What goes wrong, and how often still.
#[derive(Default)]
struct World {
    seen: Mutex<Seen>,
    sink_faults: Mutex<u32>,
    dead_faults: Mutex<u32>,
    /// No commit is answered.
    mute: AtomicBool,
}

impl Seen {
    /// The offset up to which a partition is done; a plan alone moves none.
    fn done(&self, partition: i32) -> i64 {
        self.committed.get(&partition).copied().unwrap_or_default()
    }
}

impl World {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

/// A fault as long as there are some left.
fn failing(left: &Mutex<u32>) -> Result<(), Fault> {
    let mut left = left.lock().unwrap();
    if *left == 0 {
        return Ok(());
    }
    *left -= 1;
    Err(Fault::new("away", "the test says so"))
}

struct Memory {
    signals: mpsc::UnboundedReceiver<Signal>,
    world: Arc<World>,
}

impl Source for Memory {
    type Commits = Noted;
    fn topic(&self) -> Arc<str> {
        "t".into()
    }
    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }
    fn commits(&self) -> Noted {
        Noted(Arc::clone(&self.world))
    }
}

#[derive(Clone)]
struct Noted(Arc<World>);

impl Commits for Noted {
    async fn commit(&self, partition: i32, next: i64, plan: Option<Plan>) -> Result<(), Fault> {
        if self.0.mute.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.0.seen().committed.insert(partition, next);
        self.0.seen().commits.push((next, plan));
        Ok(())
    }
}

/// A payload of `d` is dropped, of `r` refused, of `p` too much for the step; anything else goes on.
struct ByPayload;

impl Step for ByPayload {
    type Out = u8;
    fn step(&self, message: &Message) -> Verdict<u8> {
        match message.payload.first().copied() {
            Some(b'd') => Verdict::Drop("rule"),
            Some(b'p') => panic!("the test says so"),
            Some(b'r') | None => Verdict::Refuse(Refusal::new("malformed", "the test says so")),
            Some(byte) => Verdict::Keep(byte),
        }
    }
}

/// Refuses a slice that has an `x` for its content.
struct Table(Arc<World>);

impl Sink<u8> for Table {
    async fn write(&self, range: &PlannedRange, items: &[u8]) -> Result<(), WriteError> {
        failing(&self.0.sink_faults)?;
        if items.contains(&b'x') {
            return Err(Refusal::new("refused_row", "an x").into());
        }
        let mut seen = self.0.seen();
        seen.writes.push((range.first, range.last));
        seen.stored.extend_from_slice(items);
        Ok(())
    }
}

struct Graves(Arc<World>);

impl Bury for Graves {
    async fn bury(&self, dead: &[(&Message, &Refusal)]) -> Result<(), Fault> {
        failing(&self.0.dead_faults)?;
        self.0.seen().dead.extend(dead.iter().map(|(message, refusal)| (message.offset, refusal.reason)));
        Ok(())
    }
}

/// A running lane and the test's hands on it.
struct Rig {
    world: Arc<World>,
    signals: mpsc::UnboundedSender<Signal>,
    budget: Arc<Semaphore>,
    shutdown: CancellationToken,
    health: Health,
    task: JoinHandle<Result<(), Fault>>,
}

const BUDGET: usize = 1 << 20;
const GRACE: Duration = Duration::from_secs(5);

fn rig(limits: Limits, world: World) -> Rig {
    rig_of(work(limits), world)
}

fn rig_of(work: Work, world: World) -> Rig {
    let world = Arc::new(world);
    let (signals, receiver) = mpsc::unbounded_channel();
    let health = Health::of(&["test"]);
    let lane = Lane {
        name: "test",
        source: Memory { signals: receiver, world: Arc::clone(&world) },
        step: ByPayload,
        sink: Table(Arc::clone(&world)),
        dead: Graves(Arc::clone(&world)),
        sift: (),
        books: Unbooked,
        work,
        grace: GRACE,
        health: health.clone(),
    };
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(lane.run(shutdown.clone()));
    Rig { world, signals, budget: Arc::new(Semaphore::new(BUDGET)), shutdown, health, task }
}

impl Rig {
    fn assign(&self, partition: i32) {
        self.start(Start::fresh(partition));
    }

    fn start(&self, start: Start) {
        self.signals.send(Signal::Assigned(vec![start])).unwrap();
    }

    fn send(&self, partition: i32, offset: i64, payload: u8) {
        let message = Message {
            topic: "t".into(),
            partition,
            offset,
            timestamp_ms: 0,
            key: None,
            payload: vec![payload],
            headers: Headers::new(),
        };
        let weight = u32::try_from(message.weight()).unwrap();
        let room = Arc::clone(&self.budget).try_acquire_many_owned(weight).unwrap();
        self.signals.send(Signal::Messages(vec![(message, room)])).unwrap();
    }

    fn send_all(&self, payloads: &str) {
        payloads.bytes().zip(0..).for_each(|(payload, offset)| self.send(0, offset, payload));
    }

    /// Lets the paused clock run until `wanted`, or fails.
    async fn until(&self, wanted: impl Fn(&Seen) -> bool) {
        let wanted = || wanted(&self.world.seen());
        until("the world as it is wanted", Duration::from_secs(600), wanted).await;
    }

    async fn end(self) -> Result<(), Fault> {
        self.shutdown.cancel();
        self.task.await.unwrap()
    }
}

fn work(limits: Limits) -> Work {
    Work { pace: Pace::Fixed(limits), per_second: 0.0, breaker_pause: Duration::from_secs(30) }
}

fn limits(rows: usize) -> Limits {
    Limits { rows, bytes: BUDGET, time: Duration::from_secs(1) }
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_stored_in_order_and_then_committed() {
    let rig = rig(limits(3), World::default());
    rig.assign(0);
    rig.send_all("abcabc");
    rig.until(|seen| seen.committed.get(&0) == Some(&6)).await;
    assert_eq!(rig.world.seen().stored, b"abcabc");
    assert_eq!(rig.world.seen().writes, [(0, 2), (3, 5)]);
    assert_eq!(rig.budget.available_permits(), BUDGET);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_goes_when_it_is_due() {
    let rig = rig(limits(100), World::default());
    rig.assign(0);
    rig.send_all("ab");
    rig.until(|seen| seen.committed.get(&0) == Some(&2)).await;
    assert_eq!(rig.world.seen().writes, [(0, 1)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_sink_makes_the_lane_wait_and_moves_no_offset() {
    let rig = rig(limits(2), World { sink_faults: Mutex::new(20), ..World::default() });
    rig.assign(0);
    rig.send_all("ab");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(rig.world.seen().done(0), 0);
    assert!(rig.health.ready().is_err());
    rig.until(|seen| seen.committed.get(&0) == Some(&2)).await;
    assert_eq!(rig.world.seen().stored, b"ab");
    assert!(rig.health.ready().is_ok());
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropped_and_refused_messages_have_their_fate_and_are_committed() {
    let rig = rig(limits(5), World::default());
    rig.assign(0);
    rig.send_all("adrbr");
    rig.until(|seen| seen.committed.get(&0) == Some(&5)).await;
    assert_eq!(rig.world.seen().stored, b"ab");
    assert_eq!(rig.world.seen().dead, [(2, "malformed"), (4, "malformed")]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_row_refused_for_its_content_is_found_by_halves_and_harms_only_itself() {
    let rig = rig(limits(8), World::default());
    rig.assign(0);
    rig.send_all("abcxefgh");
    rig.until(|seen| seen.committed.get(&0) == Some(&8)).await;
    assert_eq!(rig.world.seen().stored, b"abcefgh");
    assert_eq!(rig.world.seen().dead, [(3, "refused_row")]);
    assert_eq!(rig.world.seen().writes, [(0, 1), (2, 2), (4, 7)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_cannot_be_written_stop_the_lane() {
    let rig = rig(limits(2), World { dead_faults: Mutex::new(u32::MAX), ..World::default() });
    rig.assign(0);
    rig.send_all("rarr");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(rig.world.seen().stored, b"a");
    assert_eq!(rig.world.seen().done(0), 0);
    *rig.world.dead_faults.lock().unwrap() = 0;
    rig.until(|seen| seen.committed.get(&0) == Some(&4)).await;
    assert_eq!(rig.world.seen().dead.len(), 3);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_revoked_partition_is_stored_and_committed_before_it_is_let_go() {
    let rig = rig(limits(100), World::default());
    rig.assign(0);
    rig.send_all("ab");
    let (done, released) = oneshot::channel();
    rig.signals.send(Signal::Revoked(vec![0], done)).unwrap();
    released.await.unwrap();
    let stored = i64::try_from(rig.world.seen().stored.len()).unwrap();
    assert_eq!(rig.world.seen().committed.get(&0).copied().unwrap_or(0), stored);
    assert_eq!(rig.budget.available_permits(), BUDGET);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_panics_ends_the_lane_at_once_and_is_not_committed() {
    let rig = rig(limits(1), World::default());
    rig.assign(0);
    rig.assign(1);
    rig.send_all("p");
    let ended = tokio::time::timeout(Duration::from_secs(60), rig.task).await.expect("the lane goes on");
    assert_eq!(ended.unwrap().unwrap_err().tag, "lane_panicked");
    assert_eq!(rig.world.seen().done(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_partition_that_is_not_ours_is_left_alone() {
    let rig = rig(limits(1), World::default());
    rig.send(7, 0, b'a');
    rig.assign(0);
    rig.send(0, 0, b'b');
    rig.until(|seen| seen.done(0) == 1).await;
    assert_eq!(rig.world.seen().stored, b"b");
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_read_twice_is_stored_once() {
    let rig = rig(limits(1), World::default());
    rig.assign(0);
    rig.send(0, 0, b'a');
    rig.send(0, 0, b'a');
    rig.send(0, 1, b'b');
    rig.until(|seen| seen.committed.get(&0) == Some(&2)).await;
    assert_eq!(rig.world.seen().stored, b"ab");
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_within_the_grace_period_and_leaves_open_what_is_not_stored() {
    let rig = rig(limits(1), World { sink_faults: Mutex::new(u32::MAX), ..World::default() });
    rig.assign(0);
    rig.send_all("ab");
    tokio::time::sleep(Duration::from_secs(1)).await; // virtual: the first write has failed by now
    let (world, budget) = (Arc::clone(&rig.world), Arc::clone(&rig.budget));
    let began_at = tokio::time::Instant::now();
    rig.end().await.unwrap();
    assert!(began_at.elapsed() <= GRACE + Duration::from_secs(1));
    assert_eq!(world.seen().done(0), 0);
    assert_eq!(budget.available_permits(), BUDGET);
}

#[tokio::test(start_paused = true)]
async fn past_the_grace_period_all_partitions_have_their_last_word_together() {
    let rig = rig(limits(1), World::default());
    for partition in 0..4 {
        rig.assign(partition);
        rig.send(partition, 0, b'a');
    }
    rig.until(|seen| seen.writes.len() == 4).await;
    rig.world.mute.store(true, Ordering::Relaxed); // while each still has to say that it is done
    let began_at = tokio::time::Instant::now();
    rig.end().await.unwrap();
    assert!(began_at.elapsed() > GRACE, "{:?}", began_at.elapsed());
    assert!(began_at.elapsed() < GRACE + Duration::from_secs(3), "{:?}", began_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_partition_does_not_hold_up_another() {
    let rig = rig(limits(1), World { sink_faults: Mutex::new(3), ..World::default() });
    rig.assign(0);
    rig.send(0, 0, b'a');
    rig.until(|_| *rig.world.sink_faults.lock().unwrap() < 3).await;
    rig.assign(1);
    *rig.world.sink_faults.lock().unwrap() = 0;
    rig.send(1, 0, b'b');
    rig.until(|seen| seen.committed.get(&1) == Some(&1)).await;
    assert_eq!(rig.world.seen().done(0), 0);
    rig.until(|seen| seen.committed.get(&0) == Some(&1)).await;
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_the_lane_with_its_fault() {
    let rig = rig(limits(1), World::default());
    rig.signals.send(Signal::Failed(Fault::new("offset_gap", "gone"))).unwrap();
    assert_eq!(rig.task.await.unwrap().unwrap_err().tag, "offset_gap");
}

#[test]
fn the_longest_wait_is_short_enough_to_notice_a_mended_world() {
    let mut backoff = Backoff::new(patience::LONGEST_WAIT);
    let longest = (0..40).map(|_| backoff.next(0)).max();
    assert_eq!(longest, Some(patience::LONGEST_WAIT));
}
