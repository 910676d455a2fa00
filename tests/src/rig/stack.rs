//! The broker and the database of this run.

use super::hush;
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};
use tokio::sync::OnceCell;
use tracker_stack::{Broker, BrokerOptions, Cache, Database, DatabaseOptions, Piece, free_ports};

/// A broker and a database, and where the test run keeps its files.
pub struct Stack {
    pub brokers: String,
    pub clickhouse: String,
    pub folder: tempfile::TempDir,
    /// Held so that they live as long as the run; the kernel ends them with it.
    _processes: Mutex<(Broker, Database)>,
}

/// The one of this run, started at its first use.
pub async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_init(start).await
}

/// The top of the source tree.
pub fn top() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What the stack is made of: shared with `make run`.
pub fn cache() -> Cache {
    Cache::at(cache_folder())
}

/// Where that is.
pub fn cache_folder() -> PathBuf {
    top().join(".tracker/cache")
}

/// A file of the GeoIP databases.
pub fn geoip(name: &str) -> PathBuf {
    cache().piece(Piece::Geoip).join(name)
}

/// Folders of runs are called this, their process, and something.
const FOLDER: &str = "stack-";

/// Removes what earlier runs left: theirs are kept after a failure, to be looked into until the next run.
fn clear_old(target: &Path) {
    let running = |name: &str| {
        let pid = name.strip_prefix(FOLDER).and_then(|rest| rest.split('-').next());
        pid.is_none_or(|pid| Path::new("/proc").join(pid).exists())
    };
    for entry in std::fs::read_dir(target).expect("the target folder").flatten() {
        if !running(&entry.file_name().to_string_lossy()) {
            let _kept = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder for this run; `name` is part of its name.
pub fn scratch(name: &str) -> tempfile::TempDir {
    let target = top().join("target");
    clear_old(&target);
    let prefix = format!("{FOLDER}{}-{name}", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(target).expect("a folder")
}

/// A broker of a test's own, to be maltreated; with the name of its site.
pub async fn broker(name: &str) -> Broker {
    let data = stack().await.folder.path().join(format!("{name}-broker"));
    hush::listen(&data);
    let [port, controller_port] = *free_ports(2).expect("ports") else { panic!("two ports") };
    Broker::start(BrokerOptions::new(cache(), data, port, controller_port)).await.expect("a broker")
}

/// A database of a test's own, likewise.
pub async fn database(name: &str) -> Database {
    let data = stack().await.folder.path().join(format!("{name}-database"));
    hush::listen(&data);
    let [http_port, tcp_port] = *free_ports(2).expect("ports") else { panic!("two ports") };
    let options = DatabaseOptions { cache: cache(), data, http_port, tcp_port };
    Database::start(options).await.expect("a database")
}

async fn start() -> Stack {
    cache().fetch(&Piece::ALL, |line| println!("{line}")).await.expect("the parts of the stack");
    let folder = scratch("");
    let [broker_port, controller_port, http_port, tcp_port] = *free_ports(4).expect("ports") else {
        panic!("four ports")
    };
    let [kafka, clickhouse] = ["kafka", "clickhouse"].map(|name| folder.path().join(name));
    [&kafka, &clickhouse].into_iter().for_each(|folder| hush::listen(folder));
    let broker = BrokerOptions::new(cache(), kafka, broker_port, controller_port);
    let database = DatabaseOptions { cache: cache(), data: clickhouse, http_port, tcp_port };
    let (broker, database) = tokio::join!(Broker::start(broker), Database::start(database));
    let (broker, database) = (broker.expect("a broker"), database.expect("a database"));
    Stack {
        brokers: broker.address(),
        clickhouse: database.url(),
        folder,
        _processes: Mutex::new((broker, database)),
    }
}
