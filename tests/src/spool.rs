//! The disk spool: while the broker is away every event and payment is taken, and arrives when it is back.

use crate::rig::{Program, Site, binary, broker, post, run, stack, until};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::task::JoinSet;
use tracker_schemas::Topic;
use tracker_stack::free_ports;
use uuid::Uuid;

/// Half of the time that the broker is away: both halves give several segments, and between them the edge is killed.
const HALF: Duration = Duration::from_secs(5);
/// What is sent a second meanwhile.
const PER_SECOND: u32 = 200;
/// A payment comes with so many events.
const PAYMENT_EVERY: usize = 20;

impl Site {
    fn an_event(&self, eid: Uuid) -> RequestBuilder {
        let body = json!({ "eid": eid, "ename": "spooled", "cflags": 5377 }).to_string();
        self.request(Method::POST, "/tr/v1/tr/").body(body)
    }

    fn a_payment(&self, id: Uuid) -> RequestBuilder {
        let body = json!({ "id": id, "uid": id, "revenue": "0.01" }).to_string();
        self.request(Method::POST, "/tr/v1/ltv/").bearer_auth(&self.secret).body(body)
    }

    /// Messages that the edge says to have in the spool of a kind.
    async fn spooled(&self, kind: &str) -> u64 {
        self.get("/status").await.json()["spool"][kind]["messages"].as_u64().expect("a number of messages")
    }

    async fn drained(&self) {
        until("the spool is empty", async || {
            (self.spooled("events").await + self.spooled("payments").await == 0).then_some(())
        })
        .await;
    }

    /// The keys on a topic, in whatever order, with repeats.
    async fn keys(&self, topic: Topic) -> Vec<Uuid> {
        let messages = self.messages(topic).await;
        let key = |key: Option<Vec<u8>>| String::from_utf8(key.unwrap()).unwrap().parse().unwrap();
        messages.into_iter().map(|message| key(message.key)).collect()
    }

    /// Sends so many events, which are all answered with 200.
    async fn takes(&self, count: usize) -> HashSet<Uuid> {
        let mut taken = HashSet::new();
        for _ in 0..count {
            let eid = Uuid::now_v7();
            assert_eq!(post(self.an_event(eid)).await.status, 200);
            taken.insert(eid);
        }
        taken
    }

    /// The largest file of spooled events. The drain has closed the first one to try it.
    fn segment(&self) -> PathBuf {
        let told: Value = serde_json::from_str(&self.tracker(&["spool", "ls", "--json"])).unwrap();
        let segments = told["segments"].as_array().unwrap();
        let largest = segments.iter().max_by_key(|segment| segment["bytes"].as_u64()).unwrap();
        self.folder.join(largest["file"].as_str().unwrap())
    }
}

/// An edge whose broker answers nobody, as nobody listens there.
async fn alone(name: &'static str, settings: &[(&str, &str)]) -> Site {
    let mut site = Site::prepare(name, settings).await;
    site.tracker(&["topics", "apply"]);
    let [nowhere] = *free_ports(1).expect("a port") else { panic!("one port") };
    with_broker(&mut site, &format!("127.0.0.1:{nowhere}"));
    site.launch(Program::Edge);
    site.ready(Program::Edge).await;
    site
}

fn with_broker(site: &mut Site, brokers: &str) {
    site.environment.insert("TRACKER_KAFKA__BROKERS".to_owned(), brokers.to_owned());
}

/// Sends at a steady rate, for half of the outage, whatever the answers; each has to be 200.
async fn pour(site: &Site) -> (HashSet<Uuid>, HashSet<Uuid>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let count = HALF.as_secs() as usize * PER_SECOND as usize;
    let (mut events, mut payments, mut answers) = (HashSet::new(), HashSet::new(), JoinSet::new());
    for number in 0..count {
        tick.tick().await;
        let id = Uuid::now_v7();
        let request = if number % PAYMENT_EVERY == 0 {
            payments.insert(id);
            site.a_payment(id)
        } else {
            events.insert(id);
            site.an_event(id)
        };
        answers.spawn(post(request));
    }
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    (events, payments)
}

