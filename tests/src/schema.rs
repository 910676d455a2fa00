//! `tracker schema`: the database is made like the files of `schema/`, and whatever differs from them is found.

use crate::rig::{Site, run};
use serde_json::{Value, json};
use uuid::Uuid;

const CONTENT: &str = "all tables and views are as they should be\n";

/// What differs, as `tracker schema check --json` has it. It exits with 1 where something does.
fn differences(site: &Site) -> Vec<Value> {
    let output = site.tracker_output(&["schema", "check", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let differences = said["differences"].as_array().unwrap().clone();
    assert_eq!(output.status.code(), Some(i32::from(!differences.is_empty())), "{said}");
    differences
}

/// Table and part of each difference, sorted.
fn parts(differences: &[Value]) -> Vec<[&str; 2]> {
    let mut parts: Vec<_> = differences
        .iter()
        .map(|difference| ["table", "part"].map(|key| difference[key].as_str().unwrap()))
        .collect();
    parts.sort_unstable();
    parts
}

/// What was done to the database, by its own account.
async fn history(site: &Site) -> Vec<Value> {
    site.rows("SELECT file, change FROM schema_history ORDER BY applied_at, change").await
}

#[test]
fn apply_makes_the_database_once_and_leaves_it_alone_then() {
    run(async {
        let site = Site::prepare("schema_twice", &[]).await;
        let created = site.tracker(&["schema", "apply"]);
        for name in [
            "events",
            "payments",
            "dead_letters",
            "ltv",
            "ltvu",
            "ltvv",
            "visitors",
            "sessions",
            "dailies",
            "hits",
            "agreed",
            "agreements",
        ] {
            assert!(created.lines().any(|line| line == format!("created {name}")), "{name}: {created}");
        }
        let told = history(&site).await;
        assert_eq!(told.len(), created.lines().count(), "each change is noted");
        assert!(told.contains(&json!({ "file": "hits", "change": "created hits_mv" })), "{told:?}");

        site.execute("INSERT INTO dead_letters (id, reason) VALUES (generateUUIDv4(), 'kept')").await;
        assert_eq!(site.tracker(&["schema", "apply"]), CONTENT);
        assert_eq!(site.tracker(&["schema", "apply", "--json"]), "{\"done\":[]}\n");
        assert_eq!(history(&site).await, told);
        assert_eq!(site.count("SELECT count() AS n FROM dead_letters").await, 1);

        assert_eq!(site.tracker(&["schema", "check"]), CONTENT);
        assert_eq!(differences(&site), [] as [Value; 0]);
        let left = "SELECT count() AS n FROM system.databases WHERE name LIKE 'tracker_schema_twice_%'";
        assert_eq!(site.count(left).await, 0, "the scratch database is gone");
    });
}

/// What somebody did to the database who did not use the files: each with the table and the part that differs.
const DRIFT: [(&str, [&str; 2]); 13] = [
    ("DROP TABLE ltvv", ["ltvv", ""]),
    ("DROP TABLE sessions_mv", ["sessions_mv", ""]),
    ("ALTER TABLE events DROP COLUMN twclid", ["events", "column twclid"]),
    ("ALTER TABLE events DROP INDEX by_eid", ["events", "index by_eid"]),
    ("ALTER TABLE events ADD COLUMN fashion String", ["events", "column fashion"]),
    ("ALTER TABLE events MODIFY COLUMN ver Nullable(Int64)", ["events", "column ver"]),
    ("ALTER TABLE events MODIFY COLUMN url CODEC(ZSTD(9))", ["events", "column url"]),
    ("ALTER TABLE events COMMENT COLUMN ename 'Something'", ["events", "column ename"]),
    ("ALTER TABLE payments MODIFY SETTING non_replicated_deduplication_window = 7", ["payments", "settings"]),
    (
        "ALTER TABLE dead_letters MODIFY TTL toDateTime(failed_at) + INTERVAL 90 DAY",
        ["dead_letters", "engine"],
    ),
    (
        "ALTER TABLE dailies_data ADD COLUMN more UInt8, MODIFY ORDER BY (oid, host, day, bot, more)",
        ["dailies_data", "engine"],
    ),
    (
        "ALTER TABLE hits_mv MODIFY QUERY SELECT oid, host, toDate(created_at) AS day, url, ename, bot, 2 AS hits FROM events",
        ["hits_mv", "query"],
    ),
    ("CREATE OR REPLACE VIEW visitors AS SELECT oid, host, vid FROM visitors_data", ["visitors", "query"]),
];

/// What `apply` leaves to a person, and how the person does it.
const BY_HAND: [(&str, &str); 4] = [
    ("events, column fashion", "ALTER TABLE events DROP COLUMN fashion"),
    ("events, column ver", "ALTER TABLE events MODIFY COLUMN ver Nullable(Int32)"),
    ("dead_letters, engine", "ALTER TABLE dead_letters REMOVE TTL"),
    ("dailies_data, engine", "DROP TABLE dailies_data"),
];

#[test]
fn check_finds_what_differs_and_apply_mends_what_costs_no_row() {
    run(async {
        let site = Site::prepare("schema_drift", &[]).await;
        site.tracker(&["schema", "apply"]);
        let told = history(&site).await.len();
        for (statement, _) in DRIFT {
            site.execute(statement).await;
        }
        let mut wanted = DRIFT.map(|(_, part)| part);
        wanted.sort_unstable();
        let found = differences(&site);
        assert_eq!(parts(&found), wanted);

        let checked = site.tracker_output(&["schema", "check"]);
        assert_eq!(checked.status.code(), Some(1));
        let lines = String::from_utf8(checked.stdout).unwrap();
        assert!(
            lines
                .contains("events, column ver: is `Nullable(Int64)`, wanted is `Nullable(Int32)`; by hand: "),
            "{lines}"
        );
        assert!(lines.contains("ltvv: is missing; run `tracker schema apply`"), "{lines}");

        let refused = site.tracker_output(&["schema", "apply"]);
        assert_eq!(refused.status.code(), Some(1));
        let why = String::from_utf8(refused.stderr).unwrap();
        for (what, _) in BY_HAND {
            assert!(why.contains(what), "{what}: {why}");
        }
        assert!(!why.contains("ltvv"), "only what needs a person: {why}");
        assert_eq!(differences(&site), found, "nothing was changed");

        for (_, statement) in BY_HAND {
            site.execute(statement).await;
        }
        let done = site.tracker(&["schema", "apply"]);
        assert_eq!(differences(&site), [] as [Value; 0], "{done}");
        assert_eq!(history(&site).await.len(), told + done.lines().count());
        for line in [
            "created ltvv",
            "events: added column twclid",
            "hits_mv: changed its query",
            "events: changed column url",
        ] {
            assert!(done.lines().any(|change| change == line), "{line}: {done}");
        }
    });
}

#[test]
fn what_a_killed_check_left_goes_with_the_next() {
    run(async {
        let site = Site::prepare("schema_left", &[]).await;
        let now = Uuid::now_v7().get_timestamp().unwrap().to_unix().0;
        let [left, in_use] = [now - 660, now - 60].map(|seconds| {
            let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
            format!("{}_schema_check_{}", site.database, id.simple())
        });
        let server = async |sql: String| {
            let client = reqwest::Client::new();
            let answer = client.post(site.clickhouse()).body(sql).send().await.unwrap();
            assert!(answer.status().is_success());
            answer.text().await.unwrap()
        };
        for name in [&left, &in_use] {
            server(format!("CREATE DATABASE {name}")).await;
        }
        assert!(!differences(&site).is_empty(), "nothing is there yet");
        let names = "SELECT name FROM system.databases WHERE name LIKE 'tracker_schema_left_schema_check_%'";
        assert_eq!(server(names.to_owned()).await, format!("{in_use}\n"));
    });
}

#[test]
fn a_database_that_does_not_answer_or_is_not_there_is_said_in_a_line() {
    run(async {
        let mut site = Site::prepare("schema_none", &[]).await;
        let missing = differences(&site);
        assert!(missing.iter().all(|difference| difference["problem"] == "is missing"), "{missing:?}");
        assert!(parts(&missing).contains(&["events", ""]));

        site.environment.insert("TRACKER_CLICKHOUSE__URL".to_owned(), "http://127.0.0.1:1".to_owned());
        for action in ["check", "apply"] {
            let output = site.tracker_output(&["schema", action]);
            assert_eq!(output.status.code(), Some(1));
            let why = String::from_utf8(output.stderr).unwrap();
            assert!(why.contains("127.0.0.1:1") && why.trim().lines().count() == 1, "{why}");
        }
    });
}
