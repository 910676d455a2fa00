//! A topic can be replayed: what is missing comes back, once, whoever is killed, and what should stay away does.

use crate::rig::{Program, Site, run, until};
use serde_json::Value;
use std::{
    process::{Output, Stdio},
    time::{Duration, Instant},
};
use tracker_schemas::{Erasure, Event, Fact, Kind, Payment, SubjectKind, Timestamp, Topic};
use tracker_stream::clock;
use uuid::Uuid;

/// Two hosts, of which one loses its rows.
const KEPT: &str = "kept.example";
const LOST: &str = "lost.example";
const ANN: Uuid = Uuid::from_u128(0xa);
const DAY: i64 = 86_400_000;

/// The tables that the views of `events` keep. All of them have the host in their sorting key.
const TARGETS: [&str; 4] = ["dailies_data", "hits_data", "visitors_data", "sessions_data"];

/// What the views say, and what it is called.
const VIEWS: [(&str, &str); 4] = [
    ("dailies", "oid, host, day, bot, events, visitors, sessions"),
    ("hits", "oid, host, day, url, ename, bot, hits"),
    ("visitors", "oid, host, vid, first_at, last_at, events, sessions"),
    ("sessions", "oid, host, sid, vid, started_at, ended_at, seconds, events"),
];

fn event(number: u64, host: &str, visitor: Uuid) -> Event {
    let now = clock::now_ms();
    Event {
        fact: Fact {
            eid: Uuid::now_v7(),
            vid: Some(visitor),
            sid: Some(Uuid::from_u128(u128::from(number / 10) + 1)),
            ename: Some("view".to_owned()),
            url: Some(format!("https://{host}/{}?n={number}", number % 7)),
            cflags: Some(5377),
            country: Some("US".to_owned()),
            created_at: Timestamp(now - (number % 20) as i64 * DAY - number as i64), // of two months, mostly
            received_at: Timestamp(now),
            kind: Kind::Client,
            host: Some(host.to_owned()),
            edge: "edge-1".to_owned(),
            schema: 1,
            ..Fact::default()
        },
        ..Event::default()
    }
}

impl Site {
    /// Puts events on the raw topic, every second one of the lost host, and waits until the table and its views have them.
    async fn tells(&self, events: u64) {
        let visitor = |number: u64| Uuid::from_u128(u128::from(number % 50) + 100);
        let host = |number: u64| if number.is_multiple_of(2) { KEPT } else { LOST };
        let all = (0..events).map(|number| event(number, host(number), visitor(number)));
        self.produce(all.map(|event| (event.fact.eid.to_string(), event))).await;
        self.has(events).await;
    }

    /// Waits until the table and its views have so many events.
    async fn has(&self, events: u64) {
        for view in ["(SELECT count() AS events FROM events)", "dailies", "sessions", "visitors"] {
            let sql = format!("SELECT sum(events) AS n FROM {view}");
            until(&format!("{events} events in {view}"), async || {
                (self.count(&sql).await == events).then_some(())
            })
            .await;
        }
    }

    /// Everything that the views say, in order.
    async fn said(&self, database: &str) -> Vec<Vec<Value>> {
        let mut said = Vec::new();
        for (view, columns) in VIEWS {
            said.push(self.rows(&format!("SELECT {columns} FROM {database}.{view} ORDER BY ALL")).await);
        }
        said
    }

    /// Takes rows from the table and from what its views keep, as if they had never come.
    async fn loses(&self, condition: &str) {
        for table in ["events"].iter().chain(&TARGETS) {
            self.execute(&format!(
                "ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 1"
            ))
            .await;
        }
    }

    fn replay(&self, arguments: &[&str]) -> Value {
        let told = self.tracker(&[&["replay", "--json"], arguments].concat());
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"))
    }

