//! Lanes of transactions over a log in memory that fails on demand, on a paused clock.

use super::*;
use crate::{
    envelope::{Headers, Verdict},
    lane::{Commits, Signal},
    plan::{Plan, Start},
};
use proptest::prelude::*;
use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot},
    task::JoinHandle,
};

/// What becomes of one try to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Committed,
    TakenBack,
    /// The answer never came, and it was not committed.
    Lost,
    /// The answer never came, and it was.
    LostAndCommitted,
    /// No answer comes as long as the test holds it.
    Held,
}

/// One partition, what was written to, and what goes wrong next.
#[derive(Default)]
struct Disk {
    raw: Vec<Message>,
    committed: Option<i64>,
    written: Vec<Outgoing>,
    transactions: usize,
    outcomes: VecDeque<Outcome>,
    orders: Option<mpsc::UnboundedSender<Signal>>,
}

struct World {
    disk: Mutex<Disk>,
    grown: Notify,
    held: Notify,
    refills: Semaphore,
    stepped: AtomicUsize,
    budget: Arc<Semaphore>,
}

const BUDGET: usize = 1 << 20;
const GRACE: Duration = Duration::from_secs(5);

impl World {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }
}

#[derive(Clone)]
struct MemoryLog(Arc<World>);

impl Log for MemoryLog {
    type Source = Memory;
    type Transactor = Flaky;

    async fn open(&self) -> Result<(Memory, Flaky), Fault> {
        let (sender, orders) = mpsc::unbounded_channel();
        self.0.disk().orders = Some(sender);
        Ok((Memory { world: Arc::clone(&self.0), at: None, orders }, Flaky(Arc::clone(&self.0))))
    }

    async fn refill(
        &self,
        refill: Refill,
        told: impl Fn(Progress) + Send + 'static,
    ) -> Result<Window, Fault> {
        told(Progress { read: 0, of: refill.next });
        self.0.refills.acquire().await.unwrap().forget();
        self.0.refills.add_permits(1);
        let Refill { next, mut window, prints, .. } = refill;
        for message in self.0.disk().raw.iter().take(usize::try_from(next).unwrap()) {
            window.note(prints.of(message).unwrap());
        }
        Ok(window)
    }
}

/// Reads from the committed offset on.
struct Memory {
    world: Arc<World>,
    at: Option<usize>,
    orders: mpsc::UnboundedReceiver<Signal>,
}

impl Source for Memory {
    type Commits = Nothing;

    fn topic(&self) -> Arc<str> {
        "t".into()
    }

    async fn next(&mut self) -> Option<Signal> {
        let Some(at) = self.at else {
            let committed = self.world.disk().committed;
            self.at = Some(usize::try_from(committed.unwrap_or(0)).unwrap());
            return Some(Signal::Assigned(vec![Start { partition: 0, committed, plan: None }]));
        };
        loop {
            if let Ok(order) = self.orders.try_recv() {
                return Some(order);
            }
            let message = self.world.disk().raw.get(at).cloned();
            if let Some(message) = message {
                let weight = u32::try_from(message.weight()).unwrap();
                let room = Arc::clone(&self.world.budget).acquire_many_owned(weight).await.unwrap();
                self.at = Some(at + 1);
                return Some(Signal::Message(message, room));
            }
            tokio::select! {
                () = self.world.grown.notified() => {}
                order = self.orders.recv() => return order,
            }
        }
    }

    fn commits(&self) -> Nothing {
        Nothing
    }
}

#[derive(Clone)]
struct Nothing;

impl Commits for Nothing {
    async fn commit(&self, _: i32, _: i64, _: Option<Plan>) -> Result<(), Fault> {
        panic!("offsets go with the transaction")
    }
}

struct Flaky(Arc<World>);

