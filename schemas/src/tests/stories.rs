//! Every golden example is listed, reads, and says only what its schema knows.

use crate::{
    Agreement, DeadLetter, Enriched, Erasure, Event, LedgerPage, Payment, Record, Redirect, Redrive, Topic,
    codec::schema_of, examples,
};
use apache_avro::Schema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_file_of_the_folder_is_listed_and_every_listed_one_is_a_file() {
    for topic in Topic::ALL {
        let folder = format!("{}/examples/{}", env!("CARGO_MANIFEST_DIR"), topic.of_record());
        let files: BTreeSet<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> =
            examples::of(topic).iter().map(|(case, _)| format!("{case}.json")).collect();
        assert_eq!(files, listed, "{folder}");
    }
}

#[test]
fn every_key_of_an_example_is_a_field_of_its_schema() {
    for topic in Topic::ALL {
        let Schema::Record(schema) = schema_of(topic.avsc()) else { panic!("{topic} is no record") };
        for (case, text) in examples::of(topic) {
            let story: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
            for key in story.keys() {
                assert!(schema.lookup.contains_key(key), "{topic}/{case} has `{key}`, which is no field");
            }
        }
    }
}

/// What a record says in JSON, less what is absent there.
fn said(record: &impl Serialize) -> serde_json::Map<String, Value> {
    let Value::Object(mut fields) = serde_json::to_value(record).unwrap() else { panic!("no object") };
    fields.retain(|_, value| !value.is_null() && *value != Value::Array(vec![]));
    fields
}

fn keeps_what_it_says<R: Record + Serialize + DeserializeOwned>() {
    for ((case, text), (_, record)) in examples::of(R::TOPIC).iter().zip(examples::all::<R>()) {
        let written: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        assert_eq!(said(&record), written, "{}/{case}", R::TOPIC);
    }
}

#[test]
fn reading_an_example_and_writing_it_again_changes_nothing() {
    keeps_what_it_says::<Event>();
    keeps_what_it_says::<Enriched>();
    keeps_what_it_says::<Payment>();
    keeps_what_it_says::<Agreement>();
    keeps_what_it_says::<Redirect>();
    keeps_what_it_says::<DeadLetter>();
    keeps_what_it_says::<LedgerPage>();
    keeps_what_it_says::<Erasure>();
    keeps_what_it_says::<Redrive>();
}

#[test]
fn one_example_of_each_big_record_has_every_field() {
    for topic in [Topic::Events, Topic::Enriched, Topic::Payments, Topic::Agreements] {
        let Schema::Record(schema) = schema_of(topic.avsc()) else { panic!("{topic} is no record") };
        let (_, text) = examples::of(topic).iter().find(|(case, _)| *case == "every_field").unwrap();
        let story: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        let missing: Vec<_> = schema.fields.iter().filter(|field| !story.contains_key(&field.name)).collect();
        assert!(missing.is_empty(), "{topic}: {missing:?}");
    }
}

#[test]
fn ids_of_events_are_not_used_twice() {
    let events = examples::all::<Event>();
    let ids: BTreeSet<_> = events.iter().map(|(_, event)| event.fact.eid).collect();
    assert_eq!(ids.len(), events.len());
}
