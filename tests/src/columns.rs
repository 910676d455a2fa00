//! Columns as ClickHouse gives them back: every value of every type as it was sent, in a table of just these columns.

use crate::rig::{Program, Site, run, until};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use tracker_schemas::{Enriched, Fact, Timestamp, examples};
use uuid::Uuid;

/// Events with a value of its own in each field.
const EVENTS: usize = 400;

/// Where a message stood: in no record.
const PLACE: [&str; 4] = ["partition", "offset", "raw_partition", "raw_offset"];

/// Batches as large as they come, a breaker that soon tries again.
const LARGE: [(&str, &str); 5] = [
    ("LOAD__EVENTS__STRATEGY", "hybrid"),
    ("LOAD__EVENTS__BATCH_TIME", "2s"),
    ("LOAD__EVENTS__BATCH_BYTES", "96MiB"),
    ("LOAD__EVENTS__INSERTS_PER_SECOND", "0"),
    ("LOAD__BREAKER_PAUSE", "1s"),
];

fn eid(number: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())
}

/// A text for the field of that place in the event of that number: short and long, empty, in every script, with whatever
/// a format might take for its own.
fn text(number: usize, place: usize) -> String {
    match (number + place) % 11 {
        0 => String::new(),
        1 => "a".to_owned(),
        2 => "ä€𝄞 日本 \u{202e}".to_owned(),
        3 => "\t\n\r\\'\"`\\N,;".to_owned(),
        4 => "\u{0}\u{1}\u{7f}".to_owned(),
        5 => "x".repeat(127),
        6 => "y".repeat(128),
        7 => format!("{number} {}", "long ".repeat(if number.is_multiple_of(50) { 4_000 } else { 200 })),
        8 => format!("{number}"),
        9 => format!("{place}"),
        _ => "null".to_owned(),
    }
}

/// The event of a number: the one that says everything, with a value of its own in each field, or with none in some.
fn event(number: usize) -> Enriched {
    let full: Enriched = examples::one("every_field");
    let Value::Object(mut fields) = serde_json::to_value(&full).unwrap() else { panic!("no object") };
    for (place, (name, value)) in fields.iter_mut().enumerate() {
        let is_own = name.ends_with("_at") || ["eid", "kind", "targets", "params"].contains(&name.as_str());
        let is_none =
            (number + place).is_multiple_of(5) && !["channel", "edge", "bot"].contains(&name.as_str());
        *value = match &*value {
            _ if is_own => continue,
            Value::Array(_) => (0..(number + place) % 4).map(|item| text(number, item)).collect(),
            Value::Number(is) if ["consent", "schema"].contains(&name.as_str()) => json!(is),
            _ if is_none => Value::Null,
            Value::String(id) if Uuid::try_parse(id).is_ok() && name != "gaid" && name != "idfa" => {
                json!(Uuid::from_u128((number * 1_000 + place) as u128 * 0x0001_0203_0405_0607_0809))
            }
            Value::String(_) => json!(text(number, place)),
            Value::Number(is) if is.is_f64() => json!([0.1, -1e300, 1e-7, 2.5][(number + place) % 4]),
            Value::Number(_) if name == "ver" => json!([i32::MIN, -1, 0, i32::MAX][number % 4]),
            Value::Number(_) => json!([i64::MIN, -1, 0, i64::MAX][(number + place) % 4]),
            Value::Bool(_) => json!(number.is_multiple_of(2)),
            other => other.clone(),
        };
    }
    let mut event: Enriched = serde_json::from_value(Value::Object(fields)).unwrap();
    event.fact.eid = eid(number);
    let times = ["1900-01-01T00:00:00.000Z", "2299-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"];
    event.enriched_at = Timestamp::parse_rfc3339(times[number % times.len()]).unwrap();
    event
}

/// What the row of an event says, by the names of its columns.
fn wanted(event: &Enriched) -> Map<String, Value> {
    let Value::Object(mut fields) = serde_json::to_value(event).unwrap() else { panic!("no object") };
    let json = |text: &Option<tracker_schemas::JsonText>| json!(text.as_ref().map(|text| text.0.clone()));
    fields.insert("targets".to_owned(), json(&event.fact.targets));
    fields.insert("params".to_owned(), json(&event.fact.params));
    for (_, value) in fields.iter_mut().filter(|(name, _)| name.ends_with("_at")) {
        *value = json!(value.as_str().unwrap().replace('T', " ").trim_end_matches('Z'));
    }
    fields
}

/// Absent text is '', an absent id is zero, an absent number is NULL.
fn is_absent(value: &Value) -> bool {
    value.is_null() || *value == "" || *value == Uuid::nil().to_string()
}

