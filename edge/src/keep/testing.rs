//! A broker that does what a test tells it, and a spool in a folder of its own.

use super::{Fallback, Keep, Kept, Way};
use crate::{
    config::SpoolConfig,
    spool::{Kind, Lane, Marks, Spool},
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tracker_stream::{
    envelope::Headers,
    fault::Fault,
    kafka::{MESSAGE_BYTES, Outgoing},
};

/// What the broker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Taking,
    /// Answers nobody, and the client knows.
    Gone,
    /// Is there, and answers every message with this fault.
    Refusing(&'static str),
    /// Takes messages, and its answers are late.
    Silent,
}

#[derive(Clone)]
pub(crate) struct Fake {
    doing: Arc<Mutex<Doing>>,
    taken: Arc<Mutex<Vec<Outgoing>>>,
    tried: Arc<Mutex<usize>>,
}

impl Fake {
    pub(crate) fn new(doing: Doing) -> Self {
        Self { doing: Arc::new(Mutex::new(doing)), taken: Arc::default(), tried: Arc::default() }
    }

    pub(crate) fn does(&self, doing: Doing) {
        *self.doing.lock().unwrap() = doing;
    }

    /// The same broker's other topic: what it takes is in one order.
    pub(crate) fn beside(&self) -> Self {
        Self { doing: Arc::new(Mutex::new(*self.doing.lock().unwrap())), ..self.clone() }
    }

    /// The keys of what it has, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.taken.lock().unwrap().iter().map(|one| String::from_utf8_lossy(&one.key).into_owned()).collect()
    }

    /// How often it was asked.
    pub(crate) fn tried(&self) -> usize {
        *self.tried.lock().unwrap()
    }
}

impl Keep for Fake {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        *self.tried.lock().unwrap() += 1;
        let doing = *self.doing.lock().unwrap();
        let keep = |message: Outgoing| {
            if message.payload.len() >= MESSAGE_BYTES {
                return Err(Fault::new("too_large", "it is"));
            }
            match doing {
                Doing::Taking | Doing::Silent => {
                    self.taken.lock().unwrap().push(message);
                    Ok(Kept::Broker)
                }
                Doing::Gone => Err(Fault::new("unacknowledged", "nobody answers")),
                Doing::Refusing(tag) => Err(Fault::new(tag, "no")),
            }
        };
        let verdicts = messages.iter().cloned().map(keep).collect();
        if doing == Doing::Silent {
            std::future::pending::<()>().await;
        }
        verdicts
    }

    fn queued(&self) -> usize {
        0
    }

    fn is_up(&self) -> bool {
        *self.doing.lock().unwrap() != Doing::Gone
    }
}

/// A small spool.
pub(crate) fn config(path: &Path) -> SpoolConfig {
    let marks = Marks { high: 1 << 20, low: 1 << 19 };
    SpoolConfig {
        path: path.to_owned(),
        after: Duration::from_millis(50),
        events: marks,
        agreements: marks,
        payments: marks,
        segment: 64 << 10,
        drain_rate: 1_000_000,
    }
}

pub(crate) fn topic(kind: Kind) -> Arc<str> {
    Arc::from(kind.name())
}

/// Opens a spool; one whose thread is just ending is waited for.
pub(crate) async fn open(path: &Path) -> Spool {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Spool::open(&config(path), topic) {
            Ok(spool) => return spool,
            Err(fault) => assert!(Instant::now() < deadline && fault.tag == "spool_in_use", "{fault}"),
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) fn message(key: &str) -> Outgoing {
    Outgoing {
        topic: Arc::from("t"),
        key: key.as_bytes().to_vec(),
        payload: vec![b'x'; 100],
        headers: Headers::new(),
        timestamp_ms: 1,
    }
}

pub(crate) fn fallback(broker: &Fake, lane: Option<&Lane>) -> Fallback<Fake> {
    let way = Arc::new(Way::new("events"));
    Fallback { broker: broker.clone(), way, lane: lane.cloned(), patience: Duration::from_millis(50) }
}
