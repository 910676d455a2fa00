//! Courses with a name: one thing that goes wrong, for long, under a steady load.

mod away;
mod disk;
mod flood;
mod rebalance;
mod sigterm;

use super::{Ear, report::Report, run::Course};
use crate::Failure;
use std::time::Duration;

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// The broker is away for the span (5 minutes) at 500 events a second: every event is answered 200.
    BrokerAway,
    /// ClickHouse is away for the span (10 minutes) at 500 events a second: nothing is lost, the loader's memory stays bounded.
    ClickhouseAway,
    /// The broker is away for the span (20 s), and the disk of the spool is full: 503, no crash, nothing lost. With
    /// `--rate 2000/s` or more.
    FullDisk,
    /// A processor joins or leaves every 5 s, for the span (2 minutes).
    Rebalance,
    /// A flood of a tenth of the events, then a replay of all: how much slower are payments?
    PaymentsUnderFlood,
    /// Programs are told to end under load, one after the other, for the span (30 s): each ends with 0.
    Sigterm,
}

impl Scenario {
    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokerAway => "broker-away",
            Self::ClickhouseAway => "clickhouse-away",
            Self::FullDisk => "full-disk",
            Self::Rebalance => "rebalance",
            Self::PaymentsUnderFlood => "payments-under-flood",
            Self::Sigterm => "sigterm",
        }
    }

    /// How long it lasts unless told otherwise.
    #[must_use]
    pub const fn usual_span(self) -> Duration {
        Duration::from_secs(match self {
            Self::BrokerAway => 300,
            Self::ClickhouseAway => 600,
            Self::FullDisk => 20,
            Self::Rebalance => 120,
            Self::PaymentsUnderFlood | Self::Sigterm => 30,
        })
    }

    /// Plays it. Of the course, the seed, the rate and the settings count; for a flood, the number of events.
    ///
    /// # Errors
    /// As [`run`](super::run::run).
    pub async fn play(self, course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
        let mut report = match self {
            Self::BrokerAway => away::broker(course, span, hear).await?,
            Self::ClickhouseAway => away::clickhouse(course, span, hear).await?,
            Self::FullDisk => disk::play(course, span, hear).await?,
            Self::Rebalance => rebalance::play(course, span, hear).await?,
            Self::PaymentsUnderFlood => flood::play(course, span, hear).await?,
            Self::Sigterm => sigterm::play(course, span, hear).await?,
        };
        report.scenario = Some(self.name());
        Ok(report)
    }
}
