//! Eight loaders and 96 partitions in one process, over a model of the world: a topic, a group that gives partitions to its
//! members and fences those that lost theirs, and a store that knows the names of its inserts. Loaders are killed, leave in
//! order, and come back, all the time; each is a real [`Lane`] with its governor, its plans and its budget.
//!
//! The dice are seeded and the clock is paused. A killed loader has no effect any more, but what it had sent may still arrive,
//! long after another has repeated it.

use super::*;
use crate::strategy::Strategy;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{sync::Semaphore, time::Instant};

const LOADERS: u32 = 8;
const PARTITIONS: i32 = 96;
const ROWS: usize = 600;
/// Bytes of each loader; less than a full batch of each of its partitions.
const ROOM: usize = 256 << 10;
const BATCH: Limits = Limits { rows: 400, bytes: 64 << 10, time: Duration::from_millis(1500) };
const PER_SECOND: usize = 4;
/// How long the group waits for a member that is silent.
const SESSION: Duration = Duration::from_secs(10);
/// Kills, departures and returns.
const DISTURBANCES: usize = 14;

/// A generator of numbers; the same seed gives the same ones.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 31) % sides
    }

    fn within(&mut self, ms: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(ms.start + self.throw(ms.end - ms.start))
    }
}

/// What the world knows of one partition.
#[derive(Default)]
struct Log {
    committed: Option<i64>,
    plan: Option<Plan>,
    owner: Option<u32>,
    /// How often each row is stored, and up to where all are.
    stored: Vec<u32>,
    whole: usize,
}

/// An insert that stored something.
struct Insert {
    by: u32,
    began_at: Instant,
    /// It waited for its turn. What is gathered when partitions are let go does not, nor what is tried again.
    governed: bool,
}

struct World {
    logs: Vec<Log>,
    /// Offsets of each insert, by its token.
    tokens: HashMap<String, Vec<i64>>,
    inserts: Vec<Insert>,
    /// Inserts of which a try has failed.
    failed: HashSet<String>,
    repeated: usize,
    dice: Dice,
    /// Most bytes that a loader held beyond its room.
    beyond: usize,
}

type Shared = Arc<Mutex<World>>;

impl World {
    fn log(&mut self, partition: i32) -> &mut Log {
        &mut self.logs[usize::try_from(partition).unwrap()]
    }

    fn store(&mut self, range: &PlannedRange, items: &[Item], by: &Loader, began_at: Instant) {
        let offsets: Vec<i64> = items.iter().map(|item| item.offset).collect();
        if let Some(known) = self.tokens.get(&range.token()) {
            assert_eq!(*known, offsets, "a token stands for one set of rows");
            self.repeated += 1;
            return;
        }
        let log = self.log(range.partition);
        offsets.iter().for_each(|offset| log.stored[usize::try_from(*offset).unwrap()] += 1);
        log.whole += log.stored[log.whole..].iter().take_while(|times| **times > 0).count();
        let governed = !by.parting.load(Ordering::Relaxed) && !self.failed.contains(&range.token());
        self.inserts.push(Insert { by: by.id, began_at, governed });
        self.tokens.insert(range.token(), offsets);
    }

    fn commit(&mut self, partition: i32, next: i64, plan: Option<Plan>, by: u32) -> Result<(), Fault> {
        let log = self.log(partition);
        if log.owner != Some(by) {
            return Err(Fault::new(FENCED, "another has it"));
        }
        assert!(next >= log.committed.unwrap_or_default(), "an offset never goes back");
        assert!(usize::try_from(next).unwrap() <= log.whole, "{next} is committed, {} are stored", log.whole);
        (log.committed, log.plan) = (Some(next), plan);
        Ok(())
    }

    fn all_is_done(&self) -> bool {
        let done = |log: &Log| log.committed == Some(i64::try_from(ROWS).unwrap()) && log.plan.is_none();
        self.logs.iter().all(done)
    }
}

