//! A program that is started on a backlog, and what it and those beside it spend until the backlog is gone.

use super::ask::{self, failed};
use crate::{cpu, latency::us, rounds::spread, site::Site};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};

/// What a drain has cost.
#[derive(Debug, Clone, Copy)]
pub struct Drained {
    /// Messages that were given their fate in it.
    pub rows: f64,
    /// How long it took.
    pub wall: Duration,
    /// CPU of the program.
    pub own: Duration,
    /// CPU of the broker.
    pub broker: Duration,
    /// What the program held, usually, MiB.
    pub held: f64,
}

impl Drained {
    /// The program's CPU time for a message, microseconds.
    pub fn us_a_row(&self) -> f64 {
        us(self.own) / self.rows.max(1.0)
    }

    /// Messages for a second of one core of the program.
    pub fn a_core_second(&self) -> f64 {
        self.rows / self.own.as_secs_f64()
    }

    /// Messages a second.
    pub fn rate(&self) -> f64 {
        self.rows / self.wall.as_secs_f64()
    }
}

/// Who drains.
#[derive(Debug, Clone, Copy)]
pub struct Drainer {
    /// Which program.
    pub part: Part,
    /// Its lane.
    pub lane: &'static str,
    /// Settings over the site's.
    pub settings: &'static str,
}

/// `tracker-enrich`.
pub const ENRICH: Drainer = Drainer { part: Part::Enrich, lane: "enrich", settings: "" };
/// `tracker-load`, its lane of events.
pub const LOAD: Drainer = Drainer { part: Part::Load, lane: "load.events", settings: "" };

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a backlog may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Drains a backlog of so many messages. What was spent before the program was ready is not counted.
///
/// # Errors
/// A program that does not come up, or does not come to an end.
pub async fn drain(site: &Site, by: Drainer, rows: u64) -> Result<Drained, Failure> {
    let program = site.program(by.part, by.part.name(), by.settings).await?;
    let (began, before) = (Instant::now(), Spent::by(site, program.pid).await?);
    let first = ask::settled(program.port, by.lane).await?;
    let mut held = Vec::new();
    let mut settled = first;
    while settled < rows as f64 {
        if began.elapsed() > PATIENCE {
            return Err(failed(format!("{} has done {settled} of {rows} messages in {PATIENCE:?}", by.lane)));
        }
        sleep(LOOK).await;
        held.push(cpu::resident(program.pid)? as f64 / f64::from(1 << 20));
        settled = ask::settled(program.port, by.lane).await?;
    }
    let (wall, after) = (began.elapsed(), Spent::by(site, program.pid).await?);
    program.stop().await;
    let held = spread(&held).map_or(0.0, |held| held.median);
    Ok(Drained {
        rows: settled - first,
        wall,
        own: after.own.saturating_sub(before.own),
        broker: after.broker.saturating_sub(before.broker),
        held,
    })
}

struct Spent {
    own: Duration,
    broker: Duration,
}

impl Spent {
    async fn by(site: &Site, pid: u32) -> Result<Self, Failure> {
        let broker = cpu::used(site.broker.lock().await.pid())?;
        Ok(Self { own: cpu::used(pid)?, broker })
    }
}

/// CPU that a site's database has used so far.
///
/// # Errors
/// A database that is gone.
pub async fn of_database(site: &Site) -> Result<Duration, Failure> {
    match &site.database {
        Some(database) => cpu::used(database.lock().await.pid()),
        None => Ok(Duration::ZERO),
    }
}

/// Waits until ClickHouse has merged for now what it wants to merge.
///
/// # Errors
/// A database that does not answer, or merges for ever.
pub async fn merged(site: &Site) -> Result<(), Failure> {
    const CALM: u32 = 10;
    let (began, mut calm) = (Instant::now(), 0);
    while calm < CALM {
        if began.elapsed() > PATIENCE {
            return Err(failed("merges come to no end"));
        }
        sleep(LOOK * 4).await;
        let merging = ask::number(site, "SELECT count() FROM system.merges").await?;
        calm = if merging > 0.0 { 0 } else { calm + 1 };
    }
    Ok(())
}
