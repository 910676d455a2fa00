//! An HTTP load: connections that are kept, each of which waits for its answer before it asks again. Any other answer than
//! the one that is to be measured is a failure of the measurement.

use crate::{
    bench::Extent,
    cpu,
    latency::{Latencies, us},
    sample,
    wire::{Answer, Wire},
};
use futures::future::try_join_all;
use http::StatusCode;
use serde_json::Value;
use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Builder,
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until},
};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// What is asked, over and over.
#[derive(Debug, Clone)]
pub struct Shots {
    /// As they are sent.
    requests: Arc<[Vec<u8>]>,
    events: u64,
    answer: StatusCode,
}

/// Different requests of one kind: enough that no cache holds the answer, few enough to be made before.
const SINGLES: u64 = 2_048;
const BATCHES: u64 = 32;

impl Shots {
    /// One event a request.
    pub fn singles() -> Self {
        Self::of(1, (0..SINGLES).map(|number| sample::event(number).to_string()))
    }

    /// So many events a request.
    pub fn batches(events: u64) -> Self {
        Self::of(events, (0..BATCHES).map(|batch| sample::batch(batch * events, events)))
    }

    /// One event a request, without an id: each is given one by the edge, so the same request is never the same event.
    pub fn new_singles() -> Self {
        Self::of(1, (0..SINGLES).map(|number| sample::nameless(number).to_string()))
    }

    /// So many of those a request.
    pub fn new_batches(events: u64) -> Self {
        let batch =
            |batch: u64| Value::from_iter((batch * events..(batch + 1) * events).map(sample::nameless));
        Self::of(events, (0..BATCHES).map(|number| batch(number).to_string()))
    }

    /// The same, which are to be refused like this once the load is warm.
    pub fn refused(self, answer: StatusCode) -> Self {
        Self { answer, ..self }
    }

    fn of(events: u64, bodies: impl Iterator<Item = String>) -> Self {
        let requests = bodies.zip(0..).map(|(body, number)| request(&body, number).into_bytes());
        Self { requests: requests.collect(), events, answer: StatusCode::OK }
    }

    fn shot(&self, number: u64) -> Option<&[u8]> {
        let place = usize::try_from(number).unwrap_or(0) % self.requests.len().max(1);
        self.requests.get(place).map(Vec::as_slice)
    }
}

/// As a browser sends it, through a proxy.
fn request(body: &str, number: u64) -> String {
    format!(
        "POST /tr/v1/tr/ HTTP/1.1\r\n\
         host: shop.example.com\r\n\
         content-type: application/json\r\n\
         user-agent: {}\r\n\
         accept-language: de-CH,de;q=0.9,en;q=0.8\r\n\
         referer: https://shop.example.com/\r\n\
         origin: https://shop.example.com\r\n\
         x-forwarded-for: {}\r\n\
         content-length: {}\r\n\r\n{body}",
        sample::AGENT,
        sample::address(number),
        body.len()
    )
}

/// Who is asked: a port of this machine, and the process behind it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Where it listens.
    pub port: u16,
    /// Whose CPU counts.
    pub pid: u32,
}

/// A stretch of load.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// Events that were answered in it.
    pub events: u64,
    /// Events that were answered at all, while the load became warm among them.
    pub all: u64,
    /// How long it was.
    pub wall: Duration,
    /// What the server spent.
    pub cpu: Duration,
    /// How long its requests took.
    pub took: Latencies,
}

impl Stretch {
    /// The server's CPU time for an event, microseconds.
    pub fn us_an_event(&self) -> f64 {
        us(self.cpu) / (self.events as f64).max(1.0)
    }

    /// Events a second.
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.wall.as_secs_f64()
    }

    /// Events for a second of CPU.
    pub fn a_core_second(&self) -> f64 {
        self.events as f64 / self.cpu.as_secs_f64()
    }
}

/// How fast is asked.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As fast as answers come.
    Full,
    /// So many requests a second, all connections together.
    Rate(f64),
}

/// What all connections of a load share.
struct Shared {
    shots: Shots,
    next: AtomicU64,
    events: AtomicU64,
    measuring: AtomicBool,
    over: AtomicBool,
}

/// Loads a target, and measures a stretch of it when it is warm.
///
/// # Errors
/// A connection that breaks, an answer that is not 200.
pub async fn run(
    target: Target,
    shots: &Shots,
    connections: usize,
    pace: Pace,
    extent: &Extent,
) -> Result<Stretch, Failure> {
    let shared = Arc::new(Shared {
        shots: shots.clone(),
        next: AtomicU64::new(0),
        events: AtomicU64::new(0),
        measuring: AtomicBool::new(false),
        over: AtomicBool::new(false),
    });
    let extent = *extent;
    let loading = spawn_blocking(move || {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(load(target, connections, pace, extent, &shared))
    });
    loading.await.map_err(failed)?
}

/// The load by one thread, which is enough and leaves the server most of two cores. Whoever still asks when it has failed ends with
/// the thread's runtime.
async fn load(
    target: Target,
    connections: usize,
    pace: Pace,
    extent: Extent,
    shared: &Arc<Shared>,
) -> Result<Stretch, Failure> {
    // Many that connect at once wait for a second now and then, which is no part of the load.
    let wires = try_join_all((0..connections).map(|_| Wire::open(target.port))).await?;
    let start = Instant::now();
    let beat = |place| Beat::of(pace, start, place, connections);
    let asking = wires.into_iter().zip(0..).map(|(wire, place)| ask(wire, Arc::clone(shared), beat(place)));
    let asking = try_join_all(asking.map(tokio::spawn).map(|one| async { one.await.map_err(failed)? }));
    tokio::pin!(asking);
    let (events, wall, cpu) = tokio::select! {
        measured = stretch(target, shared, extent) => measured?,
        // Before its time: for an answer that is not the one to be measured.
        ended = &mut asking => return Err(ended.err().unwrap_or_else(|| failed("nothing to ask"))),
    };
    shared.over.store(true, Ordering::Relaxed);
    let took = asking.await?.concat();
    let all = shared.events.load(Ordering::Relaxed);
    Ok(Stretch { events, all, wall, cpu, took: Latencies::of(took) })
}

