//! A whole Tracker of its own on this machine, to be maltreated: a private broker and database, each behind a proxy,
//! and the real programs, started again when they end by themselves, as a supervisor would.
//!
//! Touches nothing else: its files are in one folder, its ports are free ones of 127.0.0.1, its settings come from no
//! environment, and it ends only what it has started.

pub mod member;
pub mod settings;

use super::part::{Part, peak_memory};
use crate::{Failure, keys};
use member::Member;
use settings::{Addresses, text};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Mutex, task::AbortHandle, time::sleep};
use tracker_processors::clickhouse::Client;
use tracker_stack::{
    Broker, BrokerOptions, Cache, Database, DatabaseOptions, Network, Piece, Proxy, Trouble, free_ports,
    wait_until,
};
use tracker_stream::{config::Settings, fault::Fault};

/// How a lab is to be.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// Where its files go; made when absent.
    pub folder: PathBuf,
    /// Where the broker, the database and the GeoIP files have been fetched to.
    pub cache: PathBuf,
    /// Settings over the lab's own: TOML.
    pub settings: String,
}

/// A running lab. Dropped, all of it is killed.
pub struct Lab {
    /// Where its files are.
    pub folder: PathBuf,
    /// What its programs are told, but round the proxies.
    pub settings: Settings,
    /// A secret key without a tenant.
    pub secret: String,
    broker: Mutex<Broker>,
    database: Mutex<Database>,
    proxies: [Proxy; 2],
    members: Vec<Member>,
    /// Held by whoever maltreats that part, until it is well again.
    turns: BTreeMap<Part, Mutex<()>>,
    peaks: std::sync::Mutex<BTreeMap<String, u64>>,
    watch: std::sync::Mutex<Option<AbortHandle>>,
}

/// How many of each shared program there can be.
const SEATS: u16 = 3;
/// How often the programs are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a start of everything may take.
const READY: Duration = Duration::from_secs(90);
/// How long a program may take to end in order: its own grace, and a margin.
const GRACE: Duration = Duration::from_secs(25);

impl Lab {
    /// Starts everything and waits until it is ready.
    ///
    /// # Errors
    /// What is missing on this machine; a part that does not come up.
    pub async fn start(options: LabOptions) -> Result<Arc<Self>, Failure> {
        let LabOptions { folder, cache, settings } = options;
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        let folder = folder.canonicalize().map_err(Failure::io(folder.display()))?;
        let cache = std::path::absolute(&cache).map_err(Failure::io(cache.display()))?;
        let [plain, proxied, controller, front, http, tcp, http_front] = *free_ports(7)? else {
            return Err(Trouble::NoFreePort.into());
        };
        let local = |port: u16| format!("127.0.0.1:{port}");
        let told = |kafka, clickhouse| {
            text(&Addresses { kafka: local(kafka), clickhouse: local(clickhouse) }, &folder, &cache)
        };
        let merged = |defaults: String| merge(&defaults, &settings);
        let file = folder.join("tracker.toml");
        std::fs::write(&file, merged(told(front, http_front))?.to_string())
            .map_err(Failure::io(file.display()))?;
        let direct = merged(told(plain, http))?.to_string();
        let direct = Settings::merge(&direct, "the lab's settings", std::iter::empty())?;
        let cache = Cache::at(cache);
        let broker = BrokerOptions::new(cache.clone(), folder.join("kafka"), plain, controller);
        let database =
            DatabaseOptions { cache, data: folder.join("clickhouse"), http_port: http, tcp_port: tcp };
        let (broker, database) =
            tokio::join!(Broker::start(broker.behind(proxied, front)), Database::start(database));
        let behind = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let lab = Arc::new(Self {
            secret: keys::create(&folder.join("keys.toml"), &keys::Wanted::secret("chaos"))?.secret,
            settings: direct,
            broker: Mutex::new(broker?),
            database: Mutex::new(database?),
            proxies: [
                Proxy::start(front, behind(proxied)).await?,
                Proxy::start(http_front, behind(http)).await?,
            ],
            members: seats(&folder)?,
            turns: Part::ALL.into_iter().map(|part| (part, Mutex::default())).collect(),
            peaks: std::sync::Mutex::default(),
            watch: std::sync::Mutex::default(),
            folder,
        });
        lab.prepare().await?;
        Ok(lab)
    }

    /// Topics, tables, programs.
    async fn prepare(self: &Arc<Self>) -> Result<(), Failure> {
        crate::topics::apply(&self.settings).await?;
        crate::schema::apply(&self.settings).await?;
        for part in Part::PROGRAMS {
            self.member(part, 0)?.start().await?;
        }
        let lab = Arc::downgrade(self);
        let watch = tokio::spawn(async move {
            while let Some(lab) = lab.upgrade() {
                lab.look().await;
                drop(lab);
                sleep(LOOK).await;
            }
        });
        *lock(&self.watch) = Some(watch.abort_handle());
        self.ready().await
    }

