//! A program that is started on a backlog, and what it and those beside it spend until the backlog is gone.
//!
//! All of it is counted, from the start of the process to the last fate: a program reads before it says that it is ready.
//! What a start costs by itself is known from starts on nothing, and taken off. Backlogs are in topics of their own, so that no
//! program has to read again what was read before it.

use super::ask::{self, Standing, failed};
use crate::{
    cpu::{self, mib},
    latency::us,
    rounds::{median_of, spread},
    site::{Program, Site},
};
use std::{ops::Range, time::Duration};
use tokio::time::{Instant, sleep};
use tracker_cli::{Failure, chaos::part::Part};

/// Time, and CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// How long it took.
    pub wall: Duration,
    /// CPU of the program.
    pub own: Duration,
    /// CPU of the broker.
    pub broker: Duration,
}

impl Spent {
    fn less(self, other: Self) -> Self {
        Self {
            wall: self.wall.saturating_sub(other.wall),
            own: self.own.saturating_sub(other.own),
            broker: self.broker.saturating_sub(other.broker),
        }
    }
}

/// What a program is like that has nothing to do. By default nothing is known of it, and nothing taken off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Idle {
    spent: Spent,
    /// MiB that it holds.
    pub held: f64,
}

/// What a drain has cost.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Messages that were given their fate in it.
    pub rows: f64,
    /// Beyond what the start costs.
    pub spent: Spent,
    seen: Vec<Seen>,
}

/// A look at a program.
#[derive(Debug, Clone, Copy)]
struct Seen {
    settled: f64,
    /// MiB; without the ids that it remembers, of which there are the more the more it has read, up to their bound.
    held: f64,
    ids: f64,
}

impl Drained {
    /// The program's CPU time for a message, microseconds.
    pub fn us_a_row(&self) -> f64 {
        us(self.spent.own) / self.rows.max(1.0)
    }

    /// The broker's.
    pub fn broker_us(&self) -> f64 {
        us(self.spent.broker) / self.rows.max(1.0)
    }

    /// Messages for a second of one core of the program.
    pub fn a_core_second(&self) -> f64 {
        self.rows / self.spent.own.as_secs_f64()
    }

    /// Messages a second.
    pub fn rate(&self) -> f64 {
        self.rows / self.spent.wall.as_secs_f64()
    }

    /// The most that the program held, MiB.
    pub fn most(&self) -> f64 {
        self.seen.iter().map(|seen| seen.held + seen.ids).fold(0.0, f64::max)
    }

    /// What it usually held while it was at this part of the backlog, MiB; without the ids that it remembers. `None`: it was
    /// over before anybody looked.
    pub fn held(&self, part: Range<f64>) -> Option<f64> {
        let here = |seen: &&Seen| part.contains(&(seen.settled / self.rows));
        let held: Vec<_> = self.seen.iter().filter(here).map(|seen| seen.held).collect();
        spread(&held).map(|held| held.median)
    }
}

/// Who drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drainer {
    part: Part,
    lane: &'static str,
}

/// `tracker-enrich`.
pub const ENRICH: Drainer = Drainer { part: Part::Enrich, lane: "enrich" };
/// `tracker-load`, its lane of events.
pub const LOAD: Drainer = Drainer { part: Part::Load, lane: "load.events" };
/// `tracker-payments`.
pub const PAYMENTS: Drainer = Drainer { part: Part::Payments, lane: "payments" };

/// How often it is looked at: the look itself costs the program a little.
const LOOK: Duration = Duration::from_millis(100);
/// How long a backlog may take: so long, and as long as a slow machine needs for its messages.
const PATIENCE: Duration = Duration::from_secs(60);
const SLOW: f64 = 8_000.0;

impl Idle {
    /// The usual of some starts on nothing.
    ///
    /// # Errors
    /// A program that does not come up.
    pub async fn of(site: &Site, by: Drainer, starts: usize) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for _ in 0..starts.max(1) {
            let before = broker(site).await?;
            let program = start(site, by).await?;
            let spent = spent(site, &program, (program.start, before)).await?;
            all.push(Self { spent, held: cpu::resident_mib(program.pid)? });
            program.stop().await;
        }
        let usual = |span: fn(&Spent) -> Duration| {
            Duration::from_secs_f64(median_of(&all, |one| span(&one.spent).as_secs_f64()))
        };
        let spent = Spent {
            wall: usual(|spent| spent.wall),
            own: usual(|spent| spent.own),
            broker: usual(|spent| spent.broker),
        };
        Ok(Self { spent, held: median_of(&all, |one| one.held) })
    }
}

