//! What we write, apache-avro reads as the same; what it writes, we read as the same.

use super::generated;
use crate::{
    Agreement, Bytes, DeadLetter, Decimal, Decoder, Encoder, Enriched, Erasure, Event, LedgerPage, Payment,
    Record, Redirect, Redrive, Timestamp, Topic, codec::schema_of, examples,
};
use apache_avro::{GenericSingleObjectReader, from_avro_datum, to_avro_datum, types::Value};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rstest::rstest;
use serde::{Serialize, de::DeserializeOwned};

/// What `field` with this value says in the JSON form of its record.
fn json(field: &str, value: &Value) -> serde_json::Value {
    let text = |text: String| serde_json::Value::String(text);
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Long(value) => (*value).into(),
        Value::Double(value) => (*value).into(),
        Value::String(value) if ["params", "targets", "compliances"].contains(&field) => {
            serde_json::from_str(value).unwrap_or_else(|_| text(value.clone()))
        }
        Value::String(value) | Value::Enum(_, value) => text(value.clone()),
        Value::Uuid(value) => text(value.hyphenated().to_string()),
        Value::TimestampMillis(value) => text(Timestamp(*value).to_string()),
        Value::Bytes(value) => serde_json::to_value(Bytes(value.clone())).unwrap(),
        Value::Decimal(value) => {
            let bytes: Vec<u8> = value.try_into().unwrap();
            let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
            let units = bytes.iter().fold(sign, |units: i128, byte| (units << 8) | i128::from(*byte));
            text(Decimal::from_units(units).to_string())
        }
        Value::Array(items) => items.iter().map(|item| json(field, item)).collect(),
        Value::Record(_) => json_of(value),
        Value::Union(_, inner) => json(field, inner),
        other => panic!("no field of ours is {other:?}"),
    }
}

/// The same of a whole record, by the names of its fields.
fn json_of(record: &Value) -> serde_json::Value {
    let Value::Record(fields) = record else { panic!("no record") };
    fields.iter().map(|(name, value)| (name.clone(), json(name, value))).collect()
}

/// Both directions, for one value of the topic's schema.
fn agrees<R: Record + Serialize>(value: &Value) -> Result<(), TestCaseError> {
    let schema = schema_of(R::TOPIC.avsc());
    let theirs = to_avro_datum(&schema, value.clone()).unwrap();
    let record = R::read(&mut theirs.as_slice()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(serde_json::to_value(&record).unwrap(), json_of(value), "each field under its own name");

    let mut ours = Vec::new();
    record.write(&mut ours);
    prop_assert_eq!(&ours, &theirs, "the same bytes");
    let again = from_avro_datum(&schema, &mut ours.as_slice(), None).unwrap();
    prop_assert_eq!(&again, value);
    Ok(())
}

fn any_value_agrees<R: Record + Serialize>() {
    let schema = schema_of(R::TOPIC.avsc());
    TestRunner::new(Config { cases: 96, ..Config::default() })
        .run(&generated::value(&schema), |value| agrees::<R>(&value))
        .unwrap();
}

#[rstest]
#[case::events(any_value_agrees::<Event>)]
#[case::enriched(any_value_agrees::<Enriched>)]
#[case::payments(any_value_agrees::<Payment>)]
#[case::agreements(any_value_agrees::<Agreement>)]
#[case::redirects(any_value_agrees::<Redirect>)]
#[case::dead_letters(any_value_agrees::<DeadLetter>)]
#[case::ledger(any_value_agrees::<LedgerPage>)]
#[case::erasures(any_value_agrees::<Erasure>)]
#[case::redrives(any_value_agrees::<Redrive>)]
fn any_record_is_encoded_and_decoded_as_apache_avro_does(#[case] check: fn()) {
    check();
}

/// Every example, in both framings.
fn examples_pass<R: Record + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>() {
    let avsc = R::TOPIC.avsc();
    let theirs = GenericSingleObjectReader::new(schema_of(avsc)).unwrap();
    let mut decoder = Decoder::<R>::new();
    decoder.register(77, avsc).unwrap();
    for (case, record) in examples::all::<R>() {
        let bytes = Encoder::<R>::single_object().encode(&record);
        let value = theirs.read_value(&mut bytes.as_slice()).unwrap();
        assert_eq!(json_of(&value), serde_json::to_value(&record).unwrap(), "{}/{case}", R::TOPIC);
        agrees::<R>(&value).unwrap();
        assert_eq!(decoder.decode(&bytes).unwrap(), record, "{}/{case}", R::TOPIC);

        let bytes = Encoder::<R>::confluent(77).encode(&record);
        assert_eq!(bytes[..5], [0, 0, 0, 0, 77]);
        assert_eq!(decoder.decode(&bytes).unwrap(), record, "{}/{case}", R::TOPIC);
    }
}

#[rstest]
#[case::events(examples_pass::<Event>)]
#[case::enriched(examples_pass::<Enriched>)]
#[case::payments(examples_pass::<Payment>)]
#[case::agreements(examples_pass::<Agreement>)]
#[case::redirects(examples_pass::<Redirect>)]
#[case::dead_letters(examples_pass::<DeadLetter>)]
#[case::ledger(examples_pass::<LedgerPage>)]
#[case::erasures(examples_pass::<Erasure>)]
#[case::redrives(examples_pass::<Redrive>)]
fn every_example_passes_in_both_framings(#[case] check: fn()) {
    check();
}

#[test]
fn encode_into_appends_to_what_is_there() {
    let event: Event = examples::one("page_view");
    let encoder = Encoder::single_object();
    let mut buffer = b"before".to_vec();
    encoder.encode_into(&event, &mut buffer);
    assert_eq!(buffer, [b"before".as_slice(), &encoder.encode(&event)].concat());
}

#[test]
fn the_topics_of_the_records_are_all_the_topics() {
    let named = [
        Event::TOPIC,
        Enriched::TOPIC,
        Payment::TOPIC,
        Agreement::TOPIC,
        Redirect::TOPIC,
        DeadLetter::TOPIC,
        LedgerPage::TOPIC,
        Erasure::TOPIC,
        Redrive::TOPIC,
    ];
    let own = Topic::ALL.into_iter().filter(|topic| topic.of_record() == *topic);
    assert_eq!(named.to_vec(), own.collect::<Vec<_>>());
}

#[test]
fn a_value_names_its_schema_in_either_framing() {
    let event: Event = examples::one("page_view");
    let named = |bytes: &[u8]| crate::schema_named(bytes);
    let print = named(&Encoder::single_object().encode(&event)).unwrap();
    assert_eq!((print.len(), named(&Encoder::confluent(77).encode(&event)).as_deref()), (16, Some("id:77")));
    assert_eq!(named(&[0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 255]).as_deref(), Some("0807060504030201"));
    assert_eq!([named(b""), named(b"{}"), named(&[0xc3, 1, 2]), named(&[0, 1])], [const { None }; 4]);
}
