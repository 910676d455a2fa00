//! How long does a payment take from its request to its row: in quiet, in a flood of events, beside a replay?

use crate::{
    Failure,
    chaos::{
        Ear,
        count::count,
        load::{
            Extent, Load,
            client::{Client, Route},
            draw::Kind,
        },
        oracle,
        report::{Quantiles, Report},
        run::Course,
        stage::Stage,
    },
};
use std::{
    fs::File,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    process::Command,
    runtime::{Builder, Handle, Runtime},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracker_stack::leash;
use tracker_stream::{fault::Fault, process};

/// A payment is begun so often.
const EVERY: Duration = Duration::from_millis(100);
/// How often its row is looked for.
const LOOK: Duration = Duration::from_millis(4);
/// How long a row may take.
const LONGEST: Duration = Duration::from_secs(60);
/// What is not measured yet.
const WARM: Duration = Duration::from_secs(3);
/// By how much payments may become slower.
const FACTOR: f64 = 2.0;

/// Quiet, flooded, replaying: in one run.
pub(super) async fn play(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let Extent::Events(all) = course.extent else {
        return Err(Failure::Usage("a flood is as long as its events: give --events".to_owned()));
    };
    let stage = Stage::set(course, hear).await?;
    let load = stage.load_events(Extent::Events(all / 10))?;
    let prober = Prober { client: stage.client()?, stage: &stage, load: &load, next: AtomicU64::new(0) };
    prober.beside(sleep(WARM)).await?; // whatever is slow only once
    let (quiet, ()) = prober.beside(sleep(span)).await?;
    stage.say(format!("quiet: {quiet}"));
    let elsewhere = Elsewhere::new()?;
    let (flooded, sent) = prober.beside(stage.send_from(&elsewhere.handle, &load).end()).await?;
    let flood = sent?;
    stage.say(format!("in a flood of {} events, {:.1} s: {flooded}", all / 10, flood.as_secs_f64()));
    load.extend(Extent::Events(all));
    let sent = flood + stage.send_from(&elsewhere.handle, &load).end().await?;
    oracle::settle(&stage.lab, &load.accounts()).await?;
    let (replaying, replayed) = prober.beside(replay(&stage)).await?;
    let replay = replayed?;
    stage.say(format!("beside a replay of {all} events, {:.1} s: {replaying}", replay.as_secs_f64()));
    let mut report = stage.judge(&load, sent).await?;
    report.measure("flood_s", flood.as_secs_f64());
    report.measure("replay_s", replay.as_secs_f64());
    for (phase, times) in [("quiet", quiet), ("flooded", flooded), ("replaying", replaying)] {
        report.measure(format!("{phase}_p50_ms"), times.p50 as f64);
        report.measure(format!("{phase}_p99_ms"), times.p99 as f64);
        let factor = times.p99 as f64 / quiet.p99.max(1) as f64;
        report.require(factor < FACTOR, || format!("{phase}, payments are {factor:.1} times as slow"));
    }
    Ok(report)
}

/// Where a flood comes from. Its senders are other machines; here they share the processors with what is measured, so they
/// give way to it, and send as fast as they are let.
struct Elsewhere {
    handle: Handle,
    threads: Option<Runtime>,
}

impl Elsewhere {
    fn new() -> Result<Self, Failure> {
        let threads = Builder::new_multi_thread().on_thread_start(process::give_way).enable_all().build();
        let threads = threads.map_err(Failure::io("threads of the senders"))?;
        Ok(Self { handle: threads.handle().clone(), threads: Some(threads) })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background(); // to wait for them is forbidden where others wait
        }
    }
}

/// Replays all that `enriched` holds into a shadow, as a person would; how long it took.
async fn replay(stage: &Stage) -> Result<Duration, Failure> {
    let folder = &stage.lab.folder;
    let log = File::create(folder.join("replay.log")).map_err(Failure::io("replay.log"))?;
    let mut command = Command::new(leash::beside("tracker")?);
    command.env_clear().arg("--config").arg(folder.join("tracker.toml")).current_dir(folder);
    command.args(["replay", "--topic", "enriched", "--from", "start", "--into", "shadow"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    let began = Instant::now();
    let ended = command.status().await.map_err(Failure::io("tracker replay"))?;
    if ended.success() {
        return Ok(began.elapsed());
    }
    let detail = format!("tracker replay ended with {ended}; see {}", folder.join("replay.log").display());
    Err(Fault::new("replay_failed", detail).into())
}

/// Sends payments and looks for their rows.
struct Prober<'a> {
    client: Client,
    stage: &'a Stage,
    load: &'a Arc<Load>,
    next: AtomicU64,
}

impl Prober<'_> {
    /// Measures while something else goes on.
    async fn beside<T>(&self, other: impl Future<Output = T>) -> Result<(Quantiles, T), Failure> {
        let ended = CancellationToken::new();
        let watched = ended.clone();
        let other = async move {
            let outcome = other.await;
            ended.cancel();
            outcome
        };
        let measure = async {
            let mut times = Vec::new();
            while !watched.is_cancelled() {
                let due = Instant::now() + EVERY;
                times.push(self.one().await?);
                sleep_until(due).await;
            }
            Ok::<_, Failure>(Quantiles::of(times))
        };
        let (times, outcome) = tokio::join!(measure, other);
        Ok((times?, outcome))
    }

    /// From the request to the row, milliseconds.
    async fn one(&self) -> Result<u64, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = self.stage.draw.payment(Kind::Probe, number).to_string();
        let database = self.stage.lab.client()?;
        let id = self.stage.draw.id(Kind::Probe, number).to_string();
        let began = Instant::now();
        let verdict = self.client.one(Route::Payments, &body).await;
        self.load.with(|accounts| accounts.probes.note(number, verdict));
        let sql = "SELECT count() AS n FROM payments WHERE id = {id:UUID}";
        while began.elapsed() < LONGEST {
            if count(&database, sql, &[("id", &id)]).await.unwrap_or_default() > 0 {
                break;
            }
            sleep(LOOK).await;
        }
        Ok(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