/// Drains a backlog of so many messages.
///
/// # Errors
/// A program that does not come up, or does not come to an end.
pub async fn drain(site: &Site, by: Drainer, rows: u64, idle: Idle) -> Result<Drained, Failure> {
    let patience = PATIENCE + Duration::from_secs_f64(rows as f64 / SLOW);
    let (began, before) = (Instant::now(), broker(site).await?);
    let program = start(site, by).await?;
    let mut seen = Vec::new();
    loop {
        let Standing { settled, window } = ask::standing(program.port, by.lane).await?;
        let ids = mib(window as u64);
        seen.push(Seen { settled, held: cpu::resident_mib(program.pid)? - ids, ids });
        if settled >= rows as f64 {
            break;
        }
        if began.elapsed() > patience {
            let (lane, log) = (by.lane, program.log().display());
            let why =
                format!("{lane} has done {settled} of {rows} messages in {patience:?}; its log is {log}");
            return Err(failed(why));
        }
        sleep(LOOK).await;
    }
    let spent = spent(site, &program, (began.elapsed(), before)).await?.less(idle.spent);
    program.stop().await;
    Ok(Drained { rows: rows as f64, spent, seen })
}

async fn start(site: &Site, by: Drainer) -> Result<Program, Failure> {
    site.program(by.part, by.part.name(), "").await
}

async fn broker(site: &Site) -> Result<Duration, Failure> {
    cpu::used(site.ground.broker.lock().await.pid())
}

/// Of a process, all that it has used; of the broker, what it has used since.
async fn spent(
    site: &Site,
    program: &Program,
    (wall, before): (Duration, Duration),
) -> Result<Spent, Failure> {
    let broker = broker(site).await?.saturating_sub(before);
    Ok(Spent { wall, own: cpu::used(program.pid)?, broker })
}

/// CPU that a site's database has used so far.
///
/// # Errors
/// A database that is gone.
pub async fn of_database(site: &Site) -> Result<Duration, Failure> {
    match &site.ground.database {
        Some(database) => cpu::used(database.lock().await.pid()),
        None => Ok(Duration::ZERO),
    }
}

/// Waits until ClickHouse has merged for now what it wants to merge.
///
/// # Errors
/// A database that does not answer, or merges for ever.
pub async fn merged(site: &Site) -> Result<(), Failure> {
    const CALM: u32 = 8;
    const MERGES: Duration = Duration::from_secs(240);
    let (began, mut calm) = (Instant::now(), 0);
    while calm < CALM {
        if began.elapsed() > MERGES {
            return Err(failed("merges come to no end"));
        }
        sleep(LOOK * 2).await;
        let merging = ask::number(site, "SELECT count() FROM system.merges").await?;
        calm = if merging > 0.0 { 0 } else { calm + 1 };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(wall: u64, own: u64, broker: u64) -> Spent {
        let [wall, own, broker] = [wall, own, broker].map(Duration::from_millis);
        Spent { wall, own, broker }
    }

    #[test]
    fn what_a_start_costs_by_itself_is_taken_off() {
        assert_eq!(spent(900, 700, 50).less(spent(400, 200, 60)), spent(500, 500, 0));
        let drained = Drained { rows: 1_000.0, spent: spent(500, 20, 5), seen: Vec::new() };
        assert_eq!((drained.us_a_row(), drained.broker_us(), drained.rate()), (20.0, 5.0, 2_000.0));
    }

    #[test]
    fn what_is_held_is_told_by_parts_of_the_backlog_and_ids_count_for_the_bound() {
        let look = |settled, held, ids| Seen { settled, held, ids };
        let seen =
            vec![look(0.0, 10.0, 0.0), look(50.0, 60.0, 1.0), look(80.0, 70.0, 2.0), look(950.0, 66.0, 30.0)];
        let drained = Drained { rows: 1_000.0, spent: Spent::default(), seen };
        assert_eq!((drained.held(0.02..0.1), drained.held(0.9..1.1)), (Some(65.0), Some(66.0)));
        assert_eq!(drained.held(0.2..0.9), None);
        assert_eq!(drained.most(), 96.0);
    }
}