    /// Waits until every program can do its work.
    ///
    /// # Errors
    /// One that cannot, and where its log is.
    pub async fn ready(&self) -> Result<(), Failure> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build();
        let http = http.map_err(|error| Fault::new("http", error.to_string()))?;
        for part in Part::PROGRAMS {
            let (member, url) = (self.member(part, 0)?, format!("{}/ready", self.url(part)?));
            let answers = async || http.get(&url).send().await.ok().filter(|answer| answer.status() == 200);
            if wait_until(READY, answers).await.is_none() {
                let detail = format!("{part} is not ready; its log is {}", member.log.display());
                return Err(Fault::new("not_ready", detail).into());
            }
        }
        Ok(())
    }

    /// Starts again what has ended by itself, and notes how much memory each process holds.
    async fn look(&self) {
        for member in &self.members {
            if let Ok(pid) = member.look().await {
                self.note_peak(&member.name, pid);
            }
        }
        if let Ok(broker) = self.broker.try_lock() {
            self.note_peak("broker", broker.pid());
        }
        if let Ok(database) = self.database.try_lock() {
            self.note_peak("clickhouse", database.pid());
        }
    }

    fn note_peak(&self, name: &str, pid: u32) {
        if let Some(bytes) = peak_memory(pid) {
            let mut peaks = lock(&self.peaks);
            let peak = peaks.entry(name.to_owned()).or_default();
            *peak = bytes.max(*peak);
        }
    }

    /// The most memory that each process has held, bytes, over all its lives.
    pub fn peaks(&self) -> BTreeMap<String, u64> {
        lock(&self.peaks).clone()
    }

    /// How programs ended that nobody had ended.
    pub async fn own_ends(&self) -> Vec<String> {
        let mut all = Vec::new();
        for member in &self.members {
            all.extend(member.own_ends().await);
        }
        all
    }

    /// The private database, round its proxy.
    ///
    /// # Errors
    /// Settings that cannot be read.
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(crate::schema::client(&self.settings)?)
    }

    /// Where a program listens.
    ///
    /// # Errors
    /// A part that is no program.
    pub fn url(&self, part: Part) -> Result<String, Failure> {
        Ok(format!("http://127.0.0.1:{}", self.member(part, 0)?.port))
    }

    /// Addresses of all programs of a part that run now.
    pub async fn urls(&self, part: Part) -> Vec<String> {
        let mut urls = Vec::new();
        for member in self.members.iter().filter(|member| member.part == part) {
            if member.pid().await.is_some() {
                urls.push(format!("http://127.0.0.1:{}", member.port));
            }
        }
        urls
    }

    /// The sum of all samples of a metric, over all programs of a part that run; `None`: none of them has it.
    pub async fn sum(&self, part: Part, metric: &str) -> Option<f64> {
        let mut sum = None;
        for url in self.urls(part).await {
            let answer = reqwest::get(format!("{url}/metrics")).await.ok()?;
            let text = answer.text().await.ok()?;
            let samples = text.lines().filter_map(|line| line.strip_prefix(metric));
            let samples = samples.filter(|rest| rest.starts_with(['{', ' ']));
            for number in samples.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()) {
                sum = Some(sum.unwrap_or(0.0) + number);
            }
        }
        sum
    }

    /// The right to maltreat a part: one at a time.
    pub(super) async fn turn(&self, part: Part) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        Some(self.turns.get(&part)?.lock().await)
    }

    fn member(&self, part: Part, seat: u16) -> Result<&Member, Failure> {
        let found = self.members.iter().find(|member| member.part == part && member.seat == seat);
        found.ok_or_else(|| Fault::new("no_seat", format!("there is no {part} number {seat}")).into())
    }

    /// Ends everything, the way the data go. Whether all programs ended with 0 by themselves.
    pub async fn stop(&self) -> bool {
        if let Some(watch) = lock(&self.watch).take() {
            watch.abort();
        }
        let mut well = true;
        for member in &self.members {
            well &= member.stop(GRACE).await.is_none_or(|status| status == Some(0));
        }
        self.database.lock().await.stop().await;
        self.broker.lock().await.stop().await;
        well
    }
}

/// What is done to parts.
impl Lab {
    /// `kill -9`; whether it ran.
    ///
    /// # Errors
    /// None for a part that is there.
    pub async fn kill(&self, part: Part) -> Result<bool, Failure> {
        match part {
            Part::Broker => self.broker.lock().await.kill(),
            Part::Clickhouse => self.database.lock().await.kill(),
            program => return Ok(self.member(program, 0)?.kill().await),
        }
        Ok(true)
    }

