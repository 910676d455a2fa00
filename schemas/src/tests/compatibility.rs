//! Old messages stay readable, and a reader that was not renewed yet reads new ones.

use crate::{Decoder, Encoder, Event, Topic, codec::schema_of, examples, history};
use apache_avro::{Schema, from_avro_datum, schema_compatibility::SchemaCompatibility, to_avro_datum};
use serde_json::{Value, json};

#[test]
fn the_present_file_is_the_last_of_its_history() {
    for topic in Topic::ALL {
        let folder = format!("{}/history/{}", env!("CARGO_MANIFEST_DIR"), topic.of_record());
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, history::of(topic).len(), "{folder}");
        assert_eq!(
            Some(&topic.avsc()),
            history::of(topic).last(),
            "{topic}.avsc changed: add a copy of it to {folder} and name it in history.rs"
        );
    }
}

#[test]
fn each_version_and_the_next_read_each_other() {
    for topic in Topic::ALL {
        for pair in history::of(topic).windows(2) {
            let [earlier, later] = [0, 1].map(|place| schema_of(pair[place]));
            SchemaCompatibility::mutual_read(&earlier, &later)
                .unwrap_or_else(|error| panic!("{topic}: {error}"));
        }
    }
}

#[test]
fn every_version_carries_the_examples_to_every_other() {
    let (encoder, present) = (Encoder::<Event>::single_object(), schema_of(Topic::Events.avsc()));
    for version in history::of(Topic::Events).iter().map(|text| schema_of(text)) {
        for (case, event) in examples::all::<Event>() {
            let datum = encoder.encode(&event).split_off(10);
            let as_version = from_avro_datum(&present, &mut datum.as_slice(), Some(&version)).unwrap();
            let bytes = to_avro_datum(&version, as_version).unwrap();
            let back = from_avro_datum(&version, &mut bytes.as_slice(), Some(&present));
            assert!(back.is_ok(), "{case}: {back:?}");
        }
    }
}

/// The present schema of events with `field` added behind the last one.
fn grown(field: Value) -> Schema {
    let mut schema: Value = serde_json::from_str(Topic::Events.avsc()).unwrap();
    schema["fields"].as_array_mut().unwrap().push(field);
    Schema::parse(&schema).unwrap()
}

#[test]
fn a_message_of_a_newer_schema_is_read_without_what_it_adds() {
    let newer = grown(json!({"name": "mood", "type": ["null", "string"], "default": null}));
    let mut decoder = Decoder::<Event>::new();
    decoder.register(8, &newer.canonical_form()).unwrap();
    let event: Event = examples::one("every_field");
    // The added field is the last one: branch 1, then the text.
    let mut bytes = Encoder::<Event>::confluent(8).encode(&event);
    bytes.extend_from_slice(b"\x02\x0aquiet");
    assert_eq!(decoder.decode(&bytes).unwrap(), event);

    let behind = [bytes.as_slice(), &[0]].concat();
    assert_eq!(decoder.decode(&behind).unwrap_err().detail, "bytes behind the value");
}

#[test]
fn the_check_finds_a_change_that_breaks_readers() {
    let present = schema_of(Topic::Events.avsc());
    let without_default = grown(json!({"name": "mood", "type": "string"}));
    assert!(SchemaCompatibility::mutual_read(&present, &without_default).is_err());
    let with_default = grown(json!({"name": "mood", "type": "string", "default": "calm"}));
    assert!(SchemaCompatibility::mutual_read(&present, &with_default).is_ok());
}

#[test]
fn the_version_counts_from_one() {
    for topic in Topic::ALL {
        assert!(history::version(topic) >= 1);
    }
}