    fn counts<const N: usize>(&self, arguments: &[&str], names: [&str; N]) -> [u64; N] {
        let summary = self.replay(arguments);
        names.map(|name| summary["counts"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {summary}")))
    }

    /// Rows, and different events.
    async fn rows_and_ids(&self, table: &str, key: &str) -> (u64, u64) {
        let rows = self.count(&format!("SELECT count() AS n FROM {table}")).await;
        (rows, self.count(&format!("SELECT uniqExact({key}) AS n FROM {table}")).await)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

const TABLE: [&str; 4] = ["--topic", "enriched", "--from", "start"];

#[test]
fn rows_that_were_lost_come_back_once_and_the_views_agree_and_a_second_replay_adds_nothing() {
    run(async {
        let site = Site::start("replay_lost", &[("REPLAY__BLOCK_EVERY", "0ms")]).await;
        site.tells(2000).await;
        let (before, names) = (site.said(&site.database).await, ["read", "present", "written"]);
        site.loses(&format!("host = '{LOST}'")).await;
        assert_eq!(site.rows_and_ids("events", "eid").await, (1000, 1000));

        let dry = site.counts(&[&TABLE[..], &["--dry-run"]].concat(), names);
        assert_eq!((dry, site.rows_and_ids("events", "eid").await), ([2000, 1000, 1000], (1000, 1000)));
        let filter = format!("host={KEPT}");
        assert_eq!(site.counts(&[&TABLE[..], &["--filter", &filter]].concat(), names), [2000, 1000, 0]);

        assert_eq!(site.counts(&TABLE, names), [2000, 1000, 1000]);
        site.has(2000).await;
        assert_eq!(site.rows_and_ids("events", "eid").await, (2000, 2000));
        assert_eq!(site.said(&site.database).await, before);
        assert_eq!(site.counts(&TABLE, names), [2000, 2000, 0]);
        assert_eq!(site.rows_and_ids("events", "eid").await, (2000, 2000));
    });
}

#[test]
fn a_topic_that_is_replayed_into_itself_brings_back_what_was_lost_and_nothing_twice() {
    run(async {
        let site = Site::start("replay_topic", &[("REPLAY__BLOCK_EVERY", "0ms")]).await;
        site.tells(1000).await;
        let before = site.said(&site.database).await;
        site.loses(&format!("host = '{LOST}'")).await;
        let arguments = [&TABLE[..], &["--into", "topic"]].concat();
        assert_eq!(site.counts(&arguments, ["present", "written"]), [500, 500]);
        site.has(1000).await;
        assert_eq!(site.said(&site.database).await, before);
        let messages = site.messages(Topic::Enriched).await;
        let again: Vec<_> =
            messages.iter().filter(|message| message.headers.get("replay").is_some()).collect();
        assert_eq!(again.len(), 500);
        let original = |copy: &&tracker_stream::envelope::Message| {
            messages.iter().any(|each| {
                (each.partition, &each.key, &each.payload, each.timestamp_ms)
                    == (copy.partition, &copy.key, &copy.payload, copy.timestamp_ms)
                    && each.headers.get("replay").is_none()
            })
        };
        assert!(again.iter().all(original), "key, value, time and partition are kept");
        assert_eq!(site.counts(&arguments, ["present", "written"]), [1500, 0]);
        let raw = ["--topic", "events", "--from", "start", "--into", "topic"];
        assert_eq!(site.counts(&raw, ["read", "present", "written"]), [1000, 1000, 0]);
        assert_eq!(site.rows_and_ids("events", "eid").await, (1000, 1000));
    });
}

#[test]
fn a_replay_that_is_killed_again_and_again_ends_with_the_same_rows_and_can_be_compared_and_swapped_in() {
    run(async {
        const EVENTS: u64 = 3000;
        let mut site =
            Site::start("replay_killed", &[("REPLAY__BLOCK_ROWS", "50"), ("REPLAY__BLOCK_EVERY", "100ms")])
                .await;
        site.tells(EVENTS).await;
        let before = site.said(&site.database).await;
        let arguments = ["replay", "--topic", "enriched", "--from", "start", "--into", "shadow", "--json"];
        let (id, shadow) = killed(&site, &arguments, EVENTS).await;
        let ended = site.tracker_output(&arguments);
        assert!(
            ended.status.success() && said(&ended).contains(&format!("replay {id} goes on")),
            "{}",
            said(&ended)
        );

        let table = format!("{shadow}.events");
        assert_eq!(site.rows_and_ids(&table, "eid").await, (EVENTS, EVENTS));
        assert_eq!(site.said(&shadow).await, before, "the views of the shadow agree");
        let compared = site.tracker_output(&["replay", "compare", &id]);
        assert!(compared.status.success(), "{}", said(&compared));

        // Rows that are wrong, missing, and doubled.
        site.execute(
            "ALTER TABLE events UPDATE url = 'wrong' WHERE ename = 'view' SETTINGS mutations_sync = 1",
        )
        .await;
        site.execute(&format!("ALTER TABLE events DELETE WHERE host = '{LOST}' SETTINGS mutations_sync = 1"))
            .await;
        assert_eq!(site.tracker_output(&["replay", "compare", &id]).status.code(), Some(1));
        let swap = ["replay", "swap", &id, "--yes"];
        let refused = site.tracker_output(&swap);
        assert!(said(&refused).contains("loader_running"), "{}", said(&refused));
        // One that the shadow cannot know: it came afterwards.
        site.produce([event(0, "late.example", ANN)].map(|event| (event.fact.eid.to_string(), event))).await;
        site.row("SELECT 1 AS n FROM events WHERE host = 'late.example'").await;
        assert!(site.stop(Program::Load).await.is_some_and(|status| status.success()));
        let asked = site.tracker_output(&swap[..3]);
        assert_eq!(asked.status.code(), Some(2), "{}", said(&asked));
        assert!(said(&asked).contains(" 1 of other times stay"), "{}", said(&asked));
        let asked = site.tracker_output(&[&swap[..3], &["--json"]].concat());
        let told: Value = serde_json::from_slice(&asked.stdout).expect("the plan as JSON");
        assert!(asked.status.code() == Some(2) && told["partitions"][0].is_object(), "{told}");
        site.tracker(&swap);
        site.has(EVENTS + 1).await;
        let late = "ALTER TABLE {} DELETE WHERE host = 'late.example' SETTINGS mutations_sync = 1";
        for table in ["events"].iter().chain(&TARGETS) {
            site.execute(&late.replace("{}", table)).await;
        }
        assert_eq!(site.said(&site.database).await, before, "every view agrees after the swap");
        assert_eq!(site.rows_and_ids("events", "eid").await, (EVENTS, EVENTS));

        // What comes then is stored, once, in the table and in the exchanged views.
        site.launch(Program::Load);
        site.ready(Program::Load).await;
        site.produce([event(1, KEPT, ANN)].map(|event| (event.fact.eid.to_string(), event))).await;
        site.has(EVENTS + 1).await;
        site.tracker(&["replay", "drop", &id]);
        assert_eq!(site.tracker(&["replay", "ls"]), "");
    });
}

/// Begins a replay into a shadow and kills it at a third and at two thirds; gives its name, and that of the shadow.
async fn killed(site: &Site, arguments: &[&str], events: u64) -> (String, String) {
    let mut known = None;
    for third in 1..=2 {
        let mut command = site.command(arguments);
        let mut replay = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tracker starts");
        let (id, shadow) = until("the replay is listed", async || {
            let listed: Value =
                serde_json::from_str(site.tracker(&["replay", "ls", "--json"]).lines().next()?).ok()?;
            Some((listed["id"].as_str()?.to_owned(), listed["database"].as_str()?.to_owned()))
        })
        .await;
        let there =
            format!("SELECT count() AS n FROM system.tables WHERE database = '{shadow}' AND name = 'events'");
        let stored = format!("SELECT count() AS n FROM {shadow}.events");
        let rows = until("a part of the shadow", async || {
            if site.count(&there).await == 0 {
                return None;
            }
            Some(site.count(&stored).await).filter(|rows| *rows >= events * third / 3)
        })
        .await;
        replay.kill().expect("kill -9");
        let ended = replay.wait().expect("it ends");
        assert!(!ended.success() && rows < events, "the kill was in the middle, not at {rows}: {ended}");
        assert!(known.is_none_or(|known| known == (id.clone(), shadow.clone())), "the same replay went on");
        known = Some((id, shadow));
    }
    known.expect("two kills")
}

#[test]
fn lost_payments_come_back_to_the_cent_and_erased_persons_do_not() {
    run(async {
        let site = Site::start("replay_persons", &[("REPLAY__BLOCK_EVERY", "0ms")]).await;
        let now = Timestamp(clock::now_ms());
        let payment = |number: u128| Payment {
            id: Uuid::from_u128(number),
            uid: Some(if number <= 10 { ANN } else { Uuid::from_u128(0xb) }),
            currency: "USD".to_owned(),
            revenue: tracker_schemas::Decimal::from_units(10_001),
            created_at: now,
            received_at: now,
            ..Payment::default()
        };
        site.produce((1..=100).map(payment).map(|payment| (payment.id.to_string(), payment))).await;
        let revenue = "SELECT uid, revenue, payments FROM ltvu ORDER BY uid";
        let before = until("every payment in ltvu", async || {
            let rows = site.rows(revenue).await;
            (rows.iter().filter_map(|row| row["payments"].as_u64()).sum::<u64>() == 100).then_some(rows)
        })
        .await;
        let visitor = |number: u64| if number < 10 { ANN } else { Uuid::from_u128(0xb) };
        let events = (0..30).map(|number| event(number, KEPT, visitor(number)));
        site.produce(events.map(|event| (event.fact.eid.to_string(), event))).await;
        site.has(30).await;

        let all = ["--topic", "payments", "--from", "start"];
        site.execute("TRUNCATE TABLE payments").await;
        site.execute("TRUNCATE TABLE ltv_items").await;
        assert_eq!(site.counts(&all, ["read", "written"]), [100, 100]);
        assert_eq!(site.counts(&all, ["present", "written"]), [100, 0]);
        assert_eq!(site.rows(revenue).await, before);
        assert_eq!(site.rows_and_ids("payments", "(oid, id)").await, (100, 100));

        for (kind, subject) in [(SubjectKind::Uid, ANN), (SubjectKind::Vid, ANN)] {
            let erased_at = Timestamp(clock::now_ms());
            let erasure = Erasure { subject, kind, erased_at, ..Erasure::default() };
            site.produce([(erasure.key(), erasure)]).await;
        }
        for table in ["payments", "ltv_items", "events"].iter().chain(&TARGETS) {
            site.execute(&format!("TRUNCATE TABLE {table}")).await;
        }
        assert_eq!(site.counts(&all, ["erased", "written"]), [10, 90]);
        assert_eq!(
            site.rows(revenue).await,
            before[1..],
            "what the other user is worth, and nothing of the erased one"
        );
        assert_eq!(site.counts(&TABLE, ["erased", "written"]), [10, 20]);
        assert_eq!(site.count(&format!("SELECT count() AS n FROM events WHERE vid = '{ANN}'")).await, 0);
        site.has(20).await;
        // Who comes again afterwards is somebody new.
        let again = event(1, KEPT, ANN);
        site.produce([(again.fact.eid.to_string(), again)]).await;
        site.has(21).await;
        site.execute(&format!("ALTER TABLE events DELETE WHERE vid = '{ANN}' SETTINGS mutations_sync = 1"))
            .await;
        assert_eq!(site.counts(&TABLE, ["erased", "present", "written"]), [10, 20, 1]);
    });
}

#[test]
fn a_rate_is_kept_and_what_the_loader_has_not_stored_is_left_to_it() {
    run(async {
        let mut site = Site::start("replay_rate", &[("REPLAY__SETTLE_TIME", "1s")]).await;
        site.tells(500).await;
        let begun_at = Instant::now();
        let arguments = [&TABLE[..], &["--rate", "100/s", "--into", "shadow"]].concat();
        assert_eq!(site.counts(&arguments, ["written"]), [500]);
        let least = Duration::from_secs(4); // the first block of a partition may go at once
        assert!(begun_at.elapsed() >= least - Duration::from_secs(1), "{:?}", begun_at.elapsed());

        site.stop(Program::Load).await;
        site.produce([event(1, KEPT, ANN)].map(|event| (event.fact.eid.to_string(), event))).await;
        until("the event is enriched", async || {
            (site.messages(Topic::Enriched).await.len() == 501).then_some(())
        })
        .await;
        let refused = site.tracker_output(&[&["replay"], &TABLE[..]].concat());
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            said(&refused).contains("loader_behind: load.events has yet to store 1 messages"),
            "{}",
            said(&refused)
        );
        site.launch(Program::Load);
        site.has(501).await;
        // It was begun, and goes on from there; what came meanwhile is not of its range.
        assert_eq!(site.counts(&TABLE, ["present", "written"]), [501, 0]);
        assert_eq!(site.rows_and_ids("events", "eid").await, (501, 501));
    });
}

#[test]
fn a_replay_that_cannot_be_says_what_to_change() {
    run(async {
        let site = crate::rig::shared().await;
        for (arguments, words) in [
            (vec!["--topic", "enriched"], "--from"),
            (vec!["--topic", "clicks", "--from", "start"], "must be enriched, payments or events"),
            (vec!["--topic", "events", "--from", "start"], "--into topic"),
            (
                vec!["--topic", "enriched", "--from", "start", "--into", "payments"],
                "goes into events, shadow or topic",
            ),
            (vec!["--topic", "enriched", "--from", "yesterday"], "--from must be start, end, a time"),
            (vec!["--topic", "enriched", "--from", "99"], "0:1200,1:1180"),
            (vec!["--topic", "enriched", "--from", "7:0"], "--from names partition 7, which there is not"),
            (vec!["--topic", "enriched", "--from", "0:999999999"], "--from names offset 999999999"),
            (
                vec!["--topic", "enriched", "--from", "end", "--to", "1d", "--filter", "host"],
                "--filter host must be",
            ),
            (vec!["--topic", "enriched", "--from", "start", "--rate", "fast"], "must be a number"),
            (vec!["--resume", "x", "--topic", "enriched"], "cannot be used with"),
        ] {
            let refused = site.tracker_output(&[&["replay"], &arguments[..]].concat());
            assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", said(&refused));
            assert!(said(&refused).contains(words), "{arguments:?}: {}", said(&refused));
        }
        for arguments in
            [vec!["--resume", "x"], vec!["compare", "x"], vec!["swap", "x", "--yes"], vec!["drop", "x"]]
        {
            let refused = site.tracker_output(&[&["replay"], &arguments[..]].concat());
            assert_eq!(refused.status.code(), Some(1));
            assert!(said(&refused).contains("see `tracker replay ls`"), "{}", said(&refused));
        }
    });
}
