//! How long after a request was due its row can be queried.

use super::ask::{self, ask, failed};
use crate::{
    bench::{Bench, Extent},
    latency::{Latencies, ms},
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, Target, run},
    rounds::{in_turns, median_of},
    sample,
    sheet::Sheet,
    site::{Program, Site},
};
use bytes::Bytes;
use http::{Request, request::Builder};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep},
};
use tracker_cli::{Failure, chaos::part::Part};
use uuid::Uuid;

const IDLE: &str = "fresh payments";
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

const LINES: [Line; 2] = [
    Line {
        name: IDLE,
        what: "from the request to a row that can be queried, payments, p99, nothing else to do",
        unit: "ms",
        goal: Goal::at_most(100.0),
    },
    Line {
        name: EVENTS,
        what: "the same, events, p99, at 2,000 a second",
        unit: "ms",
        goal: Goal::at_most(2_000.0),
    },
];

pub(super) fn group() -> Group {
    Group {
        name: "freshness",
        lines: &LINES,
        share: Share { full: 75, quick: 12 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One among many.
    Event,
    /// One by itself.
    Payment,
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let site = bench.beside("fresh", "").await?;
    let programs = start(&site, &Part::PROGRAMS).await?;
    let probe = Probe::of(&site, &programs)?;
    let (shots, extent) = (Shots::new_singles(), sheet.extent);
    let turn = async |kind| match kind {
        Kind::Payment => probe.watch(kind, probe_span(&extent)).await,
        Kind::Event => {
            let rows = ask::rows(&site).await?;
            let load = Extent { warming: Duration::ZERO, stretch: probe_span(&extent), ..extent };
            let (loaded, seen) = tokio::join!(
                run(probe.edge, &shots, CONNECTIONS, Pace::Rate(RATE), &load),
                probe.watch(kind, probe_span(&extent)),
            );
            let (loaded, seen) = (loaded?, seen?);
            // Then nothing is left to do beside the payments.
            ask::stored(&site, rows + loaded.all as f64 + seen.count() as f64).await?;
            Ok(seen)
        }
    };
    let [idle, live] = in_turns(sheet.rounds, [Kind::Payment, Kind::Event], turn).await?;
    for program in &programs {
        program.stop().await;
    }
    ask::forget(&site).await?;
    sheet.put(Measured::alone(IDLE, worst(&idle)).noted(usual(&idle)));
    sheet.put(Measured::alone(EVENTS, worst(&live)).noted(usual(&live)));
    Ok(())
}

/// How long payments or events are watched in one turn: twice as long as others are, for a p99 needs many.
pub fn probe_span(extent: &Extent) -> Duration {
    extent.stretch * 2
}

/// The p99 of each turn, milliseconds.
pub fn worst(turns: &[Latencies]) -> Vec<f64> {
    turns.iter().map(|took| ms(took.quantile(0.99))).collect()
}

/// The rest of it, for a note.
pub fn usual(turns: &[Latencies]) -> String {
    let of = |share| median_of(turns, |took| ms(took.quantile(share)));
    format!("p50 {:.1} ms, the longest {:.0} ms", of(0.5), of(1.0))
}

/// Programs of a site, the edge first.
///
/// # Errors
/// One that does not come up.
pub async fn start(site: &Site, parts: &[Part]) -> Result<Vec<Program>, Failure> {
    let mut programs = Vec::new();
    for part in parts {
        programs.push(site.program(*part, part.name(), "").await?);
    }
    Ok(programs)
}

/// Sends, and looks for the rows.
pub struct Probe<'a> {
    site: &'a Site,
    edge: Target,
    database: String,
    secret: String,
}

/// What was sent and has not been seen, and when it was due.
type Sent = Mutex<HashMap<String, Instant>>;

fn locked(sent: &Sent) -> MutexGuard<'_, HashMap<String, Instant>> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Probe<'a> {
    /// One that asks the first of these programs.
    ///
    /// # Errors
    /// No program; a key that cannot be made.
    pub fn of(site: &'a Site, programs: &[Program]) -> Result<Self, Failure> {
        let edge = programs.first().map(Program::target).ok_or_else(|| failed("no edge"))?;
        Ok(Self { site, edge, database: ask::database(site)?, secret: site.ground.secret.clone() })
    }

    /// Sends one after the other when it is due, whatever has become of those before it, and looks for their rows.
    ///
    /// # Errors
    /// One that is not accepted; a row that does not come.
    pub async fn watch(&self, kind: Kind, span: Duration) -> Result<Latencies, Failure> {
        let (sent, total) = (Sent::default(), (span.as_secs_f64() / EVERY.as_secs_f64()) as u64);
        let (sending, looked) = tokio::join!(self.send(kind, total, &sent), self.look(kind, total, &sent));
        sending.and(looked)
    }

    async fn send(&self, kind: Kind, total: u64, sent: &Sent) -> Result<(), Failure> {
        let (mut beat, mut asked) = (interval(EVERY), JoinSet::new());
        for number in 0..total {
            let due = beat.tick().await;
            let id = Uuid::now_v7().hyphenated().to_string();
            let (request, body) = self.request(kind, &id, number);
            locked(sent).insert(id, due);
            asked.spawn(ask(self.edge.port, request, body));
        }
        while let Some(answer) = asked.join_next().await {
            answer.map_err(failed)??;
        }
        Ok(())
    }

    async fn look(&self, kind: Kind, total: u64, sent: &Sent) -> Result<Latencies, Failure> {
        let mut took = Vec::new();
        while (took.len() as u64) < total {
            sleep(LOOK).await;
            let waiting: Vec<String> = locked(sent).keys().cloned().collect();
            let stored = self.stored(kind, &waiting).await?;
            let mut sent = locked(sent);
            took.extend(stored.iter().filter_map(|id| sent.remove(id)).map(|due| due.elapsed()));
            if sent.values().any(|due| due.elapsed() > PATIENCE) {
                return Err(failed("a row that was accepted does not come"));
            }
        }
        Ok(Latencies::of(took))
    }

    fn request(&self, kind: Kind, id: &str, number: u64) -> (Builder, Bytes) {
        let (path, body) = match kind {
            Kind::Event => ("/tr/v1/tr/", event(id, number)),
            Kind::Payment => {
                ("/tr/v1/ltv/", json!({ "id": id, "uid": id, "revenue": "19.90", "currency": "EUR" }))
            }
        };
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.secret))
            .header("x-forwarded-for", sample::address(number));
        (request, Bytes::from(body.to_string()))
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
