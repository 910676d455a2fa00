//! What every run has in common: the lab is set up, a load is sent, and in the end all is judged.

use super::{
    Ear,
    lab::Lab,
    load::{Extent, Load, Wanted, client::Client, draw::Draw},
    oracle,
    part::Part,
    report::{Report, Spans},
    run::Course,
};
use crate::{Failure, send::pace::Rate};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep},
};
use tracker_stream::{clock, fault::Fault};

/// A lab that is ready, and what is sent to it.
pub struct Stage {
    /// The lab.
    pub lab: Arc<Lab>,
    /// What the seed sends.
    pub draw: Draw,
    seed: u64,
    began: Instant,
    began_ms: i64,
    hear: Ear,
}

/// A load on its way.
pub struct Sending {
    started: Instant,
    sends: JoinHandle<()>,
    told: AbortHandle,
}

/// How long a client tries: longer than anything stays away here.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often it is told how far it has come.
const TOLD: Duration = Duration::from_secs(5);

impl Stage {
    /// Sets it.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub async fn set(course: &Course, hear: &Ear) -> Result<Self, Failure> {
        let began = Instant::now();
        let (seed, folder) = (course.seed, course.folder.display());
        hear(format!("seed {seed}: starting a broker, a database and the programs in {folder}"));
        let lab = Lab::start(course.lab()).await?;
        hear(format!("ready in {:.1} s; sending", began.elapsed().as_secs_f64()));
        let began_ms = clock::now_ms();
        Ok(Self { lab, draw: Draw::new(seed, began_ms), seed, began, began_ms, hear: hear.clone() })
    }

    /// A client of the lab's edge.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client(&self) -> Result<Client, Failure> {
        Client::new(self.lab.url(Part::Edge)?, self.lab.secret.clone(), PATIENCE)
    }

    /// A load that has not begun.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn load(&self, extent: Extent, rate: Option<Rate>) -> Result<Arc<Load>, Failure> {
        Ok(Load::new(Wanted { draw: self.draw, extent, rate, payments: true }, self.client()?))
    }

    /// One of events alone, as fast as they are taken.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn load_events(&self, extent: Extent) -> Result<Arc<Load>, Failure> {
        Ok(Load::new(Wanted { draw: self.draw, extent, rate: None, payments: false }, self.client()?))
    }

    /// Begins to send it.
    pub fn send(&self, load: &Arc<Load>) -> Sending {
        self.send_from(&Handle::current(), load)
    }

    /// The same from the threads of another runtime.
    pub fn send_from(&self, senders: &Handle, load: &Arc<Load>) -> Sending {
        let (sender, teller, hear) = (Arc::clone(load), Arc::clone(load), self.hear.clone());
        let sends = senders.spawn(async move { sender.run().await });
        let told = tokio::spawn(async move {
            while !teller.has_ended() {
                sleep(TOLD).await;
                hear(format!("{:>3.0} %  {} events answered", teller.progress() * 100.0, teller.answered()));
            }
        });
        Sending { started: Instant::now(), sends, told: told.abort_handle() }
    }

    /// Says something to whoever listens.
    pub fn say(&self, line: impl Into<String>) {
        (self.hear)(line.into());
    }

    /// Waits until all has settled, judges it, and stops the lab.
    ///
    /// # Errors
    /// A part that does not come up again; a database that does not answer.
    pub async fn judge(self, load: &Load, sent: Duration) -> Result<Report, Failure> {
        self.lab.mend_networks();
        self.lab.ready().await?;
        self.say(format!("all is sent after {:.1} s; waiting until it has settled", sent.as_secs_f64()));
        let accounts = load.accounts();
        let settled = oracle::settle(&self.lab, &accounts).await?;
        let judgement = oracle::judge(&self.lab, &self.draw, &accounts).await?;
        let mut report = Report::of(self.seed, &accounts, judgement);
        let books = oracle::books(&self.lab, self.began_ms).await;
        report.books = books.unwrap_or_else(|failure| vec![format!("they cannot be looked at: {failure}")]);
        (report.retries, report.unkept) = load.retried();
        report.payments(load.payments_took());
        report.peak_memory = self.lab.peaks();
        report.own_ends = self.lab.own_ends().await;
        report.ended_well = self.lab.stop().await;
        report.spans = Spans { sent, settled, whole: self.began.elapsed() };
        Ok(report)
    }
}

impl Sending {
    /// Waits until all of it is sent; how long it took.
    ///
    /// # Errors
    /// A load that has died.
    pub async fn end(self) -> Result<Duration, Failure> {
        let ended = self.sends.await.map_err(|error| Fault::new("load_died", error.to_string()));
        self.told.abort();
        ended?;
        Ok(self.started.elapsed())
    }
}
