//! Each golden example to its exact row, through the real processors.
//!
//! Every column is in its snapshot: those that hold something by name and value, then the names of the empty ones.
//! GeoIP files and hash key are the same in every run. Only the time of an enrichment here and the place of a message
//! differ, and are not shown.

use crate::rig::{Site, run, shared, until};
use serde_json::Value;
use tracker_schemas::{DeadLetter, Enriched, Event, Payment, Topic, examples};
use uuid::Uuid;

/// Where the message stood: another place in every run. A dead letter's own is part of its story.
const PLACE: [&str; 6] = ["partition", "offset", "raw_partition", "raw_offset", "produced_at", "token"];

/// Waits for the rows of `ids` and compares each with the snapshot of its case.
async fn golden(site: &Site, topic: Topic, ids: Vec<(&'static str, Uuid)>) {
    let table = if topic == Topic::Enriched { "events" } else { topic.name() };
    let id = if table == "events" { "eid" } else { "id" };
    let list = ids.iter().map(|(_, id)| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    // A payload is any bytes, and JSON is text.
    let payload = "if(isValidUTF8(payload), payload, concat('hex:', lower(hex(payload)))) AS payload";
    let columns = if table == "dead_letters" { format!("* REPLACE ({payload})") } else { "*".to_owned() };
    let sql = format!("SELECT {columns} FROM {table} FINAL WHERE {id} IN ({list})");
    let rows = until(&format!("{} rows of {topic} examples", ids.len()), async || {
        Some(site.rows(&sql).await).filter(|rows| rows.len() == ids.len())
    })
    .await;
    let names = columns_of(site, table).await;
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (case, wanted) in ids {
            let mut row = rows.iter().find(|row| row[id] == wanted.to_string()).expect("a row of each").clone();
            if topic == Topic::Events {
                row["enriched_at"] = "(now)".into();
            }
            for name in PLACE.into_iter().filter(|_| topic != Topic::DeadLetters) {
                if row.get(name).is_some_and(|value| !value.is_null()) {
                    row[name] = "(place)".into();
                }
            }
            insta::assert_snapshot!(format!("{topic}_{case}"), written(&row, &names));
        }
    });
}

async fn columns_of(site: &Site, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT name FROM system.columns WHERE database = '{}' AND table = '{table}' ORDER BY position",
        site.database
    );
    site.rows(&sql).await.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// A row as text, in the order of its table.
fn written(row: &Value, names: &[String]) -> String {
    assert_eq!(row.as_object().unwrap().len(), names.len());
    let (empty, full): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_empty(&row[*name]));
    let lines = full.into_iter().map(|name| format!("{name}: {}\n", row[name]));
    let empty = empty.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    format!("{}empty: {empty}", lines.collect::<String>())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || *text == Uuid::nil().to_string(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

#[test]
fn each_event_becomes_its_row() {
    run(async {
        let site = shared().await;
        let stories = examples::all::<Event>();
        let ids = stories.iter().map(|(case, event)| (*case, event.fact.eid)).collect();
        site.produce(stories.into_iter().map(|(_, event)| (event.fact.eid.to_string(), event))).await;
        golden(site, Topic::Events, ids).await;
    });
}

#[test]
fn each_enriched_event_becomes_its_row() {
    run(async {
        let site = shared().await;
        let mut stories = examples::all::<Enriched>();
        for (_, event) in &mut stories {
            // Some stories are told of an event as well, under the same id.
            event.fact.eid = Uuid::new_v5(&event.fact.eid, b"enriched");
        }
        let ids = stories.iter().map(|(case, event)| (*case, event.fact.eid)).collect();
        let key = |event: &Enriched| event.fact.vid.unwrap_or(event.fact.eid).to_string();
        site.produce(stories.into_iter().map(|(_, event)| (key(&event), event))).await;
        golden(site, Topic::Enriched, ids).await;
    });
}

#[test]
fn each_payment_becomes_its_row() {
    run(async {
        let site = shared().await;
        let stories = examples::all::<Payment>();
        let ids = stories.iter().map(|(case, payment)| (*case, payment.id)).collect();
        site.produce(stories.into_iter().map(|(_, payment)| (payment.id.to_string(), payment))).await;
        golden(site, Topic::Payments, ids).await;
    });
}

#[test]
fn each_dead_letter_becomes_its_row() {
    run(async {
        let site = shared().await;
        let stories = examples::all::<DeadLetter>();
        let ids = stories.iter().map(|(case, letter)| (*case, letter.id)).collect();
        site.produce(stories.into_iter().map(|(_, letter)| (letter.origin.clone(), letter))).await;
        golden(site, Topic::DeadLetters, ids).await;
    });
}
