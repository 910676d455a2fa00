//! The books balance, whoever is killed: everything that the edge accepted is in its table, in `dead_letters`, or was
//! dropped by rule.

use crate::rig::{Program, Site, broker, database, post, run, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    fs,
    process::Stdio,
};
use tokio::process::{Child, Command};
use tracker_schemas::Topic;
use uuid::Uuid;

const LINES: usize = 200_000;
/// Messages on the raw topic that are no events.
const UNREADABLE: usize = 3;

#[test]
fn a_log_of_two_hundred_thousand_lines_is_kept_whole_though_its_loader_is_killed() {
    run(async {
        let mut site = Site::start("books", &[]).await;
        let log = Log::write(&site, LINES);
        let sending = log.send(&site, &[]);
        let unreadable = (0..UNREADABLE).map(|number| (number.to_string(), b"no event".to_vec()));
        site.put(Topic::Events, unreadable).await;
        let stored = site.holds_events(LINES as u64 / 4).await;
        site.kill(Program::Load);
        until("20,000 events more are accepted", async || {
            (site.accepted().await >= stored + 20_000).then_some(())
        })
        .await;
        site.launch(Program::Load);
        let sent = summary(sending).await;
        println!("{stored} rows at the kill; sent: {sent}");

        let broken: u64 = counts(&sent["broken"]).values().sum();
        assert_eq!(broken, log.broken.len() as u64, "every broken line is counted");
        assert_eq!(counts(&sent["rejected"]), HashMap::new());
        let accepted = sent["accepted"].as_u64().unwrap();
        assert_eq!((sent["read"].as_u64().unwrap(), accepted), (LINES as u64, LINES as u64 - broken));
        assert!(stored < accepted, "the kill was in the middle");
        assert_eq!(site.accepted().await, accepted, "the edge counts the same");
        site.keeps(&log).await;
        site.balances(accepted).await;
    });
}

#[test]
fn enrich_is_killed_in_the_middle_and_every_event_arrives() {
    run(async {
        let mut site = Site::start("killed_enrich", &[]).await;
        let log = Log::write(&site, SMALL);
        let sending = log.send(&site, &["--rate", RATE]);
        let stored = site.holds_events(SMALL as u64 / 5).await;
        site.kill(Program::Enrich);
        assert!(stored < SMALL as u64, "the kill was in the middle, not after {stored}");
        site.launch(Program::Enrich);
        log.arrives(&site, sending).await;
    });
}

#[test]
fn the_broker_is_killed_in_the_middle_and_every_event_arrives() {
    run(async {
        let mut broker = broker("killed_broker").await;
        let site = Site::start("killed_broker", &[("KAFKA__BROKERS", &broker.address())]).await;
        let log = Log::write(&site, SMALL);
        let sending = log.send(&site, &["--rate", RATE]);
        let stored = site.holds_events(SMALL as u64 / 5).await;
        broker.kill();
        assert!(stored < SMALL as u64, "the kill was in the middle, not after {stored}");
        broker.restart().await.unwrap();
        log.arrives(&site, sending).await;
    });
}

#[test]
fn clickhouse_is_killed_in_the_middle_and_every_event_arrives() {
    run(async {
        let mut database = database("killed_database").await;
        let site = Site::start("killed_database", &[("CLICKHOUSE__URL", &database.url())]).await;
        let log = Log::write(&site, SMALL);
        let sending = log.send(&site, &["--rate", RATE]);
        let stored = site.holds_events(SMALL as u64 / 5).await;
        database.kill();
        assert!(stored < SMALL as u64, "the kill was in the middle, not after {stored}");
        until("1,000 are accepted that the database does not have", async || {
            (site.accepted().await >= stored + 1000).then_some(())
        })
        .await;
        database.restart().await.unwrap();
        log.arrives(&site, sending).await;
    });
}

#[test]
fn payments_is_killed_in_the_middle_and_every_payment_arrives() {
    run(async {
        let mut site = Site::start("killed_payments", &[]).await;
        let user = Uuid::new_v4();
        let ids: Vec<Uuid> = (0..SMALL).map(|_| Uuid::new_v4()).collect();
        let requests: Vec<_> = ids
            .chunks(100)
            .map(|ids| {
                let payments: Vec<_> = ids.iter().map(|id| json!({ "id": id, "revenue": "0.01" })).collect();
                let body = json!({ "uid": user, "payments": payments }).to_string();
                site.request(Method::POST, "/tr/v1/ltv/").bearer_auth(&site.secret).body(body)
            })
            .collect();
        let posting = tokio::spawn(async move {
            for request in requests {
                assert_eq!(post(request).await.status, 200);
            }
        });
        let payments = "SELECT uniqExact(id) AS n FROM payments";
        let stored =
            until("some payments", async || Some(site.count(payments).await).filter(|n| *n > 0)).await;
        site.kill(Program::Payments);
        assert!(stored < SMALL as u64, "the kill was in the middle, not after {stored}");
        posting.await.unwrap();
        site.launch(Program::Payments);
        until("every payment", async || (site.count(payments).await == SMALL as u64).then_some(())).await;
        let found: HashSet<Uuid> = site.ids("SELECT DISTINCT id FROM payments").await;
        assert_eq!(found, ids.into_iter().collect());
        site.tell_doubles("payments", "id").await;
        // The view's rows follow a moment after the table's.
        let sums = until("every payment in ltvu", async || {
            let sums = site.rows("SELECT uid, currency, revenue, payments FROM ltvu").await;
            let counted = sums.first()?["payments"].as_u64()?;
            (counted >= SMALL as u64).then_some(sums)
        })
        .await;
        let revenue = json!({ "uid": user, "currency": "USD", "revenue": "50", "payments": SMALL });
        assert_eq!(sums, [revenue], "no cent twice, no cent less");
    });
}

