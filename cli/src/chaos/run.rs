//! One run: start, load and blows together, settle, judge.

use super::{
    Ear,
    lab::{Lab, LabOptions},
    load::{Extent, Load, client::Client, draw::Draw},
    oracle,
    part::Part,
    plan::{self, Blow, Wishes},
    report::{Report, Spans},
    strike::Deed,
};
use crate::{Failure, send::pace::Rate};
use futures::{StreamExt, TryFutureExt, stream::FuturesUnordered};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tracker_schemas::Topic;
use tracker_stream::{
    clock,
    config::Size,
    envelope::Headers,
    fault::Fault,
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

    fn lab(&self) -> LabOptions {
        LabOptions { folder: self.folder.clone(), cache: self.cache.clone(), settings: self.settings.clone() }
    }
}

/// How long a client tries: longer than anything stays away here.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often the load is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How often it is told how far it has come.
const TOLD: Duration = Duration::from_secs(5);

/// Does all of it.
///
/// # Errors
/// A machine on which it cannot run. What is lost or doubled is no error here: the report says it.
pub async fn run(course: &Course, hear: &Ear) -> Result<Report, Failure> {
    let began = Instant::now();
    hear(format!(
        "seed {}: starting a broker, a database and the programs in {}",
        course.seed,
        course.folder.display()
    ));
    let lab = Lab::start(course.lab()).await?;
    let draw = Draw::new(course.seed, clock::now_ms());
    let client = Client::new(lab.url(Part::Edge)?, lab.secret.clone(), PATIENCE)?;
    let load = Load::new(draw, course.extent, client, course.rate);
    let wishes =
        Wishes { seed: course.seed, kills: course.kills, others: course.others, parts: course.parts.clone() };
    hear(format!("ready in {:.1} s; sending", began.elapsed().as_secs_f64()));
    let started = Instant::now();
    let sending = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.run().await }
    });
    let told = tokio::spawn(tell(Arc::clone(&load), hear.clone()));
    let (struck, unread) =
        tokio::join!(strike(&lab, &load, plan::draw(&wishes), hear), unreadable(&lab, &load));
    let (kills, blows) = struck?;
    unread?;
    sending.await.map_err(|error| Fault::new("load_died", error.to_string()))?;
    told.abort();
    let sent = started.elapsed();
    lab.mend_networks();
    lab.ready().await?;
    hear(format!("all is sent after {:.1} s; waiting until it has settled", sent.as_secs_f64()));
    let accounts = load.accounts();
    let settled = oracle::settle(&lab, &accounts).await?;
    let judgement = oracle::judge(&lab, &draw, &accounts).await?;
    let mut report = Report::of(course.seed, &accounts, judgement);
    report.kills = kills;
    report.blows = blows;
    (report.retries, report.unkept) = load.retried();
    report.payments(load.payments_took());
    report.peak_memory = lab.peaks();
    report.own_ends = lab.own_ends().await;
    report.ended_well = lab.stop().await;
    report.spans = Spans { sent, settled, whole: began.elapsed() };
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

/// Says now and then how far it has come.
async fn tell(load: Arc<Load>, hear: Ear) {
    loop {
        sleep(TOLD).await;
        hear(format!("{:>3.0} %  {} events answered", load.progress() * 100.0, load.answered()));
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
