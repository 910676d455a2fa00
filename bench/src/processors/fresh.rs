//! How long after a request has begun its row can be queried.

use super::{
    ask::{self, ask, failed},
    backlog::{USUAL, fill},
    events,
};
use crate::{
    bench::{Bench, Extent},
    latency::{Latencies, ms},
    line::{Goal, Group, Line, Measured},
    load::{Pace, Shots, Target, run},
    sample,
    site::{Parts, Program, Site},
};
use bytes::Bytes;
use http::Request;
use serde_json::json;
use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracker_cli::{Failure, chaos::part::Part, keys};
use tracker_processors::clickhouse::ClickHouseConfig;
use tracker_stack::leash::{self, Leashed};
use uuid::Uuid;

const IDLE: &str = "fresh payments";
const REPLAYED: &str = "fresh payments, replay";
const EVENTS: &str = "fresh events";
/// Events a second beside the events that are watched.
const RATE: f64 = 2_000.0;
const CONNECTIONS: usize = 64;
/// Between two that are watched.
const EVERY: Duration = Duration::from_millis(25);
/// Between two looks into the table: what a figure is exact to.
const LOOK: Duration = Duration::from_millis(5);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);

const LINES: [Line; 3] = [
    Line {
        name: IDLE,
        what: "from the request to a row that can be queried, payments, p99, nothing else to do",
        unit: "ms",
        goal: Goal::at_most(100.0),
    },
    Line {
        name: REPLAYED,
        what: "the same while the topic of events is replayed into a shadow",
        unit: "ms",
        goal: Goal::at_most(250.0),
    },
    Line {
        name: EVENTS,
        what: "the same, events, p99, at 2,000 a second",
        unit: "ms",
        goal: Goal::at_most(2_000.0),
    },
];

pub(super) fn group() -> Group {
    Group { name: "freshness", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    Payment,
}

struct Probe<'a> {
    site: &'a Site,
    edge: Target,
    database: String,
    secret: String,
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let site = bench.another("fresh", Parts::BrokerAndDatabase).await?;
    let secret = keys::create(&site.folder.join("keys.toml"), &keys::Wanted::secret("probe"))?.secret;
    let mut programs: Vec<Program> = Vec::new();
    for part in Part::PROGRAMS {
        programs.push(site.program(part, part.name(), "").await?);
    }
    let edge = programs
        .first()
        .map(|edge| Target { port: edge.port, pid: edge.pid })
        .ok_or_else(|| failed("no edge"))?;
    let database = ClickHouseConfig::read(&site.settings)?.database;
    let probe = Probe { site: &site, edge, database, secret };
    let extent = bench.extent;
    let (mut idle, mut live) = (Vec::new(), Vec::new());
    for _ in 0..super::rounds(&extent) {
        idle.push(probe.watch(Kind::Payment, extent.stretch).await?);
        let shots = Shots::new_singles();
        let load = Extent { warming: extent.warming, stretch: extent.stretch, ..extent };
        let (loaded, seen) = tokio::join!(
            run(edge, &shots, CONNECTIONS, Pace::Rate(RATE), &load),
            probe.watch(Kind::Event, extent.stretch),
        );
        loaded?;
        live.push(seen?);
    }
    let replayed = under_replay(&probe, &extent).await?;
    for program in &programs {
        program.stop().await;
    }
    site.stop().await;
    let worst = |all: &[Latencies]| all.iter().map(|took| ms(took.quantile(0.99))).collect::<Vec<_>>();
    let usual = |all: &[Latencies]| all.last().map_or(0.0, |took| ms(took.quantile(0.5)));
    Ok(vec![
        Measured::alone(IDLE, worst(&idle)).noted(format!("p50 {:.1} ms", usual(&idle))),
        Measured::alone(REPLAYED, worst(&replayed)).noted(format!("p50 {:.1} ms", usual(&replayed))),
        Measured::alone(EVENTS, worst(&live)).noted(format!("p50 {:.0} ms", usual(&live))),
    ])
}

