//! Loading by planned ranges: whoever is killed, and whenever, the table and each of its views have every event once.
//!
//! Only the loader runs here; the tests put enriched events on its topic, and know by heart what every view must say.

use crate::rig::{Program, Site, database, run, until};
use serde_json::Value;
use std::collections::BTreeMap;
use tracker_schemas::{Enriched, Fact, Timestamp};
use uuid::Uuid;

const HOST: &str = "planned.example";
/// Visitors that take turns; each has one session.
const VISITORS: usize = 97;
/// Pages that take turns.
const PAGES: usize = 11;
/// Noon of two days in two months.
const DAYS: [&str; 2] = ["2026-10-31", "2026-11-01"];
/// Name of an event that the table is made to refuse.
const POISON: &str = "poison";

/// Batches as large as they come, a breaker that soon tries again.
const LARGE: [(&str, &str); 4] = [
    ("LOAD__EVENTS__STRATEGY", "hybrid"),
    ("LOAD__EVENTS__BATCH_TIME", "300ms"),
    ("LOAD__EVENTS__INSERTS_PER_SECOND", "0"),
    ("LOAD__BREAKER_PAUSE", "1s"),
];

/// A site with a loader, which is not started yet.
async fn prepared(name: &'static str, settings: &[(&str, &str)]) -> Site {
    Site::start_only(name, &[&LARGE[..], settings].concat(), &[]).await
}

/// So many events, and what is known of each.
#[derive(Clone, Copy)]
struct Story {
    events: usize,
    /// The one that the table refuses.
    poisoned: Option<usize>,
}

/// The counts of a view by its key.
type Counts = BTreeMap<String, u64>;

impl Story {
    const fn of(events: usize) -> Self {
        Self { events, poisoned: None }
    }

    fn visitor(number: usize) -> Uuid {
        Uuid::from_u128(0x1000 + (number % VISITORS) as u128)
    }

    fn page(number: usize) -> String {
        format!("https://{HOST}/{}", number % PAGES)
    }

    fn day(number: usize) -> &'static str {
        DAYS[number % DAYS.len()]
    }

    fn event(&self, number: usize) -> Enriched {
        let at = Timestamp::parse_rfc3339(&format!("{}T12:00:00Z", Self::day(number))).unwrap();
        let visitor = Self::visitor(number);
        let name = if self.poisoned == Some(number) { POISON } else { "view" };
        let fact = Fact {
            eid: Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()),
            vid: Some(visitor),
            sid: Some(visitor),
            ename: Some(name.to_owned()),
            url: Some(Self::page(number)),
            host: Some(HOST.to_owned()),
            created_at: at,
            received_at: at,
            ..Fact::default()
        };
        Enriched { fact, enriched_at: at, channel: "direct".to_owned(), ..Enriched::default() }
    }

    /// Puts the events of `range` on their topic, spread over its partitions.
    async fn send(&self, site: &Site, range: std::ops::Range<usize>) {
        site.produce(range.map(|number| (number.to_string(), self.event(number)))).await;
    }

    /// Puts all of them in one partition.
    async fn send_in_a_row(&self, site: &Site) {
        for first in (0..self.events).step_by(10_000) {
            let chunk = first..(first + 10_000).min(self.events);
            site.produce(chunk.map(|number| ("one".to_owned(), self.event(number)))).await;
        }
    }

    fn stored(&self) -> u64 {
        self.events as u64 - u64::from(self.poisoned.is_some())
    }

    /// What a view counts, by key.
    fn counts(&self, key: impl Fn(usize) -> String) -> Counts {
        let mut counts = Counts::new();
        for number in (0..self.events).filter(|number| self.poisoned != Some(*number)) {
            *counts.entry(key(number)).or_default() += 1;
        }
        counts
    }

    /// Waits for the last row, and then has the table and every view say each event once.
    async fn assert_stored_once(&self, site: &Site) {
        let wanted = self.stored();
        until(&format!("{wanted} events in {}", site.database), async || {
            (rows(site).await >= wanted).then_some(())
        })
        .await;
        for (view, key, count, oracle) in [
            (
                "hits",
                "concat(toString(day), ' ', url)",
                "sum(hits)",
                self.counts(|n| format!("{} {}", Self::day(n), Self::page(n))),
            ),
            ("dailies", "toString(day)", "sum(events)", self.counts(|n| Self::day(n).to_owned())),
            ("visitors", "toString(vid)", "sum(events)", self.counts(|n| Self::visitor(n).to_string())),
            ("sessions", "toString(sid)", "sum(events)", self.counts(|n| Self::visitor(n).to_string())),
        ] {
            let sql = format!("SELECT {key} AS k, {count} AS n FROM {view} WHERE host = '{HOST}' GROUP BY k");
            // A view has its rows a moment after the table.
            until(&format!("{view} has them all"), async || {
                (counted(site, &sql).await.values().sum::<u64>() >= wanted).then_some(())
            })
            .await;
            assert_eq!(counted(site, &sql).await, oracle, "{view}");
        }
        let events = site.rows("SELECT count() AS stored, uniqExact(eid) AS events FROM events").await;
        assert_eq!(
            (events[0]["stored"].as_u64(), events[0]["events"].as_u64()),
            (Some(wanted), Some(wanted))
        );
    }
}