/// Sees the spool out: no event leaves it while there is a payment.
async fn payments_leave_first(site: &Site) {
    let (mut spooled, mut drained) = (0, 0.0);
    until("the spool is empty", async || {
        // The events first: payments that are still there after an event had left were there when it did.
        let metrics = site.metrics(Program::Edge).await;
        let events = metrics.get(r#"tracker_spool_drained_total{spool="events"}"#).copied().unwrap_or(0.0);
        let payments = site.spooled("payments").await;
        assert!(payments == 0 || events == 0.0, "{events} events left before {payments} payments");
        (spooled, drained) = (site.spooled("events").await, events);
        (spooled + payments == 0).then_some(())
    })
    .await;
    println!("{}: {drained} events drained", site.name);
}

#[test]
fn while_the_broker_is_away_everything_is_taken_and_payments_arrive_first() {
    run(async {
        let mut broker = broker("spool_outage").await;
        // Slow enough to be looked at while it drains; small segments, so that there are several.
        let rate = (PER_SECOND * 5).to_string();
        let settings = [
            ("KAFKA__BROKERS", broker.address()),
            ("EDGE__SPOOL__SEGMENT", "64KiB".to_owned()),
            ("EDGE__SPOOL__DRAIN_RATE", rate),
            // However long a busy machine takes to answer all of them.
            ("EDGE__PRODUCE_TIMEOUT", "60s".to_owned()),
        ];
        let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
        let mut site = Site::start("spool_outage", &settings).await;
        let mut events = site.takes(20).await;
        broker.kill();
        let (first, mut payments) = pour(&site).await;
        assert!(site.spooled("events").await > 0 && site.spooled("payments").await > 0);
        assert_eq!(site.get("/ready").await.status, 200, "it can take an event and keep it");
        site.kill(Program::Edge);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        let (second, more) = pour(&site).await;
        payments.extend(more);
        events.extend(first.into_iter().chain(second));
        let spooled = site.spooled("payments").await + site.spooled("events").await;
        println!("{spooled} messages spooled");
        assert!(
            spooled as usize >= payments.len() + events.len() - 20,
            "what the broker had before is not spooled"
        );

        broker.restart().await.expect("the broker comes back");
        payments_leave_first(&site).await;
        let fresh = site.takes(20).await;
        events.extend(fresh);
        for (table, id, expected) in [("events", "eid", events), ("payments", "id", payments)] {
            let unique = format!("SELECT uniqExact({id}) AS n FROM {table}");
            until(&format!("all of {table}"), async || {
                (site.count(&unique).await >= expected.len() as u64).then_some(())
            })
            .await;
            let rows = site.rows(&format!("SELECT {id} AS id FROM {table} FINAL")).await;
            let stored: Vec<Uuid> =
                rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect();
            assert_eq!(stored.len(), expected.len(), "{table}: each once");
            assert_eq!(stored.into_iter().collect::<HashSet<_>>(), expected, "{table}");
        }
        println!("every event and payment is in its table");
    });
}

#[test]
fn a_disk_that_is_full_is_told_and_the_spool_recovers_when_it_is_drained() {
    run(async {
        let mut broker = broker("spool_full").await;
        let address = broker.address();
        let small = SmallDisk::new(&stack().await.folder.path().join("spool_full_disk"));
        let path = small.path.display().to_string();
        let mut settings = vec![("KAFKA__BROKERS", address.as_str()), ("EDGE__SPOOL__PATH", path.as_str())];
        settings.push(("EDGE__SPOOL__SEGMENT", "64KiB"));
        if !small.mounted {
            settings.extend([("EDGE__SPOOL__HIGH_WATER", "1MiB"), ("EDGE__SPOOL__LOW_WATER", "512KiB")]);
        }
        let mut site = Site::prepare("spool_full", &settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        until("the broker answers", async || {
            let status = site.get("/status").await.json();
            (status["producers"]["events"]["broker"] == "up").then_some(())
        })
        .await;
        broker.kill();
        let padding = "x".repeat(20_000);
        let tag = if small.mounted { "spool_disk" } else { "spool_full" };
        let mut kept = HashSet::new();
        let refused = until("the disk is full", async || {
            let eid = Uuid::now_v7();
            let body = json!({ "eid": eid, "ename": "spooled", "padding": padding }).to_string();
            let answer = site.post("/tr/v1/tr/", body).await;
            if answer.status == 200 {
                kept.insert(eid);
                return None;
            }
            // A disk may only be slow for a moment.
            Some(answer).filter(|answer| answer.json()["error"] == tag)
        })
        .await;
        assert_eq!(refused.status, 503);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
        assert!(kept.len() > 20, "{} events fill the disk", kept.len());
        assert_eq!(site.get("/health").await.status, 200, "it lives");
        assert_eq!(site.get("/ready").await.status, 503);

        broker.restart().await.expect("the broker comes back");
        site.drained().await;
        site.ready(Program::Edge).await;
        kept.extend(site.takes(20).await);
        assert_eq!(site.keys(Topic::Events).await.into_iter().collect::<HashSet<_>>(), kept);
        println!("{} events were kept, on a {tag} disk", kept.len());
    });
}

/// A disk of a megabyte.
struct SmallDisk {
    path: PathBuf,
    /// Else this user may not mount: the spool's own bound stands in, and a disk that fails is tried in memory by
    /// the tests of `tracker-edge`.
    mounted: bool,
}

impl SmallDisk {
    fn new(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(path).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            println!("no right to mount a small disk: the spool's own bound is tried instead");
        }
        Self { path: path.to_owned(), mounted }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: the edge may still have its files open.
            let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
            assert!(unmounted.is_ok_and(|status| status.success()));
        }
    }
}