#[test]
fn every_value_comes_back_from_its_column_as_it_was_sent() {
    run(async {
        let site = Site::start_only("columns", &LARGE, &[Program::Load]).await;
        let events: Vec<Enriched> = (0..EVENTS).map(event).collect();
        site.produce(events.iter().map(|event| ("one".to_owned(), event.clone()))).await;
        let rows = until("all of them", async || {
            Some(site.rows("SELECT * FROM events").await).filter(|rows| rows.len() >= EVENTS)
        })
        .await;
        let rows: HashMap<&str, &Value> =
            rows.iter().map(|row| (row["eid"].as_str().unwrap(), row)).collect();
        assert_eq!(rows.len(), EVENTS);
        for event in &events {
            let row = rows[event.fact.eid.to_string().as_str()].as_object().unwrap();
            let wanted = wanted(event);
            assert_eq!(row.len(), wanted.len() + PLACE.len());
            for (name, found) in row.iter().filter(|(name, _)| !PLACE.contains(&name.as_str())) {
                let wanted = &wanted[name];
                let same = found == wanted || (wanted.is_null() && is_absent(found));
                assert!(same, "{name} of {}: {found}, wanted is {wanted}", event.fact.eid);
            }
        }
    });
}

#[test]
fn an_insert_of_more_distinct_values_than_two_bytes_count_has_each_where_it_belongs() {
    const DISTINCT: usize = 70_000;
    run(async {
        let mut site = Site::start_only("columns_many", &LARGE, &[]).await;
        for first in (0..DISTINCT).step_by(10_000) {
            let event = |number: usize| {
                let (term, campaign) = (Some(number.to_string()), Some(format!("campaign {number}")));
                let at = Timestamp::parse_rfc3339("2026-10-31T12:00:00Z").unwrap();
                let fact = Fact { eid: eid(number), term, campaign, created_at: at, ..Fact::default() };
                ("one".to_owned(), Enriched { fact, ..Enriched::default() })
            };
            site.produce((first..first + 10_000).map(event)).await;
        }
        site.launch(Program::Load);
        let right = "SELECT uniqExact(eid) AS n FROM events WHERE campaign = concat('campaign ', term)";
        until("all of them", async || (site.count(right).await == DISTINCT as u64).then_some(())).await;
        assert_eq!(site.count("SELECT count() AS n FROM events").await, DISTINCT as u64);
    });
}

#[test]
fn a_table_with_another_column_takes_nothing_says_what_differs_and_goes_on_when_it_is_mended() {
    run(async {
        let site = Site::start_only("columns_other", &LARGE, &[Program::Load]).await;
        let log = || std::fs::read_to_string(site.log(Program::Load)).unwrap_or_default();
        // The last one says no `ver`: a plain column would take a zero for it.
        let send = async |number: usize| {
            let mut event = event(number);
            event.fact.ver = (number < 3).then_some(1);
            site.produce([("one".to_owned(), event)]).await;
        };
        let stored = async |rows: u64| {
            until("the rows are stored", async || {
                (site.count("SELECT count() AS n FROM events").await == rows).then_some(())
            })
            .await;
        };
        send(0).await;
        stored(1).await;
        for (number, change, back, told) in [
            (
                1,
                "MODIFY COLUMN ver Nullable(Int64)",
                "MODIFY COLUMN ver Nullable(Int32)",
                "column ver is Nullable(Int64), wanted is Nullable(Int32)",
            ),
            (
                2,
                "RENAME COLUMN twclid TO tweet",
                "RENAME COLUMN tweet TO twclid",
                "column twclid is missing; column tweet has no default",
            ),
            (
                3,
                "MODIFY COLUMN ver Int32 DEFAULT 0",
                "MODIFY COLUMN ver Nullable(Int32)",
                "column ver is Int32, wanted is Nullable(Int32)",
            ),
        ] {
            // The loader knows the table as it was before.
            site.execute(&format!("ALTER TABLE events {change}")).await;
            send(number).await;
            until(told, async || {
                log()
                    .lines()
                    .any(|line| line.contains("clickhouse_schema") && line.contains(told))
                    .then_some(())
            })
            .await;
            assert_eq!(site.count("SELECT count() AS n FROM events").await, number as u64);
            site.execute(&format!("ALTER TABLE events {back}")).await;
            stored(number as u64 + 1).await;
        }
        assert_eq!(site.count("SELECT count() AS n FROM events WHERE ver IS NULL").await, 1);
        assert_eq!(site.messages(tracker_schemas::Topic::DeadLetters).await.len(), 0, "no row was to blame");
    });
}
