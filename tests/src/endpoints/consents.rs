//! Consents are kept, told to whom knows the visitor, and kept while the broker is away; a person who is erased stays so.

use super::CONSENT;
use crate::rig::{Answer, Program, Site, broker, post, run, shared, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tracker_schemas::{Agreement, Decoder, Erasure, SubjectKind, Topic};
use uuid::Uuid;

const AGREE: &str = "/tr/v1/ppi/agree";
const FORGET: &str = "/tr/v1/ppi/forget";

async fn agree(site: &Site, consent: &Value) -> Answer {
    site.post(AGREE, consent.to_string()).await
}

impl Site {
    /// The bits of each consent of a visitor, as they are told.
    async fn consents(&self, vid: Uuid) -> Vec<Value> {
        // A database that takes its time is no fault: it is asked again.
        let answer = until("consents are told", async || {
            Some(self.get(&format!("{AGREE}?vid={vid}")).await).filter(|answer| answer.status != 503)
        })
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().as_array().expect("an array").clone()
    }

    /// Waits until the history of a visitor has so many, and gives them, newest first.
    async fn history(&self, vid: Uuid, count: usize) -> Vec<Value> {
        until(&format!("{count} consents of {vid}"), async || {
            Some(self.consents(vid).await).filter(|told| told.len() == count)
        })
        .await
    }
}

#[test]
fn a_consent_and_its_withdrawal_are_in_both_tables_and_told_newest_first() {
    run(async {
        let site = shared().await;
        let (vid, oid) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(site.consents(vid).await, [] as [Value; 0]);
        let given = json!({
            "vid": vid, "oid": oid, "cflags": CONSENT, "regulation": "GDPR", "country": "de",
            "compliances": { "gdpr": ["statistics", "marketing"] }, "banner": 7, "email": "ann@example.com",
        });
        let from = |path: &str| site.request(Method::POST, path).header("x-forwarded-for", "203.0.113.77");
        let answer = post(from(AGREE).body(given.to_string())).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));
        site.history(vid, 1).await;
        let path = format!("{AGREE}/vid/{vid}/oid/{oid}/cflags/1/source/preferences");
        assert_eq!(post(from(&path)).await.status, 200);

        let told = site.history(vid, 2).await;
        let flags: Vec<_> = told.iter().map(|consent| consent["cflags"].as_u64()).collect();
        assert_eq!(flags, [Some(1), Some(CONSENT)]);
        assert_eq!((&told[0]["source"], &told[1]["country"]), (&json!("preferences"), &json!("DE")));
        assert_eq!(told[1]["compliances"], given["compliances"]);
        assert_eq!(told[1]["params"], json!({ "banner": 7 }), "nothing of the person is kept");
        assert!(told[0].get("ip").is_none() && told[0].get("uid").is_none(), "{told:?}");

        // A row is in its table a moment before it is in the tables that views fill.
        until("the last consent holds", async || {
            let now =
                site.rows(&format!("SELECT cflags, oid FROM agreements FINAL WHERE vid = '{vid}'")).await;
            (now == [json!({ "cflags": 1, "oid": oid })]).then_some(())
        })
        .await;
        let said = site
            .rows(&format!("SELECT cflags, ip FROM agreed FINAL WHERE vid = '{vid}' ORDER BY cflags"))
            .await;
        assert_eq!(
            said,
            [json!({ "cflags": 1, "ip": "203.0.113.0" }), json!({ "cflags": CONSENT, "ip": "203.0.113.0" })]
        );
        let messages = site.messages(Topic::Agreements).await;
        let of_visitor: Vec<_> = messages
            .iter()
            .filter(|message| message.key.as_deref() == Some(vid.to_string().as_bytes()))
            .collect();
        assert_eq!(of_visitor.len(), 2);
        let whole = |payload: &[u8]| payload.windows(12).any(|text| text == b"203.0.113.77");
        assert!(
            !of_visitor.iter().any(|message| whole(&message.payload)),
            "no whole address is on the topic"
        );
    });
}