/// How many events were answered in the stretch, how long it was, and what the server spent.
async fn stretch(
    target: Target,
    shared: &Shared,
    extent: Extent,
) -> Result<(u64, Duration, Duration), Failure> {
    sleep(extent.warming).await;
    shared.measuring.store(true, Ordering::Relaxed);
    let (began, cpu, events) =
        (Instant::now(), cpu::used(target.pid)?, shared.events.load(Ordering::Relaxed));
    sleep(extent.stretch).await;
    let (wall, cpu) = (began.elapsed(), cpu::used(target.pid)?.saturating_sub(cpu));
    Ok((shared.events.load(Ordering::Relaxed) - events, wall, cpu))
}

/// When a connection's turns are, where there is a rate.
struct Beat {
    next: Instant,
    every: Option<Duration>,
}

impl Beat {
    fn of(pace: Pace, start: Instant, place: usize, connections: usize) -> Self {
        match pace {
            Pace::Full => Self { next: start, every: None },
            Pace::Rate(rate) => {
                let one = Duration::from_secs_f64(1.0 / rate.max(0.1));
                let next = start + one.mul_f64(place as f64);
                Self { next, every: Some(one.mul_f64(connections as f64)) }
            }
        }
    }

    /// Waits for the turn; from when on its answer is waited for. A turn that was missed, for the last answer had not come,
    /// is waited for from when it was due: a slow answer delays no question that others would have asked.
    async fn turn(&mut self) -> Instant {
        let now = Instant::now();
        let Some(every) = self.every else { return now };
        let due = self.next;
        self.next += every;
        if due <= now {
            return due;
        }
        sleep_until(due).await;
        Instant::now()
    }
}

/// One connection's questions; how long those took that were measured.
async fn ask(mut wire: Wire, shared: Arc<Shared>, mut beat: Beat) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    while !shared.over.load(Ordering::Relaxed) {
        let Some(shot) = shared.shots.shot(shared.next.fetch_add(1, Ordering::Relaxed)) else { break };
        let since = beat.turn().await;
        let Answer { status, body } = wire.ask(shot).await?;
        let is_measured = shared.measuring.load(Ordering::Relaxed);
        if !shared.shots.expects(status, body, is_measured) {
            let told = String::from_utf8_lossy(body.get(..body.len().min(200)).unwrap_or_default());
            return Err(failed(format!("the server answered {status}: {told}")));
        }
        shared.events.fetch_add(shared.shots.events, Ordering::Relaxed);
        if is_measured {
            took.push(since.elapsed());
        }
    }
    Ok(took)
}

impl Shots {
    /// Whether it is the answer that is waited for. What is to be refused may be taken while the load becomes warm.
    fn expects(&self, status: StatusCode, body: &[u8], is_measured: bool) -> bool {
        let is_taken = status == StatusCode::OK && is_whole(body);
        match self.answer {
            StatusCode::OK => is_taken,
            refused => status == refused || (is_taken && !is_measured),
        }
    }
}

/// Whether no event of a batch was refused.
fn is_whole(body: &[u8]) -> bool {
    body.is_empty() || body.ends_with(br#""rejected":[]}"#)
}

/// The status of a GET.
///
/// # Errors
/// Nobody who answers.
pub async fn get(port: u16, path: &str) -> Result<u16, Failure> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    Ok(Wire::open(port).await?.ask(request.as_bytes()).await?.status.as_u16())
}

fn failed(error: impl Display) -> Failure {
    Fault::new("load", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_which_something_was_refused_is_not_whole() {
        assert!(is_whole(b"") && is_whole(br#"{"accepted":2,"rejected":[]}"#));
        assert!(!is_whole(br#"{"accepted":1,"rejected":[{"index":0}]}"#));
    }

    #[test]
    fn what_is_to_be_refused_may_be_taken_until_the_load_is_warm() {
        let (ok, busy) = (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE);
        let (taken, refused) = (Shots::of(1, [].into_iter()), Shots::of(1, [].into_iter()).refused(busy));
        assert!(taken.expects(ok, b"", true) && !taken.expects(busy, b"", false));
        assert!(refused.expects(busy, b"{}", true) && refused.expects(ok, b"", false));
        assert!(!refused.expects(ok, b"", true) && !refused.expects(StatusCode::BAD_REQUEST, b"{}", false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_missed_is_waited_for_from_when_it_was_due() {
        let start = Instant::now();
        let mut beat = Beat::of(Pace::Rate(100.0), start, 1, 2);
        assert_eq!(beat.turn().await, start + Duration::from_millis(10));
        tokio::time::advance(Duration::from_millis(50)).await; // the answer took so long
        assert_eq!(beat.turn().await, start + Duration::from_millis(30));
    }

    #[test]
    fn a_cost_is_that_of_one_event() {
        let (wall, cpu) = (Duration::from_secs(2), Duration::from_secs(1));
        let stretch = Stretch { events: 50_000, all: 60_000, wall, cpu, took: Latencies::default() };
        assert_eq!(
            (stretch.us_an_event(), stretch.rate(), stretch.a_core_second()),
            (20.0, 25_000.0, 50_000.0)
        );
    }
}