/// A row, which is counted as long as it is held.
struct Item {
    offset: i64,
    weight: usize,
    held: Arc<AtomicUsize>,
}

impl Drop for Item {
    fn drop(&mut self) {
        self.held.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

/// One life of a loader.
#[derive(Clone)]
struct Loader {
    id: u32,
    world: Shared,
    signals: mpsc::UnboundedSender<Signal>,
    room: Arc<Semaphore>,
    /// What it is to read: the next offset of each partition, and the last one of its plan.
    reads: Arc<Mutex<BTreeMap<i32, (i64, i64)>>>,
    held: Arc<AtomicUsize>,
    /// Bytes of planned messages, which wait for no room.
    unpaid: Arc<AtomicUsize>,
    parting: Arc<AtomicBool>,
    killed: CancellationToken,
    shutdown: CancellationToken,
}

impl Loader {
    fn start(id: u32, world: &Shared) -> Self {
        let (signals, receiver) = mpsc::unbounded_channel();
        let loader = Self {
            id,
            world: Arc::clone(world),
            signals,
            room: Arc::new(Semaphore::new(ROOM)),
            reads: Arc::default(),
            held: Arc::default(),
            unpaid: Arc::default(),
            parting: Arc::default(),
            killed: CancellationToken::new(),
            shutdown: CancellationToken::new(),
        };
        let lane = Lane {
            name: "crowd",
            source: Reading { signals: receiver, loader: loader.clone() },
            step: loader.clone(),
            sift: (),
            sink: loader.clone(),
            dead: loader.clone(),
            books: Unbooked,
            work: Work {
                pace: Pace::new(Strategy::Adaptive, BATCH, BATCH.rows),
                per_second: PER_SECOND as f64,
                breaker_pause: Duration::from_secs(2),
            },
            grace: GRACE,
            health: Health::default(),
        };
        tokio::spawn(lane.run(loader.shutdown.clone()));
        tokio::spawn(loader.clone().read());
        loader
    }

    /// The process's own life ends here if it was killed meanwhile.
    async fn alive(&self) {
        if self.killed.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    async fn pause(&self, ms: std::ops::Range<u64>) {
        let pause = self.world.lock().unwrap().dice.within(ms);
        tokio::time::sleep(pause).await;
    }

    /// Hands messages on, one partition after the other, as there is room.
    async fn read(self) {
        let mut last = 0;
        while !self.killed.is_cancelled() {
            if !self.hand_on(&mut last) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    fn hand_on(&self, last: &mut i32) -> bool {
        let mut reads = self.reads.lock().unwrap();
        let open = |(partition, (next, planned)): (&i32, &mut (i64, i64))| {
            let unread = *next < i64::try_from(ROWS).unwrap();
            unread.then_some((*partition, *next, *next <= *planned))
        };
        let after = reads.range_mut(*last + 1..).find_map(open);
        let Some((partition, offset, planned)) = after.or_else(|| reads.iter_mut().find_map(open)) else {
            return false;
        };
        *last = partition;
        let message = message(partition, offset);
        let weight = u32::try_from(message.weight()).unwrap();
        let room = match Arc::clone(&self.room).try_acquire_many_owned(weight) {
            Ok(room) => room,
            Err(_) if planned => {
                self.unpaid.fetch_add(message.weight(), Ordering::Relaxed);
                Arc::clone(&self.room).try_acquire_many_owned(0).unwrap()
            }
            Err(_) => return false,
        };
        reads.get_mut(&partition).unwrap().0 += 1;
        self.signals.send(Signal::Messages(vec![(message, room)])).is_ok()
    }

    fn assign(&self, partitions: &[i32]) {
        let starts = partitions.iter().map(|partition| {
            let mut world = self.world.lock().unwrap();
            let log = world.log(*partition);
            log.owner = Some(self.id);
            let read = (log.committed.unwrap_or_default(), log.plan.map_or(-1, |plan| plan.last));
            self.reads.lock().unwrap().insert(*partition, read);
            Start { partition: *partition, committed: log.committed, plan: log.plan }
        });
        let starts: Vec<Start> = starts.collect();
        let _ended = self.signals.send(Signal::Assigned(starts));
    }

    /// Takes partitions away, and waits until it has let them go.
    async fn revoke(&self, partitions: Vec<i32>) {
        self.parting.store(true, Ordering::Relaxed);
        self.reads.lock().unwrap().retain(|partition, _| !partitions.contains(partition));
        let (done, gone) = oneshot::channel();
        if self.signals.send(Signal::Revoked(partitions, done)).is_ok() {
            gone.await.expect("the lane goes on");
        }
        self.parting.store(false, Ordering::Relaxed);
    }
}

fn message(partition: i32, offset: i64) -> Message {
    let length = Dice(u64::from(partition.unsigned_abs()) << 32 | offset.unsigned_abs()).throw(400);
    Message {
        topic: "t".into(),
        partition,
        offset,
        timestamp_ms: 1_000 + offset,
        key: None,
        payload: vec![b'a'; usize::try_from(length).unwrap()],
        headers: Headers::new(),
    }
}

struct Reading {
    signals: mpsc::UnboundedReceiver<Signal>,
    loader: Loader,
}

impl Source for Reading {
    type Commits = Loader;
    fn topic(&self) -> Arc<str> {
        "t".into()
    }
    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }
    fn commits(&self) -> Loader {
        self.loader.clone()
    }
}

impl Commits for Loader {
    async fn commit(&self, partition: i32, next: i64, plan: Option<Plan>) -> Result<(), Fault> {
        self.pause(1..10).await;
        self.alive().await;
        let committed = self.world.lock().unwrap().commit(partition, next, plan, self.id);
        self.pause(1..10).await;
        self.alive().await;
        committed
    }
}

impl Step for Loader {
    type Out = Item;
    fn step(&self, message: &Message) -> Verdict<Item> {
        let weight = message.weight();
        let held = self.held.fetch_add(weight, Ordering::Relaxed) + weight;
        let bound = ROOM + self.unpaid.load(Ordering::Relaxed);
        let mut world = self.world.lock().unwrap();
        world.beyond = world.beyond.max(held.saturating_sub(bound));
        Verdict::Keep(Item { offset: message.offset, weight, held: Arc::clone(&self.held) })
    }
}

impl Sink<Item> for Loader {
    async fn write(&self, range: &PlannedRange, items: &[Item]) -> Result<(), WriteError> {
        let began_at = Instant::now();
        let away = || Fault::new("away", "the dice say so").into();
        self.pause(5..300).await;
        let luck = self.world.lock().unwrap().dice.throw(40);
        if luck == 0 {
            self.world.lock().unwrap().failed.insert(range.token());
            return Err(away());
        }
        // What was sent before the kill may have arrived, or not.
        if luck.is_multiple_of(2) {
            self.alive().await;
        }
        self.world.lock().unwrap().store(range, items, self, began_at);
        self.pause(1..50).await;
        self.alive().await;
        if luck == 1 { Err(away()) } else { Ok(()) }
    }
}

impl Bury for Loader {
    async fn bury(&self, dead: &[(&Message, &Refusal)]) -> Result<(), Fault> {
        panic!("nothing was refused, and {} messages are buried", dead.len())
    }
}

/// The group, and who is in it.
struct Group {
    world: Shared,
    members: BTreeMap<u32, Loader>,
    next: u32,
}

impl Group {
    fn join(&mut self) {
        self.next += 1;
        self.members.insert(self.next, Loader::start(self.next, &self.world));
    }

    /// Gives each member its share; whoever has more than that lets go first.
    async fn share_out(&self) {
        let ids: Vec<u32> = self.members.keys().copied().collect();
        let mut moving: BTreeMap<u32, Vec<i32>> = BTreeMap::new();
        for (partition, id) in (0..PARTITIONS).zip(ids.iter().cycle()) {
            let owner = self.world.lock().unwrap().log(partition).owner;
            if owner == Some(*id) {
                continue;
            }
            moving.entry(*id).or_default().push(partition);
        }
        let losing = |owner: u32| -> Vec<i32> {
            let mut world = self.world.lock().unwrap();
            moving
                .values()
                .flatten()
                .copied()
                .filter(|partition| world.log(*partition).owner == Some(owner))
                .collect()
        };
        let revoked = self.members.values().map(|member| member.revoke(losing(member.id)));
        futures::future::join_all(revoked).await;
        moving.iter().for_each(|(id, partitions)| self.members[id].assign(partitions));
    }

    async fn disturb(&mut self) {
        let (what, whom) = {
            let dice = &mut self.world.lock().unwrap().dice;
            (dice.throw(3), dice.throw(self.members.len() as u64))
        };
        let id = *self.members.keys().nth(usize::try_from(whom).unwrap()).unwrap();
        match what {
            0 if self.members.len() < LOADERS as usize => self.join(),
            1 => {
                let member = self.members.remove(&id).unwrap();
                let all: Vec<i32> = member.reads.lock().unwrap().keys().copied().collect();
                member.revoke(all).await;
                member.shutdown.cancel();
                member.killed.cancel();
                self.join();
            }
            _ => {
                self.members.remove(&id).unwrap().killed.cancel();
                self.join();
                tokio::time::sleep(SESSION).await;
            }
        }
        self.share_out().await;
    }
}

/// The inserts of one loader that wait for their turns are spaced as the governor spaces them, but for the time that a
/// commit takes.
fn assert_governed(inserts: &[Insert], by: u32) -> usize {
    let own = inserts.iter().filter(|insert| insert.by == by && insert.governed);
    let mut starts: Vec<Instant> = own.map(|insert| insert.began_at).collect();
    starts.sort_unstable();
    for (place, start) in starts.iter().enumerate() {
        let second = starts[place..].iter().take_while(|other| **other < *start + Duration::from_secs(1));
        let count = second.count();
        assert!(count <= PER_SECOND + 1, "loader {by} made {count} inserts in a second");
    }
    starts.len()
}

async fn crowd(seed: u64) {
    let logs = (0..PARTITIONS).map(|_| Log { stored: vec![0; ROWS], ..Log::default() }).collect();
    let world: Shared = Arc::new(Mutex::new(World {
        logs,
        tokens: HashMap::new(),
        inserts: Vec::new(),
        failed: HashSet::new(),
        repeated: 0,
        dice: Dice(seed),
        beyond: 0,
    }));
    let mut group = Group { world: Arc::clone(&world), members: BTreeMap::new(), next: 0 };
    (0..LOADERS).for_each(|_| group.join());
    group.share_out().await;
    for _ in 0..DISTURBANCES {
        let calm = world.lock().unwrap().dice.within(200..2_500);
        tokio::time::sleep(calm).await;
        group.disturb().await;
    }
    until("everything stored and committed", Duration::from_secs(3600), || {
        world.lock().unwrap().all_is_done()
    })
    .await;
    group.members.values().for_each(|member| member.killed.cancel());

    let world = world.lock().unwrap();
    for (partition, log) in world.logs.iter().enumerate() {
        assert!(log.stored.iter().all(|times| *times == 1), "partition {partition}: each row once");
    }
    assert_eq!(world.beyond, 0, "bytes held beyond the room");
    let governed: usize = (1..=group.next).map(|id| assert_governed(&world.inserts, id)).sum();
    assert!(governed > world.inserts.len() / 2, "most inserts are made in calm");
    assert!(world.repeated > 0, "some ranges were written twice, and known again");
}

#[tokio::test(start_paused = true)]
async fn eight_loaders_of_96_partitions_store_each_row_once_within_their_bounds_whoever_dies() {
    for seed in [1, 2] {
        crowd(seed).await;
    }
}