#[test]
fn the_same_consent_again_is_one_and_an_older_one_that_comes_late_changes_nothing() {
    run(async {
        let site = shared().await;
        let (vid, id) = (Uuid::now_v7(), Uuid::now_v7());
        let consent = json!({ "id": id, "vid": vid, "cflags": 1 });
        for _ in 0..3 {
            assert_eq!(agree(site, &consent).await.status, 200);
        }
        let minute_ago = tracker_stream::clock::now_ms() - 60_000;
        let late = json!({ "vid": vid, "cflags": CONSENT, "created_at": minute_ago });
        assert_eq!(agree(site, &late).await.status, 200);
        let told = site.history(vid, 2).await;
        assert_eq!((&told[0]["id"], &told[1]["cflags"]), (&json!(id), &json!(CONSENT)));
        // The view has what an insert brings a moment after the table.
        let sql = format!("SELECT cflags FROM agreements FINAL WHERE vid = '{vid}'");
        let state = [json!({ "cflags": 1 })];
        until("the consent that holds", async || (site.rows(&sql).await == state).then_some(())).await;
    });
}

#[test]
fn what_is_no_consent_is_refused_and_what_asks_for_nobody_too() {
    run(async {
        let site = shared().await;
        let vid = Uuid::now_v7();
        for (body, reason) in [
            (json!({ "cflags": 1 }), "missing_vid"),
            (json!({ "vid": vid }), "missing_cflags"),
            (json!({ "vid": "ann", "cflags": 1 }), "invalid_uuid"),
            (json!([{ "vid": vid, "cflags": 1 }]), "not_an_object"),
            (json!({ "vid": vid, "cflags": 1, "params": "x".repeat(20_000) }), "event_too_large"),
        ] {
            let refusal = agree(site, &body).await.refusal();
            assert_eq!(refusal.1, reason, "{refusal:?}");
        }
        assert_eq!(site.get(AGREE).await.refusal(), (400, "missing_vid".to_owned()));
        assert_eq!(site.consents(vid).await, [] as [Value; 0]);
        let opts_out = site.request(Method::POST, AGREE).header("sec-gpc", "1");
        assert_eq!(
            post(opts_out.body(json!({ "vid": vid, "cflags": CONSENT }).to_string())).await.status,
            200
        );
        let told = site.history(vid, 1).await;
        assert_eq!((&told[0]["cflags"], &told[0]["opt_out"]), (&json!(CONSENT & !4096), &json!(true)));
    });
}

#[test]
fn a_consent_is_kept_while_the_broker_is_away_and_the_books_close() {
    run(async {
        let mut broker = broker("consents_outage").await;
        let brokers = broker.address();
        let mut site = Site::start("consents_outage", &[("KAFKA__BROKERS", &brokers)]).await;
        let (before, meanwhile) = (Uuid::now_v7(), Uuid::now_v7());
        assert_eq!(agree(&site, &json!({ "vid": before, "cflags": 1 })).await.status, 200);
        site.history(before, 1).await;

        broker.kill();
        for number in 0..20 {
            assert_eq!(agree(&site, &json!({ "vid": meanwhile, "cflags": number })).await.status, 200);
        }
        let erasure = site.post_secret(FORGET, json!({ "vid": before }).to_string()).await;
        assert_eq!(erasure.status, 503, "an erasure is asked for again: {}", erasure.text());
        let spooled =
            async |site: &Site| site.get("/status").await.json()["spool"]["agreements"]["messages"].as_u64();
        assert_eq!(spooled(&site).await, Some(20));
        site.kill(Program::Edge);
        let listed: Value = serde_json::from_str(&site.tracker(&["spool", "ls", "--json"])).expect("JSON");
        assert_eq!((&listed["messages"], &listed["segments"][0]["kind"]), (&json!(20), &json!("agreements")));
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        assert_eq!(spooled(&site).await, Some(20), "a killed edge finds them again");

        broker.restart().await.expect("the broker comes back");
        let flags: Vec<_> =
            site.history(meanwhile, 20).await.iter().filter_map(|told| told["cflags"].as_u64()).collect();
        assert_eq!(flags, (0..20).rev().collect::<Vec<_>>());
        until("the spool is empty", async || (spooled(&site).await == Some(0)).then_some(())).await;
        assert!(site.stop(Program::Edge).await.is_some_and(|status| status.success()));
        let verified = site.tracker(&["ledger", "verify", "--settle", "0s", "--wait", "60s", "--json"]);
        let report: Value = serde_json::from_str(&verified).expect("JSON");
        let lines = report["lines"].as_array().expect("lines").iter();
        let of_topic: Vec<_> = lines.filter(|line| line["topic"] == "agreements").collect();
        let sum = |count: &str| of_topic.iter().filter_map(|line| line[count].as_u64()).sum::<u64>();
        assert_eq!(["drained", "read", "delivered"].map(sum), [20, 21, 21], "{report}");
        assert!(of_topic.iter().all(|line| line["state"] == "balanced"), "{report}");
    });
}

