//! An edge without a broker, for tests: on a real socket where it matters, else straight through the filters.

use super::{Connections, Doors, Edge, Peer, routes, serve};
use crate::{
    admit::{Keys, Rates, accounts::Accounts},
    budget::Budget,
    collect::Collector,
    config::{EdgeConfig, MicroConfig, RedirectConfig, VisitConfig},
    keep::{Keep, Kept, Writer},
    links::{self, Links, Redirects, Table, UnderWay},
    loader::Loader,
    micro::Store,
    outage::Outage,
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, SaltString},
};
use sha2::{Digest, Sha256};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracker_geo::Geo;
use tracker_schemas::{Agreement, Decoder, Encoder, Erasure, Event, Payment, Record};
use tracker_stream::{config::Settings, fault::Fault, kafka::Outgoing, telemetry::Health};
use uuid::Uuid;
use warp::{filters::BoxedFilter, reply::Response, test::RequestBuilder};

/// Longer than anything takes that a test waits for, on a machine that does other work too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for a condition, or fails when [`DEADLINE`] is over. On a paused clock it takes no time.
pub(crate) async fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let met = tokio::time::timeout(DEADLINE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    met.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// The secret of a server of any tenant, and of one that speaks for [`TENANT`] alone.
pub(crate) const SECRET: &str = "any-tenant";
pub(crate) const TENANT_SECRET: &str = "one-tenant";
/// The public key of its sites.
pub(crate) const WRITE_KEY: &str = "its-sites";
/// One that was good until some time ago, and one of another tenant.
pub(crate) const FORMER_KEY: &str = "its-former-sites";
pub(crate) const OTHER_KEY: &str = "anothers-sites";
/// A secret that is good for payments alone.
pub(crate) const TILL: &str = "till";
pub(crate) const TENANT: Uuid = Uuid::from_u128(7);
/// An account of any tenant; `former` has the same password and has expired.
pub(crate) const ACCOUNT: &str = "marketing";
pub(crate) const PASSWORD: &str = "correct horse";

/// What the broker of a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broker {
    Up,
    Down,
    /// Takes the first of each call only.
    Failing,
    /// Never answers.
    Hanging,
    /// Answers after a second.
    Slow,
    /// Has no topics.
    Empty,
}

/// Keeps messages in memory.
#[derive(Clone)]
pub(crate) struct Memory {
    broker: Broker,
    kept: Arc<Mutex<Vec<Outgoing>>>,
}

impl Memory {
    fn new(broker: Broker) -> Self {
        Self { broker, kept: Arc::default() }
    }

    /// What was kept, decoded.
    pub(crate) fn records<R: Record>(&self) -> Vec<R> {
        let decoder = Decoder::new();
        self.messages().iter().map(|message| decoder.decode(&message.payload).unwrap()).collect()
    }

    /// What was kept.
    pub(crate) fn messages(&self) -> Vec<Outgoing> {
        self.kept.lock().unwrap().clone()
    }
}

