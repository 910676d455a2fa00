//! A lane of transactions that runs on the log in memory, and the test's hands on both.

use super::{
    super::{Scribe, TransactLane},
    log::{Disk, MemoryLog, Outcome, World},
};
use crate::{
    batch::Limits,
    books::Page,
    envelope::{Headers, Message, Verdict},
    fault::{Fault, Refusal},
    kafka::Outgoing,
    lane::{Signal, Step},
    telemetry::Health,
    testing::until,
};
use std::{
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub(super) const BUDGET: usize = 1 << 20;
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// A payload of `d` is dropped, of `r` refused, of `p` too much for the step, of `L` larger than a message may be.
pub(super) struct ByPayload(Arc<World>);

pub(super) fn outgoing(topic: &str, payload: Vec<u8>) -> Outgoing {
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
pub(super) struct Plain;

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
pub(super) struct Rig {
    pub(super) world: Arc<World>,
    pub(super) shutdown: CancellationToken,
    pub(super) health: Health,
    pub(super) task: JoinHandle<Result<(), Fault>>,
}

pub(super) fn rig(rows: usize, outcomes: &[Outcome]) -> Rig {
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
        step: ready(Ok(ByPayload(Arc::clone(&world)))),
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
    pub(super) fn send(&self, payloads: &str) {
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
    pub(super) async fn until(&self, wanted: impl Fn(&World) -> bool) {
        until("the world as it is wanted", Duration::from_secs(600), || wanted(&self.world)).await;
    }

    pub(super) async fn committed(&self, next: i64) {
        self.until(|world| world.disk().committed == Some(next)).await;
    }

    /// The payloads on a topic, in order.
    pub(super) fn on(&self, topic: &str) -> Vec<String> {
        let text = |one: &Outgoing| String::from_utf8(one.payload.clone()).unwrap();
        self.world.disk().written.iter().filter(|one| &*one.topic == topic).map(text).collect()
    }

    pub(super) fn revoke(&self) -> oneshot::Receiver<()> {
        let (done, released) = oneshot::channel();
        self.world.disk().orders.as_ref().unwrap().send(Signal::Revoked(vec![0], done)).unwrap();
        released
    }

    pub(super) async fn end(self) -> Result<(), Fault> {
        self.shutdown.cancel();
        let ended = self.task.await.unwrap();
        assert_eq!(self.world.budget.available_permits(), BUDGET, "all room is given back");
        ended
    }
}