impl Transactor for Flaky {
    async fn commit(&self, transaction: Arc<Transaction>) -> Result<(), NotCommitted> {
        let outcome = self.0.disk().outcomes.pop_front().unwrap_or(Outcome::Committed);
        if outcome == Outcome::Held {
            self.0.held.notified().await;
        }
        let away = || Fault::new("away", "the test says so");
        match outcome {
            Outcome::TakenBack => return Err(NotCommitted::TakenBack(away())),
            Outcome::Lost => return Err(NotCommitted::Unknown(away())),
            Outcome::Committed | Outcome::LostAndCommitted | Outcome::Held => {}
        }
        let mut disk = self.0.disk();
        let [(0, next)] = transaction.offsets[..] else { panic!("{:?}", transaction.offsets) };
        assert!(disk.committed.is_none_or(|before| before < next), "offsets only go on");
        disk.committed = Some(next);
        disk.transactions += 1;
        disk.written.extend(transaction.messages.iter().cloned());
        match outcome {
            Outcome::LostAndCommitted => Err(NotCommitted::Unknown(away())),
            _ => Ok(()),
        }
    }
}

/// A payload of `d` is dropped, of `r` refused, of `p` too much for the step, of `L` larger than a message may be.
struct ByPayload(Arc<World>);

fn outgoing(topic: &str, payload: Vec<u8>) -> Outgoing {
    Outgoing { topic: topic.into(), key: vec![], payload, headers: Headers::new(), timestamp_ms: 0 }
}

impl Step for ByPayload {
    type Out = Vec<Outgoing>;

    fn step(&self, message: &Message) -> Verdict<Vec<Outgoing>> {
        self.0.stepped.fetch_add(1, Ordering::Relaxed);
        match message.payload[0] {
            b'd' => Verdict::Drop("rule"),
            b'p' => panic!("the test says so"),
            b'r' => Verdict::Refuse(Refusal::new("malformed", "the test says so")),
            b'L' => Verdict::Keep(vec![outgoing("out", vec![0; crate::kafka::MESSAGE_BYTES])]),
            _ => Verdict::Keep(vec![outgoing("out", message.payload.clone())]),
        }
    }
}

/// Letters are the refused payload and the reason; pages are written as their counts.
struct Plain;

impl Scribe for Plain {
    fn letter(&self, message: &Message, refusal: &Refusal) -> Outgoing {
        outgoing(refusal.reason, message.payload.clone())
    }

    fn page(&self, page: &Page) -> Outgoing {
        let counts = page.tally.counts().map(|one| format!("{}{}={}", one.fate, one.reason, one.count));
        outgoing("page", counts.collect::<Vec<_>>().join(" ").into_bytes())
    }
}

/// A running lane and the test's hands on it.
struct Rig {
    world: Arc<World>,
    shutdown: CancellationToken,
    health: Health,
    task: JoinHandle<Result<(), Fault>>,
}

fn rig(rows: usize, outcomes: &[Outcome]) -> Rig {
    let disk = Disk { outcomes: outcomes.iter().copied().collect(), ..Disk::default() };
    let world = Arc::new(World {
        disk: Mutex::new(disk),
        grown: Notify::new(),
        held: Notify::new(),
        refills: Semaphore::new(1),
        stepped: AtomicUsize::new(0),
        budget: Arc::new(Semaphore::new(BUDGET)),
    });
    let health = Health::of(&["test"]);
    let lane = TransactLane {
        name: "test",
        log: MemoryLog(Arc::clone(&world)),
        step: ByPayload(Arc::clone(&world)),
        scribe: Plain,
        limits: Limits { rows, bytes: BUDGET, time: Duration::from_millis(100) },
        window: 1000,
        grace: GRACE,
        health: health.clone(),
    };
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(lane.run(shutdown.clone()));
    Rig { world, shutdown, health, task }
}

impl Rig {
    /// Appends messages to the partition, each with its payload as its key.
    fn send(&self, payloads: &str) {
        let mut disk = self.world.disk();
        for payload in payloads.bytes() {
            let offset = i64::try_from(disk.raw.len()).unwrap();
            let (key, payload) = (Some(vec![payload]), vec![payload]);
            let (topic, headers) = ("t".into(), Headers::new());
            let message =
                Message { topic, partition: 0, offset, timestamp_ms: offset, key, payload, headers };
            disk.raw.push(message);
        }
        self.world.grown.notify_one();
    }

