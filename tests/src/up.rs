//! `tracker up`, as somebody meets it who has just built it: two commands, and what it prints is true.

use crate::rig::{Authority, binary, cache, children, hush, is_gone, run, until};
use std::{
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use tracker_stack::{
    free_ports,
    leash::{self, Leashed},
};

/// A folder to start in, with everything fetched already, and addresses that nobody has.
struct Place {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// The settings that move an address.
const LISTENS: [&str; 4] = ["EDGE", "ENRICH", "LOAD", "PAYMENTS"];
const PORTS: [&str; 4] = ["BROKER_PORT", "CONTROLLER_PORT", "CLICKHOUSE_PORT", "CLICKHOUSE_NATIVE_PORT"];

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fetched = fs::canonicalize(cache().piece(tracker_stack::Piece::Geoip)).unwrap();
        let fetched = fetched.parent().expect("the cache of the pieces");
        std::os::unix::fs::symlink(fetched, folder.path().join("fetched")).unwrap();
        let (listens, ports) = (free_ports(LISTENS.len()).unwrap(), free_ports(PORTS.len()).unwrap());
        let listens = LISTENS.iter().zip(listens);
        let listens = listens.map(|(name, port)| (format!("{name}__LISTEN"), format!("127.0.0.1:{port}")));
        let ports = PORTS.iter().zip(ports).map(|(name, port)| (format!("UP__{name}"), port.to_string()));
        // Not the default: everything is found wherever the cache is.
        let cache = ("UP__CACHE".to_owned(), "fetched".to_owned());
        let environment = listens
            .chain(ports)
            .chain([cache])
            .map(|(key, value)| (format!("TRACKER_{key}"), value))
            .collect();
        Self { folder, environment }
    }

    fn set(&mut self, key: &str, value: &str) {
        self.environment.push((format!("TRACKER_{key}"), value.to_owned()));
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("up.log")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Starts it, and waits until it says that it is ready.
    async fn start(&self) -> Leashed {
        let log = File::create(self.log()).unwrap();
        let errors = log.try_clone().unwrap();
        let mut up = leash::spawn(&binary("tracker"), |command: &mut Command| {
            command.arg("up").envs(self.environment.iter().cloned()).current_dir(self.folder.path());
            command.stdin(Stdio::null()).stdout(log).stderr(errors);
        })
        .unwrap();
        until("`tracker up` is ready", async || {
            assert!(up.ended().is_none(), "it ended: {}", self.said());
            self.said().contains("ready in ").then_some(())
        })
        .await;
        up
    }

    /// Runs it to its end, which comes early.
    fn fail(&self) -> Output {
        let mut command = Command::new(binary("tracker"));
        command.arg("up").envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The command that it printed under a title.
    fn printed(&self, title: &str) -> String {
        let said = self.said();
        let (_, rest) =
            said.split_once(&format!("\n{title}:\n")).unwrap_or_else(|| panic!("{title} in {said}"));
        let lines: Vec<_> = rest.lines().take_while(|line| line.starts_with("  ")).collect();
        lines.join("\n")
    }

    /// Runs it as a user would; nothing when it fails.
    fn shell(&self, command: &str) -> Option<String> {
        let mut bash = Command::new("bash");
        let output = bash.args(["-c", command]).current_dir(self.folder.path()).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until what a command prints has all the words, and says how long that took.
    async fn shows(&self, command: &str, words: &[&str]) -> Duration {
        let began = Instant::now();
        until(&format!("{words:?} in what `{command}` prints"), async || {
            let said = self.shell(command)?;
            let said: Vec<_> = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
            let is_there = |words: &&str| said.iter().any(|line| line.join(" ") == **words);
            words.iter().all(is_there).then_some(())
        })
        .await;
        began.elapsed()
    }

    fn find_database(&self, up: &Leashed) -> Option<u32> {
        child(up.pid(), "tracker-clickho").or_else(|| child(up.pid(), "clickhouse"))
    }

    fn database(&self, up: &Leashed) -> u32 {
        self.find_database(up).unwrap_or_else(|| panic!("a database among {:?}", children(up.pid())))
    }
}

/// The child whose name begins so; the kernel cuts names to 15 letters.
fn child(of: u32, name: &str) -> Option<u32> {
    children(of).into_iter().find(|(_, is)| is.starts_with(name)).map(|(id, _)| id)
}

fn signal(signal: &str, id: u32) {
    assert!(Command::new("kill").args([signal, &id.to_string()]).status().unwrap().success());
}

const ROW: [&str; 6] = [
    "ename: hello",
    "country: US",
    "device: iPhone",
    "browser: Mobile Safari",
    "channel: search",
    "ip: 8.8.8.0",
];
const SUM: [&str; 3] = ["currency: EUR", "revenue: 19.9", "payments: 1"];

#[test]
fn what_it_prints_works_and_it_ends_in_order_and_finds_its_data_again() {
    run(async {
        let place = Place::new();
        let mut up = place.start().await;
        println!("{}", place.said());
        let [send, row, pay, sum] = ["Send an event", "See its row", "Send a payment", "See its sum"]
            .map(|title| place.printed(title));
        assert_eq!(place.shell(&send).as_deref(), Some(""), "an accepted event is answered with nothing");
        println!("the row was there after {:?}", place.shows(&row, &ROW).await);
        assert_eq!(place.shell(&pay).as_deref(), Some(""));
        println!("the sum was there after {:?}", place.shows(&sum, &SUM).await);

        let (edge, database) = (child(up.pid(), "tracker-edge").unwrap(), place.database(&up));
        signal("-9", edge);
        signal("-9", database);
        let brought_back = until("both are brought back", async || {
            let edge_again = child(up.pid(), "tracker-edge").filter(|id| *id != edge)?;
            let database_again = place.find_database(&up).filter(|id| *id != database)?;
            Some([edge_again, database_again])
        })
        .await;
        assert!(brought_back.iter().all(|id| !is_gone(*id)));
        let again = send.replace("hello", "again");
        until("the edge takes events again", async || place.shell(&again).map(drop)).await;
        place.shows(&row, &["ename: again"]).await;

        let processes = children(up.pid());
        assert_eq!(processes.len(), 6, "{processes:?}");
        signal("-INT", up.pid());
        let ended = up.wait(Duration::from_secs(120)).await.expect("it ends by itself");
        assert_eq!(ended.code(), Some(0), "{}", place.said());
        let said = place.said();
        let order: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("stopping ")).collect();
        assert_eq!(order, ["edge …", "enrich …", "load …", "payments …", "database …", "broker …"]);
        assert!(!said.contains("was killed"), "{said}");
        assert_eq!(processes.into_iter().filter(|(id, _)| !is_gone(*id)).collect::<Vec<_>>(), []);
        hush::keep(fs::read_to_string(place.folder.path().join(".tracker/secret")).unwrap().trim());
        hush::check_text("tracker up", &said);

        let mut up = place.start().await;
        println!("{}", place.said());
        assert_eq!(place.printed("Send a payment"), pay, "the secret is the same");
        place.shows(&row, &["ename: again"]).await;
        place.shows(&sum, &SUM).await;
        assert!(!place.said().contains("created"), "nothing had to be made again: {}", place.said());
        let processes = children(up.pid());
        up.kill();
        until("its processes end with it, however it ends", async || {
            processes.iter().all(|(id, _)| is_gone(*id)).then_some(())
        })
        .await;
    });
}

#[test]
fn a_port_in_use_is_one_line_that_names_it_and_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (setting, value, what, key) in [
        ("EDGE__LISTEN", format!("127.0.0.1:{port}"), "edge", "edge.listen"),
        ("UP__BROKER_PORT", port.to_string(), "the broker", "up.broker_port"),
        ("UP__CLICKHOUSE_PORT", port.to_string(), "ClickHouse", "up.clickhouse_port"),
    ] {
        let mut place = Place::new();
        place.set(setting, &value);
        let output = place.fail();
        let line = format!(
            "tracker: port {port} ({what}) is in use: stop what listens there, or set {key} to another\n"
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), line);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing had been started");
    }
}