impl Keep for Memory {
    async fn keep(&self, messages: &[Outgoing]) -> Vec<Result<Kept, Fault>> {
        if self.broker == Broker::Hanging {
            std::future::pending::<()>().await;
        }
        if self.broker == Broker::Slow {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let takes = |index| {
            matches!(self.broker, Broker::Up | Broker::Slow) || (self.broker == Broker::Failing && index == 0)
        };
        let keep = |(index, message)| {
            if takes(index) {
                self.kept.lock().unwrap().push(message);
                Ok(Kept::Broker)
            } else {
                let tag = if self.broker == Broker::Empty { "topic_missing" } else { "unacknowledged" };
                Err(Fault::new(tag, "the broker does not take it"))
            }
        };
        messages.iter().cloned().enumerate().map(keep).collect()
    }

    fn queued(&self) -> usize {
        0
    }

    fn is_up(&self) -> bool {
        self.broker == Broker::Up
    }
}

/// An edge and what it keeps.
pub(crate) struct Tested {
    pub(crate) edge: Arc<Edge<Memory>>,
    pub(crate) events: Memory,
    pub(crate) payments: Memory,
    pub(crate) agreements: Memory,
    pub(crate) erasures: Memory,
    pub(crate) redirects: Memory,
    routes: BoxedFilter<(Response,)>,
    _keys: tempfile::TempDir,
}

/// An edge with these lines in `[edge]`.
pub(crate) fn edge(settings: &str) -> Tested {
    edge_with(settings, Broker::Up)
}

/// One that somebody looks at.
pub(crate) fn micro(settings: &str) -> Tested {
    tested(settings, Broker::Up, Some(Arc::new(Store::new(MicroConfig { most: 100, bytes: 4 << 20 }))))
}

/// The same with a broker that does this.
pub(crate) fn edge_with(settings: &str, broker: Broker) -> Tested {
    tested(settings, broker, None)
}

fn tested(settings: &str, broker: Broker, micro: Option<Arc<Store>>) -> Tested {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    std::fs::write(&path, key_file()).unwrap();
    let settings = Settings::merge(&format!("[edge]\n{settings}"), "test", std::iter::empty()).unwrap();
    let config = EdgeConfig::read(&settings).unwrap();
    let visits = VisitConfig::read(&settings).unwrap();
    let [events, payments, agreements, erasures, redirects] = std::array::from_fn(|_| Memory::new(broker));
    let health = Health::of(&["events"]);
    if matches!(broker, Broker::Up | Broker::Empty) {
        health.set("events", Ok(()));
    }
    let collector = Collector {
        keys: Keys::load(&path).unwrap(),
        rates: Rates::new(&config.rates),
        budget: Budget::new(config.inflight),
        events: writer::<Event>(&events, &config, &health),
        payments: writer::<Payment>(&payments, &config, &health),
        agreements: writer::<Agreement>(&agreements, &config, &health),
        erasures: writer::<Erasure>(&erasures, &config, &health),
        books: Arc::default(),
        micro,
        config,
        geo: Arc::new(Geo::open(&visits.geoip_city)),
        visits,
    };
    let links = Arc::new(Links::default());
    links.replace(Table::default());
    let writer = links::Writer {
        keep: redirects.clone(),
        topic: "test.redirects".into(),
        encoder: Encoder::single_object(),
        timeout: collector.config.produce_timeout,
    };
    let config = RedirectConfig::read(&settings).unwrap();
    let accounts = Accounts::default();
    let sending = Redirects { config, links, writer, under_way: UnderWay::default(), accounts };
    let connections = Connections::new(collector.config.connection.most);
    let sockets = Connections::new(collector.config.socket.most);
    let loader = Loader::at(collector.config.load_url.clone()).unwrap();
    let metrics = Box::new(|| "metrics\n".to_owned());
    let edge =
        Arc::new(Edge { collector, redirects: sending, health, loader, metrics, connections, sockets });
    Tested {
        routes: routes(&edge),
        edge,
        events,
        payments,
        agreements,
        erasures,
        redirects,
        _keys: directory,
    }
}

fn writer<R: Record>(keep: &Memory, config: &EdgeConfig, health: &Health) -> Writer<Memory, R> {
    let topic = format!("test.{}", R::TOPIC.name()).into();
    let keep = keep.clone();
    let outage = Outage::new(R::TOPIC.name(), health.clone());
    Writer { keep, topic, encoder: Encoder::single_object(), timeout: config.produce_timeout, outage }
}

/// An account whose hash costs next to nothing.
fn account(uid: &str, more: &str) -> String {
    let cheap = Params::new(8, 1, 1, None).unwrap();
    let salt = SaltString::encode_b64(b"salt of a test").unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash = argon2.hash_password(PASSWORD.as_bytes(), &salt).unwrap();
    format!("[[account]]\nuid = \"{uid}\"\nargon2id = \"{hash}\"\n{more}\n")
}

fn key_file() -> String {
    let entry = |kind: &str, id: &str, more: &str| {
        let sha256 = hex::encode(Sha256::digest(id));
        format!("[[{kind}]]\nid = \"{id}\"\nsha256 = \"{sha256}\"\n{more}\n")
    };
    let tenant = format!("tenant = \"{TENANT}\"");
    let entries = [
        entry("secret", SECRET, ""),
        entry("secret", TENANT_SECRET, &tenant),
        entry("secret", TILL, "scopes = [\"payments\"]"),
        entry("write_key", WRITE_KEY, &tenant),
        entry("write_key", FORMER_KEY, &format!("{tenant}\nexpires = \"2023-01-01T00:00:00Z\"")),
        entry("write_key", OTHER_KEY, &format!("tenant = \"{}\"", Uuid::from_u128(8))),
        account(ACCOUNT, ""),
        account("former", "expires = \"2023-01-01T00:00:00Z\""),
    ];
    format!("hash_key = \"{}\"\n{}", "ab".repeat(32), entries.concat())
}

/// What an answer says.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and error tag.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap().to_owned())
    }
}

/// A request from an address of the documentation's.
pub(crate) fn request(method: &str, path: &str) -> RequestBuilder {
    let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
    warp::test::request().method(method).path(path).extension(Peer(peer))
}

impl Tested {
    /// An answer with its very bytes.
    pub(crate) async fn raw(&self, request: RequestBuilder) -> (http::response::Parts, bytes::Bytes) {
        request.reply(&self.routes).await.into_parts()
    }

    /// Forgets what was kept.
    pub(crate) fn forget(&self) {
        [&self.events, &self.payments, &self.erasures, &self.redirects]
            .iter()
            .for_each(|memory| memory.kept.lock().unwrap().clear());
    }

    pub(crate) async fn ask(&self, request: RequestBuilder) -> Said {
        let (parts, body) = self.raw(request).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        Said { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Said {
        self.ask(request("POST", path).body(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Said {
        self.ask(request("GET", path)).await
    }

    /// Serves on a socket of its own until the token is cancelled; the task ends when all is drained.
    pub(crate) async fn listen(&self) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (edge, ending) = (Arc::clone(&self.edge), shutdown.clone());
        (
            address,
            shutdown,
            tokio::spawn(async move {
                let doors = Doors { main: listener, tls: None, redirect: None };
                serve(doors, &edge, ending).await;
            }),
        )
    }
}