    /// Lets the paused clock run until `wanted`, or fails.
    async fn until(&self, wanted: impl Fn(&World) -> bool) {
        let reached = tokio::time::timeout(Duration::from_secs(600), async {
            while !wanted(&self.world) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        reached.await.expect("the condition was never met");
    }

    async fn committed(&self, next: i64) {
        self.until(|world| world.disk().committed == Some(next)).await;
    }

    /// The payloads on a topic, in order.
    fn on(&self, topic: &str) -> Vec<String> {
        let text = |one: &Outgoing| String::from_utf8(one.payload.clone()).unwrap();
        self.world.disk().written.iter().filter(|one| &*one.topic == topic).map(text).collect()
    }

    fn revoke(&self) -> oneshot::Receiver<()> {
        let (done, released) = oneshot::channel();
        self.world.disk().orders.as_ref().unwrap().send(Signal::Revoked(vec![0], done)).unwrap();
        released
    }

    async fn end(self) -> Result<(), Fault> {
        self.shutdown.cancel();
        let ended = self.task.await.unwrap();
        assert_eq!(self.world.budget.available_permits(), BUDGET, "all room is given back");
        ended
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_a_batch_becomes_is_one_transaction_with_its_page_and_its_offset() {
    let rig = rig(6, &[]);
    rig.send("adbrca");
    rig.committed(6).await;
    assert_eq!(rig.world.disk().transactions, 1);
    assert_eq!(
        (rig.on("out"), rig.on("malformed")),
        (vec!["a".into(), "b".into(), "c".into()], vec!["r".into()])
    );
    assert_eq!(rig.on("page"), ["deadmalformed=1 delivered=3 droppedduplicate=1 droppedrule=1"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_goes_when_it_is_due() {
    let rig = rig(100, &[]);
    rig.send("ab");
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_was_taken_back_is_tried_again_and_knows_no_repeat_of_itself() {
    let rig = rig(2, &[Outcome::TakenBack; 8]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.len() < 4).await;
    assert!(rig.health.ready().is_err());
    assert_eq!(rig.world.disk().committed, None);
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.until(|_| rig.health.ready().is_ok()).await;
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_an_answer_that_never_came_the_committed_offset_is_the_truth() {
    let rig = rig(2, &[Outcome::Lost, Outcome::LostAndCommitted, Outcome::Lost]);
    rig.send("abacbe");
    rig.committed(6).await;
    assert_eq!(rig.on("out"), ["a", "b", "c", "e"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_no_broker_takes_goes_to_the_dead_letters_alone() {
    let rig = rig(3, &[]);
    rig.send("aLb");
    rig.committed(3).await;
    assert_eq!((rig.on("out"), rig.on("too_large")), (vec!["a".into(), "b".into()], vec!["L".into()]));
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_next_batch_is_prepared_while_one_is_committed() {
    let rig = rig(2, &[Outcome::Held]);
    rig.send("abcefg");
    rig.until(|world| world.stepped.load(Ordering::Relaxed) == 4).await;
    assert_eq!(rig.world.disk().committed, None);
    rig.world.held.notify_one();
    rig.committed(6).await;
    assert_eq!(rig.on("out"), ["a", "b", "c", "e", "f", "g"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_wait_until_the_keys_before_them_are_known() {
    let rig = rig(2, &[Outcome::LostAndCommitted]);
    rig.world.refills.acquire().await.unwrap().forget();
    rig.send("abac");
    rig.committed(2).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.world.disk().committed, Some(2));
    let (_, why) = rig.health.ready().unwrap_err().remove(0);
    assert_eq!(why, "partition 0: reads the keys of its window: 0 of 2");
    rig.world.refills.add_permits(1);
    rig.committed(4).await;
    assert_eq!(rig.on("out"), ["a", "b", "c"]);
    assert!(rig.health.ready().is_ok());
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_is_committed_before_a_partition_is_let_go() {
    let rig = rig(100, &[Outcome::TakenBack; 2]);
    rig.send("ab");
    rig.until(|world| world.budget.available_permits() < BUDGET).await;
    rig.revoke().await.unwrap();
    assert_eq!(rig.world.disk().committed, Some(2));
    assert_eq!(rig.world.budget.available_permits(), BUDGET);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_is_let_go_after_the_grace_period_and_nothing_of_it_is_written_afterwards() {
    let rig = rig(2, &[Outcome::TakenBack; 12]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.len() < 12).await;
    let (asked_at, released) = (tokio::time::Instant::now(), rig.revoke());
    // The sender is gone with its session: whoever waited for the answer goes on.
    assert!(released.await.is_err());
    assert!(asked_at.elapsed() <= GRACE + Duration::from_secs(1));
    rig.world.disk().outcomes.clear();
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_commits_what_is_under_way() {
    let rig = rig(100, &[]);
    rig.send("abc");
    rig.until(|world| world.budget.available_permits() < BUDGET).await;
    let world = Arc::clone(&rig.world);
    rig.end().await.unwrap();
    let written =
        i64::try_from(world.disk().written.iter().filter(|one| &*one.topic == "out").count()).unwrap();
    assert_eq!(world.disk().committed, Some(written));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_within_the_grace_period_and_leaves_open_what_is_not_committed() {
    let rig = rig(1, &[Outcome::TakenBack; 1000]);
    rig.send("abcdef");
    rig.until(|world| world.disk().outcomes.len() < 1000).await;
    let (world, began_at) = (Arc::clone(&rig.world), tokio::time::Instant::now());
    rig.end().await.unwrap();
    assert!(began_at.elapsed() <= GRACE + Duration::from_secs(3));
    assert_eq!(world.disk().committed, None);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_an_answer_that_never_comes() {
    let rig = rig(1, &[Outcome::Held]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.is_empty()).await;
    let began_at = tokio::time::Instant::now();
    rig.shutdown.cancel();
    rig.task.await.unwrap().unwrap();
    assert!(began_at.elapsed() <= GRACE + Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_ends_the_lane_and_nothing_is_committed() {
    let rig = rig(3, &[]);
    rig.send("apb");
    let ended = tokio::time::timeout(Duration::from_secs(60), rig.task).await.expect("the lane goes on");
    assert_eq!(ended.unwrap().unwrap_err().tag, "lane_panicked");
    assert_eq!(rig.world.disk().committed, None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_the_lane_with_its_fault() {
    let rig = rig(1, &[]);
    rig.until(|world| world.disk().orders.is_some()).await;
    let failed = Signal::Failed(Fault::new("offset_gap", "gone"));
    rig.world.disk().orders.as_ref().unwrap().send(failed).unwrap();
    assert_eq!(rig.task.await.unwrap().unwrap_err().tag, "offset_gap");
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Committed, Lost, LostAndCommitted, TakenBack};
    prop_oneof![Just(Committed), Just(TakenBack), Just(Lost), Just(LostAndCommitted)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_becomes_of_each_transaction_every_key_is_written_once_and_in_order(
        payloads in "[a-crs]{0,60}",
        rows in 1_usize..8,
        outcomes in proptest::collection::vec(outcome(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (out, refused, counted) = runtime.block_on(async {
            let rig = rig(rows, &outcomes);
            rig.send(&payloads);
            if !payloads.is_empty() {
                rig.committed(i64::try_from(payloads.len()).unwrap()).await;
            }
            let pages = rig.on("page").join(" ");
            let counts = pages.split([' ', '=']).filter_map(|word| word.parse::<usize>().ok());
            let seen = (rig.on("out").concat(), rig.on("malformed").concat(), counts.sum::<usize>());
            rig.end().await.unwrap();
            seen
        });
        let mut known = HashSet::new();
        let first: String = payloads.chars().filter(|payload| known.insert(*payload)).collect();
        prop_assert_eq!(out, first.replace('r', ""));
        prop_assert_eq!(refused, if first.contains('r') { "r" } else { "" });
        prop_assert_eq!(counted, payloads.len());
    }
}
