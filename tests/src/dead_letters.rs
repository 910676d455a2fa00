//! What cannot be carried on is listed, shown, corrected and sent again, once; and a lane that cannot bury does not go on.

use crate::{
    endpoints::CONSENT,
    rig::{Program, Site, run, until},
};
use serde_json::{Value, json};
use std::collections::HashSet;
use tracker_schemas::Topic;
use tracker_stream::{
    envelope::{Message, REDRIVE},
    kafka::Admin,
};
use uuid::Uuid;

impl Site {
    /// What `tracker dead …` tells, a value a line.
    fn dead(&self, arguments: &[&str]) -> Vec<Value> {
        let told = self.tracker(&[&["dead"], arguments, &["--json"]].concat());
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until so many letters are listed under these conditions.
    async fn listed(&self, wanted: usize, conditions: &[&str]) -> Vec<Value> {
        until(&format!("{wanted} dead letters"), async || {
            let letters = self.dead(&[&["list"], conditions].concat());
            (letters.len() == wanted).then_some(letters)
        })
        .await
    }

    /// The messages of a topic that were sent again.
    async fn redriven(&self, topic: Topic) -> Vec<Message> {
        let messages = self.messages(topic).await;
        messages.into_iter().filter(|message| message.headers.get(REDRIVE).is_some()).collect()
    }
}

fn outcomes(told: &[Value]) -> Vec<&str> {
    told.iter().map(|line| line["outcome"].as_str().unwrap()).collect()
}

#[test]
fn a_row_that_only_clickhouse_refuses_is_corrected_sent_again_and_stored_once() {
    run(async {
        let site = Site::start("dead_poison", &[]).await;
        site.execute("ALTER TABLE events ADD CONSTRAINT no_poison CHECK ename != 'poison'").await;
        let [poisoned, good] = [(); 2].map(|()| Uuid::now_v7());
        for (eid, ename) in [(poisoned, "poison"), (good, "fine")] {
            let body = json!({ "eid": eid, "ename": ename, "cflags": CONSENT, "params": { "n": 1.50 } });
            assert_eq!(site.post("/tr/v1/tr/", body.to_string()).await.status, 200);
        }
        assert_eq!(site.event(&good.to_string()).await["ename"], "fine");

        let letter =
            site.listed(1, &["--reason", "refused_by_clickhouse", "--origin", "load"]).await.remove(0);
        assert!(letter["detail"].as_str().unwrap().contains("Code: 469"), "ClickHouse's own words: {letter}");
        assert_eq!((&letter["topic"], &letter["redriven"]), (&json!("dead_poison.enriched"), &json!(false)));
        let id = letter["id"].as_str().unwrap();
        let shown = &site.dead(&["show", id])[0];
        assert_eq!(
            (&shown["record"]["ename"], &shown["record"]["eid"]),
            (&json!("poison"), &json!(poisoned))
        );
        assert_eq!(shown["letter"]["reason"], "refused_by_clickhouse");
        assert_ne!((&shown["letter"]["schema"], &shown["letter"]["version"]), (&Value::Null, &Value::Null));

        let edit = ".ename = \"mended\"";
        assert_eq!(outcomes(&site.dead(&["redrive", id, "--edit", edit, "--dry-run"])), ["would_be_sent"]);
        for wrong in [".eid = \"00000000-0000-7000-8000-000000000000\"", ".enam = 1", ".w = \"wide\""] {
            let refused = site.tracker_output(&["dead", "redrive", id, "--edit", wrong]);
            assert_eq!(refused.status.code(), Some(1), "{wrong}");
        }
        assert_eq!(site.messages(Topic::Redrives).await.len(), 0, "nothing was sent");

        assert_eq!(outcomes(&site.dead(&["redrive", id, "--edit", edit])), ["sent"]);
        assert_eq!(site.event(&poisoned.to_string()).await["ename"], "mended");
        for _ in 0..2 {
            assert_eq!(outcomes(&site.dead(&["redrive", id, "--edit", edit])), ["sent_before"]);
        }
        assert_eq!(site.redriven(Topic::Enriched).await.len(), 1);
        assert_eq!(site.listed(1, &[]).await[0]["redriven"], true);
        let again =
            site.post("/tr/v1/tr/", json!({ "ename": "behind", "cflags": CONSENT }).to_string()).await;
        assert_eq!(again.status, 200);
        site.row("SELECT 1 FROM events WHERE ename = 'behind'").await;
        let rows = format!("SELECT count() AS n FROM events WHERE eid = '{poisoned}'");
        assert_eq!(site.count(&rows).await, 1, "without FINAL");
    });
}

#[test]
fn a_message_that_cannot_be_read_is_sent_again_as_it_was_and_by_many_runs_once() {
    run(async {
        const LETTERS: usize = 150;
        let site = Site::start("dead_again", &[]).await;
        let keys: Vec<Uuid> = (0..LETTERS).map(|_| Uuid::now_v7()).collect();
        let values = keys.iter().map(|key| (key.to_string(), format!("no event: {key}").into_bytes()));
        site.put(Topic::Events, values).await;
        let letters = site.listed(LETTERS, &["--topic", "events", "--limit", "1000"]).await;
        let id = letters[0]["id"].as_str().unwrap();
        let shown = site.tracker(&["dead", "show", id]);
        assert!(shown.contains("|no event: "), "as bytes: {shown}");
        let edited = site.tracker_output(&["dead", "redrive", id, "--edit", ".ver = 1"]);
        assert_eq!(edited.status.code(), Some(1));
        let said = String::from_utf8(edited.stdout).unwrap();
        assert!(said.contains("without --edit it is sent as it was"), "{said}");
        let unselected = site.tracker_output(&["dead", "redrive"]);
        assert_eq!(unselected.status.code(), Some(2));

        let arguments = ["dead", "redrive", "--topic", "events", "--from", "1h", "--limit", "150"];
        let runs = [(); 3].map(|()| site.command(&arguments).spawn().unwrap());
        for mut run in runs {
            run.wait().unwrap(); // one that another fences ends with a failure
        }
        site.tracker_output(&arguments);
        let sent = site.redriven(Topic::Events).await;
        let ids: HashSet<_> =
            sent.iter().map(|message| message.headers.get(REDRIVE).unwrap().to_vec()).collect();
        assert_eq!((sent.len(), ids.len()), (LETTERS, LETTERS), "each once");
        let originals = site.messages(Topic::Events).await;
        for message in &sent {
            let original =
                originals.iter().find(|other| other.key == message.key && other.offset < message.offset);
            let original = original.expect("under its key");
            assert_eq!((&original.payload, original.timestamp_ms), (&message.payload, message.timestamp_ms));
        }
        // Nobody can read them now either: each is a letter of its own again.
        site.listed(2 * LETTERS, &["--topic", "events", "--limit", "1000"]).await;
    });
}

#[test]
fn a_lane_that_cannot_bury_stops_and_says_so_and_goes_on_when_it_can() {
    run(async {
        let site = Site::start_only("dead_nowhere", &[], &[Program::Edge, Program::Payments]).await;
        let kafka = site.kafka();
        let admin = Admin::connect(&kafka).unwrap();
        admin.delete(&[kafka.topic(Topic::DeadLetters.name()).to_string()]).await.unwrap();

        let [broken, good] = [(); 2].map(|()| Uuid::new_v4());
        site.put(Topic::Payments, [(broken.to_string(), b"no payment".to_vec())]).await;
        let ready = format!("{}/ready", site.address(Program::Payments));
        let said = until("payments says that it cannot bury", async || {
            let answer = reqwest::get(&ready).await.ok()?;
            let status = answer.status();
            let said = answer.text().await.ok()?;
            (status == 503 && said.lines().any(|line| line.starts_with("payments: "))).then_some(said)
        })
        .await;
        assert!(said.contains("partition 0"), "{said}");
        let paid = json!({ "id": good, "revenue": 1 }).to_string();
        assert_eq!(site.post_secret("/tr/v1/ltv/", paid).await.status, 200);
        let (group, topic) = (kafka.group("payments"), kafka.topic(Topic::Payments.name()));
        let next = admin.committed(&group, &topic).await.unwrap();
        assert!(next.iter().all(|(_, next)| next.unwrap_or(0) == 0), "no offset moved: {next:?}");
        assert_eq!(site.count("SELECT count() AS n FROM payments").await, 0);

        site.tracker(&["topics", "apply"]);
        site.row(&format!("SELECT 1 FROM payments WHERE id = '{good}'")).await;
        let letters = site.messages(Topic::DeadLetters).await;
        assert_eq!(letters.len(), 1, "it is buried, and was not skipped");
    });
}