#[test]
fn two_edges_do_not_share_a_spool_and_the_second_says_what_to_change() {
    run(async {
        let site = alone("spool_shared", &[]).await;
        let [port] = *free_ports(1).unwrap() else { panic!("one port") };
        let second = Command::new(binary("tracker-edge"))
            .envs(&site.environment)
            .env("TRACKER_EDGE__LISTEN", format!("127.0.0.1:{port}"))
            .current_dir(&site.folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert_eq!(second.status.code(), Some(1), "{said}");
        assert!(said.contains("in use") && said.contains("edge.spool.path"), "{said}");
        let repair = site.tracker_output(&["spool", "repair"]);
        assert_eq!(repair.status.code(), Some(1), "nor is it repaired while an edge writes");
        assert_eq!(site.takes(3).await.len(), 3);
    });
}

#[test]
fn a_damaged_spool_is_verified_repaired_and_drained_by_hand() {
    run(async {
        let mut site = alone("spool_damage", &[("EDGE__SPOOL__AFTER", "100ms")]).await;
        let mut taken = site.takes(20).await;
        site.tracker(&["spool", "verify"]);
        site.kill(Program::Edge);
        let segment = site.segment();
        let mut bytes = fs::read(&segment).unwrap();
        // In the key of an event.
        let lost = taken.iter().find(|id| find(&bytes, id).is_some()).copied().unwrap();
        let at = find(&bytes, &lost).unwrap();
        bytes[at] ^= 1;
        fs::write(&segment, &bytes).unwrap();

        let verified = site.tracker_output(&["spool", "verify", "--json"]);
        assert_eq!(verified.status.code(), Some(1));
        let told: Value = serde_json::from_slice(&verified.stdout).unwrap();
        let segments = told["segments"].as_array().unwrap();
        let damage: Vec<&Value> = segments.iter().flat_map(|one| one["damage"].as_array().unwrap()).collect();
        let [damage] = damage[..] else { panic!("{told}") };
        let place = |name: &str| damage[name].as_u64().unwrap() as usize;
        let range = place("offset")..place("offset") + place("bytes");
        assert!(range.contains(&at), "{damage} is where it is damaged: {at}");
        assert_eq!(told["messages"], 19);

        site.tracker(&["spool", "repair"]);
        site.tracker(&["spool", "verify"]);
        let listed = site.tracker(&["spool", "ls"]);
        assert!(listed.contains("19 messages") && listed.contains("aside"), "{listed}");
        with_broker(&mut site, &stack().await.brokers);
        let drained: Value = serde_json::from_str(&site.tracker(&["spool", "drain", "--json"])).unwrap();
        assert_eq!(drained["sent"], json!({ "agreements": 0, "events": 19, "payments": 0 }));
        taken.remove(&lost);
        assert_eq!(site.keys(Topic::Events).await.into_iter().collect::<HashSet<_>>(), taken);
        assert!(site.tracker(&["spool", "ls"]).contains("0 messages"));
    });
}

/// Where the key of an event stands.
fn find(bytes: &[u8], id: &Uuid) -> Option<usize> {
    let id = id.to_string().into_bytes();
    bytes.windows(id.len()).position(|window| window == id)
}

#[test]
fn an_edge_that_is_killed_while_it_drains_sends_the_rest_and_perhaps_some_again() {
    run(async {
        // Half a minute to be killed in, on however busy a machine.
        let settings = [("EDGE__SPOOL__AFTER", "100ms"), ("EDGE__SPOOL__DRAIN_RATE", "20")];
        let mut site = alone("spool_killed", &settings).await;
        let taken = site.takes(700).await;
        site.kill(Program::Edge);
        // The drain removes a segment when all of it is sent: the kill comes in the middle of this one.
        let segment = fs::read(site.segment()).unwrap();
        let brokers = stack().await.brokers.clone();
        with_broker(&mut site, &brokers);
        site.launch(Program::Edge);
        let some = until("some of the segment are drained", async || {
            let keys = site.keys(Topic::Events).await;
            keys.iter().any(|id| find(&segment, id).is_some()).then_some(keys.len())
        })
        .await;
        site.kill(Program::Edge);
        assert!(some < taken.len(), "the kill was in the middle");
        site.environment.insert("TRACKER_EDGE__SPOOL__DRAIN_RATE".to_owned(), "5000".to_owned());
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        site.drained().await;
        let keys = site.keys(Topic::Events).await;
        println!("{} messages, of {} events", keys.len(), taken.len());
        assert!(keys.len() > taken.len(), "what was sent and not removed is sent again, under the same ids");
        assert_eq!(keys.into_iter().collect::<HashSet<_>>(), taken);
    });
}
