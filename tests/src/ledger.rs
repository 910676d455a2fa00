//! The books close, whoever is killed; and a row more or less is found in its minute.

use crate::rig::{Program, Site, run};
use serde_json::{Value, json};
use std::{collections::HashSet, process::Output};
use tracker_schemas::Topic;
use uuid::Uuid;

/// What a killed process leaves open is taken back after this.
const TRANSACTION: (&str, &str) = ("ENRICH__TRANSACTION_TIMEOUT", "5s");
const EVENTS: usize = 40;
const PAYMENTS: usize = 4;
/// Messages of each wave that cannot be read.
const UNREADABLE: usize = 2;
/// Events of each wave that the edge refuses.
const REFUSED: usize = 3;

/// What a client knows.
#[derive(Default)]
struct Sent {
    events: HashSet<Uuid>,
    payments: HashSet<Uuid>,
    unreadable: usize,
    refused: usize,
}

impl Sent {
    /// Some of everything, each event and payment of the last wave once more among it.
    async fn wave(&mut self, site: &Site) {
        let events: Vec<Uuid> = (0..EVENTS).map(|_| Uuid::now_v7()).collect();
        let again: Vec<Uuid> = self.events.iter().copied().take(5).collect();
        let one = |eid: &Uuid| json!({ "eid": eid, "ename": "counted", "cflags": 5377 });
        let wrong = (0..REFUSED).map(|_| json!({ "ename": "counted", "oid": "no id" }));
        let body: Vec<Value> = events.iter().chain(&again).map(one).chain(wrong).collect();
        let answer = site.post("/tr/v1/tr/", Value::from(body).to_string()).await;
        assert_eq!(answer.json()["accepted"], EVENTS + again.len(), "{}", answer.text());

        let payments: Vec<Uuid> = (0..PAYMENTS).map(|_| Uuid::now_v7()).collect();
        let again = self.payments.iter().copied().take(1);
        let items: Vec<Value> =
            payments.iter().copied().chain(again).map(|id| json!({ "id": id, "revenue": "1.25" })).collect();
        let answer = site.post_secret("/tr/v1/ltv/", json!({ "payments": items }).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());

        let unreadable = (0..UNREADABLE).map(|_| (Uuid::now_v7().to_string(), b"no event".to_vec()));
        site.put(Topic::Events, unreadable).await;
        self.events.extend(events);
        self.payments.extend(payments);
        self.unreadable += UNREADABLE;
        self.refused += REFUSED;
    }
}

fn verify(site: &Site) -> Output {
    site.tracker_output(&["ledger", "verify", "--settle", "0s", "--wait", "60s", "--json"])
}

/// Exit code and report.
fn report(output: &Output) -> (Option<i32>, Value) {
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report)
}

/// The sum of a count over the lines of a topic.
fn sum(report: &Value, topic: &str, count: &str) -> usize {
    let lines = report["lines"].as_array().expect("lines");
    let of_topic = lines.iter().filter(|line| line["topic"] == topic);
    of_topic.map(|line| usize::try_from(line[count].as_u64().expect("a count")).unwrap()).sum()
}

/// Everything that was sent is accounted for.
fn balances(site: &Site, sent: &Sent) {
    let (code, report) = report(&verify(site));
    assert_eq!((code, &report["breaks"], &report["behind"]), (Some(0), &json!([]), &json!([])), "{report:#}");
    assert!(report["lines"].as_array().unwrap().iter().all(|line| line["state"] == "balanced"), "{report:#}");
    for (topic, count, wanted) in [
        ("enriched", "rows", sent.events.len()),
        ("enriched", "delivered", sent.events.len()),
        ("events", "dead", sent.unreadable),
        ("dead_letters", "ids", sent.unreadable),
        ("payments", "rows", sent.payments.len()),
    ] {
        assert_eq!(sum(&report, topic, count), wanted, "{topic} {count}: {report:#}");
    }
    let refused = sum(&report, "events", "refused");
    assert!(refused <= sent.refused, "{refused} refusals of {} were written down", sent.refused);
}

/// The first break: its minute, topic and place, and what was expected and found.
fn first_break(site: &Site) -> (String, String, u64, u64) {
    let (code, report) = report(&verify(site));
    assert_eq!(code, Some(1), "{report:#}");
    let first = &report["breaks"][0];
    let text = |name: &str| first[name].as_str().expect("text").to_owned();
    let number = |name: &str| first[name].as_u64().expect("a number");
    (text("minute"), format!("{} {}", text("topic"), text("place")), number("expected"), number("found"))
}

#[test]
fn the_books_close_whoever_is_killed_and_a_row_more_or_less_is_found_in_its_minute() {
    run(async {
        let mut site = Site::start("ledger", &[TRANSACTION]).await;
        let mut sent = Sent::default();
        for program in [Program::Load, Program::Edge, Program::Enrich, Program::Payments, Program::Load] {
            sent.wave(&site).await;
            site.kill(program);
            site.launch(program);
            site.ready(program).await;
            sent.wave(&site).await;
        }
        balances(&site, &sent);

        let eid = sent.events.iter().next().expect("an event");
        let sql = format!(
            "SELECT formatDateTime(toStartOfMinute(received_at), '%Y-%m-%dT%H:%i:00.000Z') AS minute, count() AS n \
             FROM events WHERE toStartOfMinute(received_at) = \
             (SELECT toStartOfMinute(received_at) FROM events WHERE eid = '{eid}' LIMIT 1) GROUP BY minute"
        );
        let row = site.row(&sql).await;
        let (minute, rows) = (row["minute"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap());
        let place = "enriched stored".to_owned();

        site.execute("SYSTEM STOP MERGES events").await;
        site.execute(&format!("INSERT INTO events SELECT * FROM events WHERE eid = '{eid}'")).await;
        assert_eq!(first_break(&site), (minute.clone(), place.clone(), rows, rows + 1));

        site.execute("SYSTEM START MERGES events").await;
        site.execute(&format!("ALTER TABLE events DELETE WHERE eid = '{eid}' SETTINGS mutations_sync = 1"))
            .await;
        assert_eq!(first_break(&site), (minute.clone(), place, rows, rows - 1));
        let said = site.tracker_output(&["ledger", "verify", "--settle", "0s"]).stdout;
        let said = String::from_utf8_lossy(&said);
        assert!(
            said.contains(&format!("the books do not close; first at {minute} enriched, stored:")),
            "{said}"
        );
    });
}

#[test]
fn books_that_cannot_be_looked_at_are_not_taken_for_books_that_do_not_close() {
    run(async {
        let site = Site::prepare("ledger_unseen", &[("CLICKHOUSE__URL", "http://127.0.0.1:1")]).await;
        let output = site.tracker_output(&["ledger", "verify"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("clickhouse.url"), "{said}");
    });
}