async fn under_replay(probe: &Probe<'_>, extent: &Extent) -> Result<Vec<Latencies>, Failure> {
    fill(probe.site, events(extent) * 5, USUAL).await?;
    let table = format!("SELECT count() FROM {}.events", probe.database);
    let mut rows = -1.0;
    while ask::number(probe.site, &table).await? > rows {
        rows = ask::number(probe.site, &table).await?;
        sleep(Duration::from_secs(3)).await;
    }
    let mut all = Vec::new();
    let _replay = replay(probe.site)?;
    for _ in 0..super::rounds(extent) {
        all.push(probe.watch(Kind::Payment, extent.stretch).await?);
    }
    Ok(all)
}

/// `tracker replay`, until it is dropped.
fn replay(site: &Site) -> Result<Leashed, Failure> {
    let own = std::env::current_exe().map_err(Failure::io("the bench"))?;
    let tracker = own.parent().unwrap_or(Path::new(".")).join("tracker");
    let folder = site.folder.join(Part::Load.name());
    let log = std::fs::File::create(folder.join("replay.log")).map_err(Failure::io("replay.log"))?;
    Ok(leash::spawn(&tracker, |command: &mut Command| {
        command.args(["replay", "--topic", "enriched", "--from", "start", "--into", "shadow", "--new"]);
        command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    })?)
}

impl Probe<'_> {
    /// Sends one after the other for a while, and looks for their rows.
    async fn watch(&self, kind: Kind, span: Duration) -> Result<Latencies, Failure> {
        let sent: Mutex<HashMap<String, Instant>> = Mutex::default();
        let total = (span.as_secs_f64() / EVERY.as_secs_f64()) as usize;
        let send = async {
            let mut beat = interval(EVERY);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0..total {
                beat.tick().await;
                let id = Uuid::now_v7().hyphenated().to_string();
                sent.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Instant::now());
                self.send(kind, &id, number as u64).await?;
            }
            Ok::<_, Failure>(())
        };
        let look = async {
            let mut took = Vec::new();
            while took.len() < total {
                sleep(LOOK).await;
                let waiting: Vec<String> =
                    sent.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
                let stored = self.stored(kind, &waiting).await?;
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                took.extend(stored.iter().filter_map(|id| sent.remove(id)).map(|since| since.elapsed()));
                if sent.values().any(|since| since.elapsed() > PATIENCE) {
                    return Err(failed("a row that was accepted does not come"));
                }
            }
            Ok(Latencies::of(took))
        };
        let (sending, looked) = tokio::join!(send, look);
        sending.and(looked)
    }

    async fn send(&self, kind: Kind, id: &str, number: u64) -> Result<(), Failure> {
        let (path, body) = match kind {
            Kind::Event => ("/tr/v1/tr/", event(id, number)),
            Kind::Payment => {
                ("/tr/v1/ltv/", json!({ "id": id, "uid": id, "revenue": "19.90", "currency": "EUR" }))
            }
        };
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.secret))
            .header("x-forwarded-for", sample::address(number));
        ask(self.edge.port, request, Bytes::from(body.to_string())).await.map(drop)
    }

    /// Which of these are in their table.
    async fn stored(&self, kind: Kind, ids: &[String]) -> Result<Vec<String>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (table, column) = match kind {
            Kind::Event => ("events", "eid"),
            Kind::Payment => ("payments", "id"),
        };
        let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
        let query =
            format!("SELECT toString({column}) FROM {}.{table} WHERE {column} IN ({list})", self.database);
        Ok(ask::sql(self.site, &query).await?.lines().map(str::to_owned).collect())
    }
}

fn event(id: &str, number: u64) -> serde_json::Value {
    let mut event = sample::event(number);
    if let Some(eid) = event.get_mut("eid") {
        *eid = json!(id);
    }
    event
}
