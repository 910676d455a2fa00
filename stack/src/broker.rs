//! Apache Kafka in KRaft mode: one process that is broker and controller.
//!
//! Its data survive `kill -9`: what was acknowledged is in the system's page cache, and the log is repaired at the next
//! start. Not safe against a power cut; production has three.

mod java;
mod properties;

use crate::{
    Cache, Piece, Trouble, free_ports,
    leash::{self, Leashed},
    logfile::LogFile,
    wait_until,
};
use java::Java;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How long a start may take: 2 s on an idle machine, 8 s beside a compiler.
const START: Duration = Duration::from_secs(180);
/// How long a stop may take before it is killed.
const STOP: Duration = Duration::from_secs(15);
/// The line that ends a start: the listeners are open and the controller knows the broker.
const STARTED: &str = "Kafka Server started";

/// How a broker is to run.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where its jars are.
    pub cache: Cache,
    /// Its data, configuration and log; made when absent.
    pub data: PathBuf,
    /// Port of the clients, on 127.0.0.1.
    pub port: u16,
    /// Port of the controller, on 127.0.0.1.
    pub controller_port: u16,
    /// Properties over the usual ones: listeners, SASL, intervals.
    pub properties: Vec<(String, String)>,
    /// Further arguments of the first format of `data`, such as `--add-scram …`.
    pub format: Vec<String>,
    /// Whether it is for more than a test: what runs often is compiled once more, and better.
    pub lasting: bool,
}

impl BrokerOptions {
    /// A plain one.
    #[must_use]
    pub fn new(cache: Cache, data: impl Into<PathBuf>, port: u16, controller_port: u16) -> Self {
        let (properties, format) = (Vec::new(), Vec::new());
        Self { cache, data: data.into(), port, controller_port, properties, format, lasting: false }
    }

    /// One for more than a test.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { lasting: true, ..self }
    }

    /// With a second listener on `port`, which tells its clients to come back to `advertised`, where a
    /// [`Proxy`](crate::Proxy) passes them on to it. The first stays for those that go round the proxy, the broker
    /// itself among them.
    #[must_use]
    pub fn behind(mut self, port: u16, advertised: u16) -> Self {
        let (first, controller) = (self.port, self.controller_port);
        let plain = |name: &str, port: u16| format!("{name}://127.0.0.1:{port}");
        let listeners =
            [plain("PLAINTEXT", first), plain("PROXIED", port), plain("CONTROLLER", controller)].join(",");
        let advertised = [plain("PLAINTEXT", first), plain("PROXIED", advertised)].join(",");
        let protocols = "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
        self.properties.extend([
            ("listeners".to_owned(), listeners),
            ("advertised.listeners".to_owned(), advertised),
            ("listener.security.protocol.map".to_owned(), protocols),
            ("inter.broker.listener.name".to_owned(), "PLAINTEXT".to_owned()),
        ]);
        self
    }
}

/// A running broker. Dropped, it is killed.
#[derive(Debug)]
pub struct Broker {
    options: BrokerOptions,
    process: Leashed,
    log: LogFile,
}

impl Broker {
    /// Starts one and waits until it answers. Formats the folder when it is new.
    ///
    /// # Errors
    /// No Java, a folder that cannot be written, a broker that ends or is not ready in time.
    pub async fn start(options: BrokerOptions) -> Result<Self, Trouble> {
        let mut broker = Self::launch(options, &[])?;
        broker.ready().await?;
        Ok(broker)
    }

    /// `host:port` for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.options.port)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.log.path()
    }

    /// Ends it in order; kills it when that takes too long.
    pub async fn stop(&mut self) {
        let _killed = self.process.stop(STOP).await;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP: it stands still and does not know it.
    pub fn pause(&mut self) {
        self.process.pause();
    }

    /// SIGCONT.
    pub fn resume(&mut self) {
        self.process.resume();
    }

    /// Starts it again on the same data and ports, ending it first if it runs.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub async fn restart(&mut self) -> Result<(), Trouble> {
        self.stop().await;
        let mut again = Self::launch(self.options.clone(), &[])?;
        again.ready().await?;
        *self = again;
        Ok(())
    }

    /// Runs one once to note which classes it loads, so that the next start takes half as long.
    pub(crate) async fn archive_classes(cache: &Cache) -> Result<(), Trouble> {
        let data = cache.piece(Piece::Broker).join("first-run");
        let [port, controller_port] = *free_ports(2)? else { return Err(Trouble::NoFreePort) };
        let options = BrokerOptions::new(cache.clone(), data.clone(), port, controller_port);
        let mut broker = Self::launch(options, &[Java::archive_option(cache)])?;
        broker.ready().await?;
        // The archive is written on the way out, which takes its time.
        let _killed = broker.process.stop(START).await;
        fs::remove_dir_all(&data).map_err(Trouble::at(|| format!("cannot clear {}", data.display())))
    }

    fn launch(options: BrokerOptions, java_options: &[String]) -> Result<Self, Trouble> {
        let data = &options.data;
        let cannot = || format!("cannot write {}", data.display());
        fs::create_dir_all(data).map_err(Trouble::at(cannot))?;
        let data = fs::canonicalize(data).map_err(Trouble::at(cannot))?;
        let java = Java::find(&options.cache)?;
        let file = data.join("server.properties");
        fs::write(&file, properties::server(&options, &data)).map_err(Trouble::at(cannot))?;
        fs::write(data.join("log4j2.xml"), include_str!("../kafka/log4j2.xml"))
            .map_err(Trouble::at(cannot))?;
        if !data.join("logs/meta.properties").is_file() {
            java.format(&options, &file)?;
        }
        let (log, out, err) = LogFile::open(data.join("broker.log"))?;
        let process = leash::spawn(Path::new("java"), |command: &mut Command| {
            command.args(java_options).args(java.server(&options, &data, &file));
            command.current_dir(&data).stdin(Stdio::null()).stdout(out).stderr(err);
        })?;
        Ok(Self { options, process, log })
    }

    async fn ready(&mut self) -> Result<(), Trouble> {
        let how = wait_until(START, async || match self.process.ended() {
            Some(status) => Some(Err(format!("ended at its start ({status})"))),
            None => self.log.says(STARTED).then_some(Ok(())),
        })
        .await
        .unwrap_or_else(|| Err(format!("did not come up within {} s", START.as_secs())));
        how.map_err(|how| Trouble::Broker { how, log: self.log.path().to_owned(), tail: self.log.tail() })
    }
}

/// What a finished command printed, for a message.
fn last_line(output: &std::process::Output) -> io::Error {
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    io::Error::other(
        text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned(),
    )
}
