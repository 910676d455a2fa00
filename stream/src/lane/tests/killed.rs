//! A lane that is killed, over a model of the world: a topic, a group's offset with its metadata, a store that knows the
//! names of its inserts as ClickHouse does, dead letters, and books.
//!
//! The state of a lane that survives it is the world's, so it is enough to kill it around every call into the world: before
//! the call has its effect, in its middle, and after it. Each life gathers batches of its own size: nothing but the plan
//! makes two lives agree on a range.

use super::{work, *};
use crate::{
    books::{Page, Tally},
    envelope::Headers,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};
use tokio::sync::Semaphore;

/// What goes wrong with one call into the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The process dies before the call has an effect.
    DiesBefore,
    /// It dies when an insert has stored the rows of one month and not those of the other; else as before.
    DiesWithin,
    /// It dies when the call has had its effect.
    DiesAfter,
    /// The call fails, and had no effect.
    FailsBefore,
    /// The call fails, and had its effect all the same.
    FailsAfter,
}

/// Everything outside of the process.
#[derive(Default)]
struct Outside {
    topic: BTreeMap<i64, u8>,
    committed: Option<i64>,
    plan: Option<Plan>,
    /// The parts of the store by the insert's token and the month.
    parts: BTreeMap<(String, i64), Vec<i64>>,
    dead: BTreeSet<i64>,
    pages: BTreeMap<String, Tally>,
    /// Calls until trouble, and which; of this life.
    trouble: Option<(usize, Trouble)>,
    calls: usize,
    dies: bool,
}

type World = Arc<Mutex<Outside>>;

/// Rows of a batch may belong to two months, which ClickHouse stores one after the other.
const MONTHS: i64 = 2;

impl Outside {
    fn all_is_committed(&self) -> bool {
        self.plan.is_none() && self.committed == self.topic.keys().last().map(|last| last + 1)
    }

    /// The rows that are stored, each as often as it is.
    fn stored(&self) -> Vec<i64> {
        let mut stored: Vec<i64> = self.parts.values().flatten().copied().collect();
        stored.sort_unstable();
        stored
    }

    fn with(&self, payload: impl Fn(u8) -> bool) -> Vec<i64> {
        self.topic.iter().filter(|(_, byte)| payload(**byte)).map(|(offset, _)| *offset).collect()
    }
}

/// One call into the world: dies or fails as this life is meant to. `effect` is told how many months to store.
async fn call<T>(world: &World, effect: impl FnOnce(&mut Outside, i64) -> T) -> Result<T, Fault> {
    let away = || Err(Fault::new("away", "the test says so"));
    let (outcome, dies) = {
        let mut outside = world.lock().unwrap();
        outside.calls += 1;
        let calls = outside.calls;
        let trouble = outside.trouble.filter(|(at, _)| *at == calls).map(|(_, trouble)| trouble);
        let outcome = match trouble {
            None => Ok(effect(&mut outside, MONTHS)),
            Some(Trouble::DiesBefore | Trouble::FailsBefore) => away(),
            Some(Trouble::DiesWithin) => {
                effect(&mut outside, 1);
                away()
            }
            Some(Trouble::DiesAfter | Trouble::FailsAfter) => {
                effect(&mut outside, MONTHS);
                away()
            }
        };
        let dies =
            trouble.is_some_and(|trouble| !matches!(trouble, Trouble::FailsBefore | Trouble::FailsAfter));
        outside.dies |= dies;
        (outcome, dies)
    };
    if dies {
        std::future::pending::<()>().await;
    }
    tokio::task::yield_now().await;
    outcome
}

struct Topic {
    signals: mpsc::UnboundedReceiver<Signal>,
    world: World,
}

impl Source for Topic {
    type Commits = Group;
    fn topic(&self) -> Arc<str> {
        "t".into()
    }
    async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }
    fn commits(&self) -> Group {
        Group(Arc::clone(&self.world))
    }
}

#[derive(Clone)]
struct Group(World);

impl Commits for Group {
    async fn commit(&self, _: i32, next: i64, plan: Option<Plan>) -> Result<(), Fault> {
        call(&self.0, |outside, _| {
            outside.committed = Some(next);
            outside.plan = plan;
        })
        .await
    }
}

/// `d` is dropped, `r` refused, by the step; `x` is refused by the store, `s` is sifted.
struct ByByte;

impl Step for ByByte {
    type Out = (i64, u8);
    fn step(&self, message: &Message) -> Verdict<(i64, u8)> {
        match message.payload[0] {
            b'd' => Verdict::Drop("rule"),
            b'r' => Verdict::Refuse(Refusal::new("malformed", "the test says so")),
            byte => Verdict::Keep((message.offset, byte)),
        }
    }
}

struct Store(World);

impl Sink<(i64, u8)> for Store {
    async fn write(&self, range: &PlannedRange, items: &[(i64, u8)]) -> Result<(), WriteError> {
        let refused = call(&self.0, |outside, months| {
            if items.iter().any(|(_, byte)| *byte == b'x') {
                return Err(Refusal::new("refused_row", "an x"));
            }
            for month in 0..months {
                let rows: Vec<i64> = items
                    .iter()
                    .map(|(offset, _)| *offset)
                    .filter(|offset| offset % MONTHS == month)
                    .collect();
                // A part whose token is known is not stored again, whatever is in it.
                outside.parts.entry((range.token(), month)).or_insert(rows);
            }
            Ok(())
        })
        .await?;
        Ok(refused?)
    }
}

struct Sieve(World);