#[test]
fn all_wrong_settings_are_told_before_anything_is_started() {
    for mistakes in [
        [("EDGE__LISTEN", "here", "edge.listen"), ("TOPICS__PARTITIONS", "0", "topics.partitions")],
        [("EDGE__LISTENS", "127.0.0.1:1", "edge.listens"), ("LOAD__GRACE", "soon", "load.grace")],
    ] {
        let mut place = Place::new();
        for (key, value, _) in mistakes {
            place.set(key, value);
        }
        let output = place.fail();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for (.., key) in mistakes {
            assert!(said.lines().any(|line| line.contains(key)), "{key} in {said}");
        }
        assert_eq!(said.lines().count(), 2, "one line a mistake: {said}");
        assert!(!place.folder.path().join(".tracker/data").exists());
    }
}

#[test]
fn an_edge_that_encrypts_is_spoken_to_so_whoever_signed_its_certificate() {
    run(async {
        let mut place = Place::new();
        let issued = Authority::new().issue(&["tr.example.com"]);
        for (name, text) in [("cert.pem", issued.cert), ("key.pem", issued.key)] {
            fs::write(place.folder.path().join(name), text).unwrap();
        }
        place.set("EDGE__TLS__CERT", "cert.pem");
        place.set("EDGE__TLS__KEY", "key.pem");
        let mut up = place.start().await;
        let said = place.said();
        assert!(said.contains("edge     https://127.0.0.1:"), "{said}");
        assert!(place.shell(&place.printed("Send an event")).is_some(), "{said}");
        assert_eq!(up.stop(Duration::from_secs(90)).await.and_then(|ended| ended.code()), Some(0));
    });
}