    /// SIGTERM, and its exit code; `None`: it had to be killed, or is no program.
    ///
    /// # Errors
    /// As [`Lab::kill`].
    pub async fn end(&self, part: Part) -> Result<Option<i32>, Failure> {
        match part {
            Part::Broker => self.broker.lock().await.stop().await,
            Part::Clickhouse => self.database.lock().await.stop().await,
            program => return Ok(self.member(program, 0)?.stop(GRACE).await.flatten()),
        }
        Ok(None)
    }

    /// Starts what was killed or ended.
    ///
    /// # Errors
    /// A part that does not come up.
    pub async fn begin(&self, part: Part) -> Result<(), Failure> {
        match part {
            Part::Broker => Ok(self.broker.lock().await.restart().await?),
            Part::Clickhouse => Ok(self.database.lock().await.restart().await?),
            program => self.member(program, 0)?.start().await,
        }
    }

    /// SIGSTOP for a while, then SIGCONT.
    ///
    /// # Errors
    /// As [`Lab::kill`].
    pub async fn pause(&self, part: Part, span: Duration) -> Result<(), Failure> {
        match part {
            Part::Broker => {
                self.broker.lock().await.pause();
                sleep(span).await;
                self.broker.lock().await.resume();
            }
            Part::Clickhouse => {
                self.database.lock().await.pause();
                sleep(span).await;
                self.database.lock().await.resume();
            }
            program => {
                let member = self.member(program, 0)?;
                member.pause().await;
                sleep(span).await;
                member.resume().await;
            }
        }
        Ok(())
    }

    /// One more of a program: number 1 or 2.
    ///
    /// # Errors
    /// As [`Lab::begin`]; a part of which there is only one.
    pub async fn join(&self, part: Part, seat: u16) -> Result<(), Failure> {
        self.member(part, seat)?.start().await
    }

    /// That one leaves: in order, or by `kill -9`. Its exit code, when it ended in order.
    ///
    /// # Errors
    /// As [`Lab::join`].
    pub async fn leave(&self, part: Part, seat: u16, how: Leave) -> Result<Option<i32>, Failure> {
        let member = self.member(part, seat)?;
        match how {
            Leave::Killed => Ok(member.kill().await.then_some(-9)),
            Leave::InOrder => Ok(member.stop(GRACE).await.flatten()),
        }
    }

    /// The proxy before the broker or the database; none before programs.
    pub fn network(&self, part: Part) -> Option<&Proxy> {
        let [broker, database] = &self.proxies;
        match part {
            Part::Broker => Some(broker),
            Part::Clickhouse => Some(database),
            _ => None,
        }
    }

    /// All networks as they should be.
    pub fn mend_networks(&self) {
        self.proxies.iter().for_each(|proxy| proxy.set(Network::Open));
    }
}

/// How a second or third program leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// SIGTERM.
    InOrder,
    /// SIGKILL.
    Killed,
}

impl Leave {
    /// What it does, for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InOrder => "leaves",
            Self::Killed => "is killed",
        }
    }
}

/// A place for each program: one edge, [`SEATS`] of each other.
fn seats(folder: &Path) -> Result<Vec<Member>, Failure> {
    let seats: Vec<(Part, u16)> = std::iter::once((Part::Edge, 0))
        .chain(Part::SHARED.into_iter().flat_map(|part| (0..SEATS).map(move |seat| (part, seat))))
        .collect();
    let ports = free_ports(seats.len())?;
    Ok(seats
        .into_iter()
        .zip(ports)
        .map(|((part, seat), port)| Member::new(part, seat, port, folder))
        .collect())
}

/// One TOML laid over another, table by table.
///
/// # Errors
/// A text that is no TOML.
pub fn merge(defaults: &str, over: &str) -> Result<toml::Table, Failure> {
    let parse = |text: &str| -> Result<toml::Table, Failure> {
        toml::from_str(text).map_err(|error| Failure::Usage(format!("the lab's settings: {error}")))
    };
    let (mut merged, over) = (parse(defaults)?, parse(over)?);
    overlay(&mut merged, over);
    Ok(merged)
}

fn overlay(table: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(present)), toml::Value::Table(value)) => overlay(present, value),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

/// What the lab needs to have been fetched.
///
/// # Errors
/// As [`Cache::fetch`].
pub async fn fetch(cache: &Path, say: impl Fn(&str) + Send + 'static) -> Result<(), Failure> {
    let mut pieces = vec![Piece::Broker, Piece::Geoip];
    if !Database::is_installed() {
        pieces.push(Piece::Database);
    }
    Ok(Cache::at(cache).fetch(&pieces, say).await?)
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