impl Sift<(i64, u8)> for Sieve {
    type Turn = ();
    async fn turn(&self) {}
    async fn sift(&self, _: &PlannedRange, items: &[(i64, u8)]) -> Result<Vec<Option<&'static str>>, Fault> {
        call(&self.0, |_, _| items.iter().map(|(_, byte)| (*byte == b's').then_some("duplicate")).collect())
            .await
    }
}

struct Graveyard(World);

impl Bury for Graveyard {
    async fn bury(&self, dead: &[(&Message, &Refusal)]) -> Result<(), Fault> {
        call(&self.0, |outside, _| outside.dead.extend(dead.iter().map(|(message, _)| message.offset))).await
    }
}

struct Accounts(World);

impl Books for Accounts {
    async fn note(&self, page: &Page) -> Result<(), Fault> {
        call(&self.0, |outside, _| drop(outside.pages.insert(page.name(), page.tally.clone()))).await
    }
}

/// One life of the process; it ends when all is committed, or by its trouble.
fn live(world: &World, rows: usize, trouble: Option<(usize, Trouble)>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (signals, receiver) = mpsc::unbounded_channel();
    {
        let mut outside = world.lock().unwrap();
        (outside.trouble, outside.calls, outside.dies) = (trouble, 0, false);
        let Outside { committed, plan, .. } = *outside;
        signals.send(Signal::Assigned(vec![Start { partition: 0, committed, plan }])).unwrap();
        let budget = Arc::new(Semaphore::new(1));
        for (offset, payload) in outside.topic.range(committed.unwrap_or_default()..) {
            let message = Message {
                topic: "t".into(),
                partition: 0,
                offset: *offset,
                timestamp_ms: 60_000 + offset,
                key: None,
                payload: vec![*payload],
                headers: Headers::new(),
            };
            let room = Arc::clone(&budget).try_acquire_many_owned(0).unwrap();
            signals.send(Signal::Messages(vec![(message, room)])).unwrap();
        }
    }
    let lane = Lane {
        name: "test",
        source: Topic { signals: receiver, world: Arc::clone(world) },
        step: ByByte,
        sift: Sieve(Arc::clone(world)),
        sink: Store(Arc::clone(world)),
        dead: Graveyard(Arc::clone(world)),
        books: Accounts(Arc::clone(world)),
        work: work(limits(rows)),
        grace: GRACE,
        health: Health::default(),
    };
    runtime.block_on(async {
        tokio::spawn(lane.run(CancellationToken::new()));
        let ended = tokio::time::timeout(Duration::from_secs(3600), async {
            while !{ world.lock().unwrap().dies || world.lock().unwrap().all_is_committed() } {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        ended.await.expect("a life without end");
    });
    drop((runtime, signals)); // everything that it had in memory is gone
}

/// Everything has its fate once, whatever happened.
fn assert_exactly_once(world: &World) {
    let outside = world.lock().unwrap();
    assert_eq!(outside.stored(), outside.with(|byte| !b"drxs".contains(&byte)), "stored, each once");
    let dead: Vec<i64> = outside.dead.iter().copied().collect();
    assert_eq!(dead, outside.with(|byte| b"rx".contains(&byte)), "in the dead letters");
    let mut booked = Tally::default();
    outside.pages.values().for_each(|page| booked.merge(page));
    let mut wanted = Tally::default();
    for (offset, byte) in &outside.topic {
        let fate = match byte {
            b'd' => Fate::Dropped("rule"),
            b's' => Fate::Dropped("duplicate"),
            b'r' => Fate::Dead("malformed"),
            b'x' => Fate::Dead("refused_row"),
            _ => Fate::Delivered,
        };
        wanted.note(60_000 + offset, fate);
    }
    assert_eq!(booked, wanted, "the books close");
}

fn topic(payloads: &[u8], gaps: &[i64]) -> World {
    let mut offset = 0;
    let mut next = |gap: i64| {
        offset += gap;
        offset
    };
    let topic = payloads.iter().zip(gaps.iter().cycle()).map(|(byte, gap)| (next(*gap), *byte)).collect();
    Arc::new(Mutex::new(Outside { topic, ..Outside::default() }))
}

const TROUBLES: [Trouble; 5] =
    [Trouble::DiesBefore, Trouble::DiesWithin, Trouble::DiesAfter, Trouble::FailsBefore, Trouble::FailsAfter];

#[test]
fn a_process_that_dies_at_any_call_of_a_search_for_a_poisoned_row_stores_every_other_row_once() {
    let payloads = b"abcdexfghrijskxl";
    for trouble in TROUBLES {
        for at in 1.. {
            let world = topic(payloads, &[1, 1, 3]);
            live(&world, 16, Some((at, trouble)));
            let was_the_last = world.lock().unwrap().calls < at;
            live(&world, 5, None);
            assert_exactly_once(&world);
            if was_the_last {
                assert!(at > 20, "the search makes many calls");
                break;
            }
        }
    }
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    proptest::sample::select(&TROUBLES[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_stored_once_and_every_poisoned_one_is_buried_however_often_the_process_dies(
        payloads in proptest::collection::vec(proptest::sample::select(&b"aaaaaaaaabbbbbbdrxs"[..]), 1..60),
        gaps in proptest::collection::vec(1_i64..4, 1..7),
        lives in proptest::collection::vec((1_usize..20, 1_usize..40, any_trouble()), 0..12),
    ) {
        let world = topic(&payloads, &gaps);
        for (rows, at, trouble) in lives {
            live(&world, rows, Some((at, trouble)));
        }
        live(&world, 7, None);
        assert_exactly_once(&world);
        prop_assert!(world.lock().unwrap().all_is_committed());
    }
}