async fn rows(site: &Site) -> u64 {
    site.count("SELECT count() AS n FROM events").await
}

async fn counted(site: &Site, sql: &str) -> Counts {
    let row = |row: &Value| Some((row["k"].as_str()?.to_owned(), row["n"].as_u64()?));
    site.rows(sql).await.iter().map(|line| row(line).expect("a key and a count")).collect()
}

/// Makes every insert slow between the table and its views, so that a kill meets one in its middle.
async fn slow_down(site: &Site) {
    site.execute("CREATE TABLE slowly_data (slept UInt8) ENGINE = Null").await;
    site.execute("CREATE MATERIALIZED VIEW slowly_mv TO slowly_data AS SELECT sleep(1) AS slept FROM events")
        .await;
}

/// Waits until an insert into `events` is under way.
async fn inserting(site: &Site) {
    let running = format!(
        "SELECT count() AS n FROM system.processes WHERE query LIKE 'INSERT INTO%events%' AND elapsed > 0.05 \
         AND current_database = '{}'",
        site.database
    );
    until("an insert is under way", async || (site.count(&running).await > 0).then_some(())).await;
}

const EVENTS: usize = 40_000;
const KILLS: usize = 6;

#[test]
fn a_loader_that_is_killed_in_insert_after_insert_stores_every_event_once_in_the_table_and_in_each_view() {
    run(async {
        let mut site = prepared("planned", &[]).await;
        let story = Story::of(EVENTS);
        slow_down(&site).await;
        site.launch(Program::Load);
        let wave = EVENTS / KILLS;
        for kill in 0..KILLS {
            story.send(&site, kill * wave..(kill + 1) * wave).await;
            inserting(&site).await;
            site.kill(Program::Load);
            site.launch(Program::Load);
        }
        story.send(&site, KILLS * wave..EVENTS).await;
        story.assert_stored_once(&site).await;
    });
}

#[test]
fn a_clickhouse_that_is_killed_in_an_insert_of_two_months_has_every_event_once_in_the_table_and_in_each_view()
{
    run(async {
        let mut database = database("planned_months").await;
        let mut site = prepared("planned_months", &[("CLICKHOUSE__URL", &database.url())]).await;
        let story = Story::of(8_000);
        slow_down(&site).await;
        site.launch(Program::Load);
        for kill in 0..4 {
            story.send(&site, kill * 2_000..(kill + 1) * 2_000).await;
            inserting(&site).await;
            database.kill();
            database.restart().await.unwrap();
        }
        story.assert_stored_once(&site).await;
    });
}

#[test]
fn an_insert_that_was_killed_before_a_migration_is_done_once_after_it() {
    run(async {
        let mut site = prepared("planned_migration", &[]).await;
        let story = Story::of(6_000);
        slow_down(&site).await;
        site.launch(Program::Load);
        for column in ["before", "after"] {
            let half = if column == "before" { 0..3_000 } else { 3_000..6_000 };
            story.send(&site, half).await;
            inserting(&site).await;
            site.kill(Program::Load);
            site.execute(&format!("ALTER TABLE events ADD COLUMN {column} UInt8 DEFAULT 7")).await;
            site.launch(Program::Load);
        }
        story.assert_stored_once(&site).await;
        assert_eq!(site.count("SELECT count() AS n FROM events WHERE after = 7").await, 6_000);
    });
}

