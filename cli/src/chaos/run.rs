//! One run: start, load and blows together, settle, judge.

use super::{
    Ear,
    lab::{Lab, LabOptions},
    load::{Extent, Load},
    part::Part,
    plan::{self, Blow, Wishes},
    report::Report,
    stage::Stage,
    strike::Deed,
};
use crate::{Failure, send::pace::Rate};
use futures::{StreamExt, TryFutureExt, stream::FuturesUnordered};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tokio::time::sleep;
use tracker_schemas::Topic;
use tracker_stream::{
    clock,
    config::Size,
    envelope::Headers,
    kafka::{Outgoing, Producer, ProducerOptions},
    telemetry::Health,
};

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Course {
    /// Decides load and blows.
    pub seed: u64,
    /// Where its files go.
    pub folder: PathBuf,
    /// Where the broker and the database have been fetched to.
    pub cache: PathBuf,
    /// How much is sent.
    pub extent: Extent,
    /// How fast.
    pub rate: Option<Rate>,
    /// `kill -9`s.
    pub kills: usize,
    /// Other blows.
    pub others: usize,
    /// What they fall on.
    pub parts: Vec<Part>,
    /// Settings over the lab's own: TOML.
    pub settings: String,
}

impl Course {
    /// A hundred thousand events, a dozen kills.
    #[must_use]
    pub fn new(seed: u64, folder: PathBuf, cache: PathBuf) -> Self {
        Self {
            seed,
            folder,
            cache,
            extent: Extent::Events(100_000),
            rate: None,
            kills: 12,
            others: 6,
            parts: Part::ALL.to_vec(),
            settings: String::new(),
        }
    }

    pub(super) fn lab(&self) -> LabOptions {
        LabOptions { folder: self.folder.clone(), cache: self.cache.clone(), settings: self.settings.clone() }
    }
}

/// How often the load is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Does all of it.
///
/// # Errors
/// A machine on which it cannot run. What is lost or doubled is no error here: the report says it.
pub async fn run(course: &Course, hear: &Ear) -> Result<Report, Failure> {
    let stage = Stage::set(course, hear).await?;
    let wishes =
        Wishes { seed: course.seed, kills: course.kills, others: course.others, parts: course.parts.clone() };
    let load = stage.load(course.extent, course.rate)?;
    let sending = stage.send(&load);
    let plan = plan::draw(&wishes);
    let (struck, unread) = tokio::join!(strike(&stage.lab, &load, plan, hear), unreadable(&stage.lab, &load));
    let (kills, blows) = struck?;
    unread?;
    let sent = sending.end().await?;
    let mut report = stage.judge(&load, sent).await?;
    (report.kills, report.blows) = (kills, blows);
    Ok(report)
}

/// Deals every blow at its moment; kills by part, and how many others.
async fn strike(
    lab: &Lab,
    load: &Load,
    plan: Vec<Blow>,
    hear: &Ear,
) -> Result<(BTreeMap<Part, u64>, u64), Failure> {
    let mut under_way = FuturesUnordered::new();
    let (mut kills, mut others) = (BTreeMap::new(), 0);
    for Blow { at, strike } in plan {
        while load.progress() < at {
            tokio::select! {
                Some(killed) = under_way.next() => count(killed?, &mut kills),
                () = sleep(LOOK) => {}
            }
        }
        hear(format!("{:>3.0} %  {strike}", at * 100.0));
        if !matches!(strike.deed, Deed::Kill | Deed::KillInInsert) {
            others += 1;
        }
        under_way.push(strike.deal(lab).map_ok(move |killed| killed.then_some(strike.part)));
    }
    while let Some(killed) = under_way.next().await {
        count(killed?, &mut kills);
    }
    Ok((kills, others))
}

fn count(killed: Option<Part>, kills: &mut BTreeMap<Part, u64>) {
    if let Some(part) = killed {
        *kills.entry(part).or_default() += 1;
    }
}

/// When messages that nobody can read are put on the topic of events.
const UNREADABLE: [f64; 3] = [0.1, 0.5, 0.9];

/// Puts messages on the topic of events that are none, as a broken producer would: each has to be a dead letter.
async fn unreadable(lab: &Lab, load: &Load) -> Result<(), Failure> {
    let kafka = lab.settings.kafka()?;
    let options = ProducerOptions {
        name: "chaos",
        linger: Duration::ZERO,
        timeout: Duration::from_secs(5),
        buffer: Size(1 << 20),
    };
    let producer = Producer::start(&kafka, &options, &Health::default())?;
    for (at, round) in UNREADABLE.into_iter().zip(1..) {
        while load.progress() < at {
            sleep(LOOK).await;
        }
        for number in 1..=3 {
            let key = format!("unreadable-{round}-{number}");
            let message = || Outgoing {
                topic: kafka.topic(Topic::Events.name()),
                key: key.clone().into_bytes(),
                payload: format!("no event, {key}").into_bytes(),
                headers: Headers::new(),
                timestamp_ms: clock::now_ms(),
            };
            while producer.send(vec![message()]).await.iter().any(Result::is_err) {
                sleep(LOOK).await;
            }
            load.with(|accounts| accounts.unreadable.insert(key));
        }
    }
    Ok(())
}