/// Events of a small run.
const SMALL: usize = 5_000;
/// How fast they are sent: 3 s in all.
const RATE: &str = "1700/s";

/// An access log, and what should come of it.
struct Log {
    path: String,
    /// The id of each line that is whole.
    ids: HashSet<Uuid>,
    /// The lines that are broken.
    broken: Vec<String>,
}

impl Log {
    fn write(site: &Site, lines: usize) -> Self {
        let text = site.tracker(&["sample-log", "--lines", &lines.to_string(), "--seed", "7"]);
        let path = site.folder.join("access.log");
        fs::write(&path, &text).unwrap();
        fs::write(site.folder.join("secret"), &site.secret).unwrap();
        let mut log = Self { path: path.display().to_string(), ids: HashSet::new(), broken: Vec::new() };
        for (line, number) in text.lines().zip(1..) {
            // A whole line begins with its site, and no broken one does.
            if line.split(' ').next().is_some_and(|word| word.ends_with(":443")) {
                let name = format!("\n{number}\n{line}");
                log.ids.insert(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
            } else {
                log.broken.push(line.to_owned());
            }
        }
        assert_eq!(log.ids.len() + log.broken.len(), lines);
        log
    }

    fn send(&self, site: &Site, more: &[&str]) -> Child {
        let arguments = ["send", "--file", &self.path, "--key-file", "secret", "--json"];
        let mut command = Command::from(site.command(&[&arguments, more].concat()));
        command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    }

    /// Waits for the end of the sending, and for its events.
    async fn arrives(&self, site: &Site, sending: Child) {
        let sent = summary(sending).await;
        println!("sent: {sent}");
        assert_eq!(sent["accepted"].as_u64().unwrap(), self.ids.len() as u64);
        site.keeps(self).await;
    }
}

impl Site {
    /// What was taken in is what came of it, here and in the metrics of enrich.
    async fn balances(&self, accepted: u64) {
        let wanted = accepted + UNREADABLE as u64;
        let dead_letters = "SELECT uniqExact(topic, partition, offset) AS n FROM dead_letters";
        until("every unreadable message in dead_letters", async || {
            (self.count(dead_letters).await >= UNREADABLE as u64).then_some(())
        })
        .await;
        let enrich = self.metrics(Program::Enrich).await;
        let settled = |fate: &str| -> u64 {
            let (lane, fate) = (r#"lane="enrich""#, format!(r#"fate="{fate}""#));
            let is = |name: &str| {
                name.starts_with("tracker_lane_settled_total") && name.contains(lane) && name.contains(&fate)
            };
            enrich.iter().filter(|(name, _)| is(name)).map(|(_, count)| *count as u64).sum()
        };
        let stored = self.count("SELECT uniqExact(eid) AS n FROM events").await;
        let dead = self.count(dead_letters).await;
        let dropped = settled("dropped");
        println!("{wanted} in; {stored} events, {dead} dead letters, {dropped} dropped by rule");
        assert_eq!(stored + dead + dropped, wanted);
        // Not exactly: who is thought dead for a moment reads again what it has not committed.
        assert!(enrich[r#"tracker_lane_received_total{lane="enrich"}"#] as u64 >= wanted);
        assert_eq!([settled("delivered"), settled("dead")], [stored, dead]);
    }

    /// Waits for so many rows in `events`, and says how many there are.
    async fn holds_events(&self, wanted: u64) -> u64 {
        until(&format!("{wanted} rows in events"), async || {
            Some(self.count("SELECT count() AS n FROM events").await).filter(|rows| *rows >= wanted)
        })
        .await
    }

    /// Waits until the table has as many events as the log, and compares their ids.
    async fn keeps(&self, log: &Log) {
        let wanted = log.ids.len() as u64;
        until(&format!("{wanted} events"), async || {
            self.holds_events(wanted).await;
            (self.count("SELECT uniqExact(eid) AS n FROM events").await >= wanted).then_some(())
        })
        .await;
        assert_eq!(self.ids("SELECT DISTINCT eid AS id FROM events").await, log.ids);
        assert_eq!(
            self.count("SELECT count() AS n FROM events FINAL").await,
            wanted,
            "FINAL shows each once"
        );
        self.tell_doubles("events", "eid").await;
    }

    async fn ids(&self, sql: &str) -> HashSet<Uuid> {
        let rows = self.rows(sql).await;
        rows.iter().map(|row| row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")).collect()
    }

    /// Events that the edge has accepted from servers.
    async fn accepted(&self) -> u64 {
        let metrics = self.metrics(Program::Edge).await;
        metrics.get(r#"tracker_edge_accepted_total{route="str"}"#).map_or(0, |count| *count as u64)
    }

    /// At least once: some may stand there twice until ClickHouse has merged them.
    async fn tell_doubles(&self, table: &str, id: &str) {
        let doubles = self.count(&format!("SELECT count() - uniqExact({id}) AS n FROM {table}")).await;
        println!("{}: {doubles} doubles before FINAL", self.name);
    }
}

/// What `tracker send` says of its work.
async fn summary(sending: Child) -> Value {
    let output = sending.wait_with_output().await.unwrap();
    assert!(output.status.success(), "tracker send: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("a summary")
}

fn counts(by_reason: &Value) -> HashMap<String, u64> {
    serde_json::from_value(by_reason.clone()).expect("counts by reason")
}