#[test]
fn without_the_loader_consents_are_taken_and_not_told() {
    run(async {
        let site = Site::start_only("consents_alone", &[], &[Program::Edge]).await;
        let vid = Uuid::now_v7();
        assert_eq!(agree(&site, &json!({ "vid": vid, "cflags": 1 })).await.status, 200);
        let answer = site.get(&format!("{AGREE}?vid={vid}")).await;
        assert_eq!(answer.refusal(), (503, "loader_away".to_owned()));
        assert_ne!(answer.header("retry-after"), "");
        let [message] = site.messages(Topic::Agreements).await.try_into().expect("one");
        let consent = Decoder::<Agreement>::new().decode(&message.payload).expect("a consent");
        assert_eq!((consent.vid, consent.cflags), (vid, 1));
    });
}

#[test]
fn of_a_person_who_is_forgotten_a_replay_brings_nothing_back() {
    run(async {
        let site = Site::start("consents_forget", &[("REPLAY__BLOCK_EVERY", "0ms")]).await;
        let [ann, bob] = [(); 2].map(|()| Uuid::now_v7());
        for vid in [ann, bob] {
            for _ in 0..5 {
                let event = json!({ "vid": vid, "ename": "seen", "cflags": CONSENT }).to_string();
                assert_eq!(site.post("/tr/v1/tr/", event).await.status, 200);
            }
        }
        until("all events are stored", async || {
            (site.count("SELECT count() AS n FROM events").await == 10).then_some(())
        })
        .await;
        assert_eq!(site.post(FORGET, json!({ "vid": ann }).to_string()).await.refusal().0, 401);
        let refused = site.post_secret(FORGET, json!({ "vid": "ann" }).to_string()).await;
        assert_eq!(refused.refusal(), (400, "invalid_uuid".to_owned()));
        let asked = site.post_secret(FORGET, json!({ "vid": ann }).to_string()).await;
        assert_eq!(asked.status, 202, "{}", asked.text());

        let [message] = site.messages(Topic::Erasures).await.try_into().expect("one erasure");
        assert_eq!(message.key.as_deref(), Some(format!("vid:{ann}:*").as_bytes()));
        let erasure = Decoder::<Erasure>::new().decode(&message.payload).expect("an erasure");
        assert_eq!((erasure.kind, erasure.subject, erasure.oid), (SubjectKind::Vid, ann, None));
        assert_eq!(asked.json(), json!({ "request": erasure.request }));

        // Who comes again afterwards is somebody new.
        tokio::time::timeout(Duration::from_secs(5), async {
            while tracker_stream::clock::now_ms() <= erasure.erased_at.0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the clock goes on");
        let event = json!({ "vid": ann, "ename": "seen", "cflags": CONSENT }).to_string();
        assert_eq!(site.post("/tr/v1/tr/", event).await.status, 200);
        until("the new event is stored", async || {
            (site.count("SELECT count() AS n FROM events").await == 11).then_some(())
        })
        .await;
        let replayed =
            site.tracker(&["replay", "--json", "--topic", "enriched", "--from", "start", "--into", "shadow"]);
        let told: Value = serde_json::from_str(&replayed).expect("JSON");
        let counts = ["read", "erased", "written"].map(|name| told["counts"][name].as_u64());
        assert_eq!(counts, [Some(11), Some(5), Some(6)], "{told}");
        let listed: Value = serde_json::from_str(
            site.tracker(&["replay", "ls", "--json"]).lines().next().expect("the replay"),
        )
        .expect("JSON");
        let shadow = listed["database"].as_str().expect("a shadow");
        let mut rows = site
            .rows(&format!("SELECT vid, count() AS n FROM {shadow}.events GROUP BY vid ORDER BY n"))
            .await;
        rows.sort_by_key(|row| row["n"].as_u64());
        assert_eq!(rows, [json!({ "vid": ann, "n": 1 }), json!({ "vid": bob, "n": 5 })]);
    });
}