#[test]
fn loaders_that_come_go_and_are_killed_under_load_store_every_event_once_and_end_with_0() {
    run(async {
        let mut site = prepared("planned_two", &[("LOAD__EVENTS__BATCH_ROWS", "500")]).await;
        let story = Story::of(24_000);
        let more = async |site: &Site| {
            let wanted = (rows(site).await + 3_000).min(story.stored());
            until("more events", async || (rows(site).await >= wanted).then_some(())).await;
        };
        slow_down(&site).await;
        for first in (0..story.events).step_by(4_000) {
            story.send(&site, first..first + 4_000).await;
        }
        site.launch(Program::Load);
        more(&site).await;
        let (mut other, _) = site.another(Program::Load, &[]);
        more(&site).await;
        let status = site.stop(Program::Load).await;
        assert_eq!(status.and_then(|status| status.code()), Some(0), "SIGTERM under load: {status:?}");
        more(&site).await;
        site.launch(Program::Load);
        more(&site).await;
        other.kill();
        let (other, _) = site.another(Program::Load, &[]);
        story.assert_stored_once(&site).await;
        drop(other);
    });
}

/// Events of the search.
const SEARCHED: usize = 50_000;

async fn poisoned(name: &'static str) -> (Site, Story) {
    let settings = [("LOAD__EVENTS__BATCH_BYTES", "96MiB"), ("LOAD__EVENTS__BATCH_TIME", "5s")];
    let site = prepared(name, &settings).await;
    let refuse = format!("ALTER TABLE events ADD CONSTRAINT not_poisoned CHECK ename != '{POISON}'");
    site.execute(&refuse).await;
    let story = Story { events: SEARCHED, poisoned: Some(31_337) };
    story.send_in_a_row(&site).await;
    (site, story)
}

/// One dead letter, with what ClickHouse said.
async fn assert_buried(site: &Site, story: &Story) {
    let letters = "SELECT id, reason, detail, offset FROM dead_letters FINAL";
    let letter = site.row(letters).await;
    assert_eq!(letter["reason"], "refused_by_clickhouse", "{letter}");
    assert_eq!(letter["offset"].as_u64(), story.poisoned.map(|number| number as u64));
    let detail = letter["detail"].as_str().unwrap();
    assert!(detail.contains("Code: 469") && detail.contains("not_poisoned"), "{detail}");
    assert_eq!(site.rows(letters).await.len(), 1, "one row was to blame");
}

#[test]
fn of_50_000_events_with_a_poisoned_one_49_999_are_stored_and_it_is_buried_with_clickhouses_own_words() {
    run(async {
        let (mut site, story) = poisoned("planned_poison").await;
        site.launch(Program::Load);
        story.assert_stored_once(&site).await;
        assert_buried(&site, &story).await;
    });
}

#[test]
fn a_loader_that_is_killed_while_it_looks_for_a_poisoned_row_finds_it_all_the_same() {
    run(async {
        let (mut site, story) = poisoned("planned_search").await;
        slow_down(&site).await;
        for _ in 0..3 {
            site.launch(Program::Load);
            let before = rows(&site).await;
            until("a part is stored", async || {
                (rows(&site).await > before.min(story.stored() - 1)).then_some(())
            })
            .await;
            site.kill(Program::Load);
        }
        site.launch(Program::Load);
        story.assert_stored_once(&site).await;
        assert_buried(&site, &story).await;
    });
}

#[test]
fn a_view_that_fails_blames_no_row_and_the_insert_is_completed_when_it_is_mended() {
    run(async {
        let mut site = prepared("planned_view", &[]).await;
        let story = Story::of(500);
        site.execute("CREATE TABLE failing_data (n Int32) ENGINE = Null").await;
        // No url is a number: CANNOT_PARSE_TEXT, which would be the fault of a row anywhere else.
        site.execute(
            "CREATE MATERIALIZED VIEW failing_mv TO failing_data AS SELECT toInt32(e.url) AS n FROM events AS e",
        )
        .await;
        site.launch(Program::Load);
        story.send(&site, 0..story.events).await;
        until("the loader says what it waits for", async || {
            let log = std::fs::read_to_string(site.log(Program::Load)).unwrap_or_default();
            log.contains("clickhouse_view").then_some(())
        })
        .await;
        site.execute("DROP TABLE failing_mv").await;
        story.assert_stored_once(&site).await;
        assert_eq!(site.count("SELECT count() AS n FROM dead_letters").await, 0);
    });
}
