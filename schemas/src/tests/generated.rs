//! Any value that a schema allows, made from the schema itself: no field can be forgotten.

use apache_avro::{Decimal, Schema, types::Value};
use proptest::{collection, num, prelude::*, sample};
use uuid::Uuid;

/// A strategy for the values of `schema`.
pub fn value(schema: &Schema) -> BoxedStrategy<Value> {
    match schema {
        Schema::Null => Just(Value::Null).boxed(),
        Schema::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Schema::Int => any::<i32>().prop_map(Value::Int).boxed(),
        Schema::Long => any::<i64>().prop_map(Value::Long).boxed(),
        Schema::Double => (num::f64::NORMAL | num::f64::ZERO).prop_map(Value::Double).boxed(),
        Schema::Bytes => collection::vec(any::<u8>(), 0..80).prop_map(Value::Bytes).boxed(),
        Schema::String => "\\PC{0,24}".prop_map(Value::String).boxed(),
        Schema::Uuid => any::<u128>().prop_map(|bits| Value::Uuid(Uuid::from_u128(bits))).boxed(),
        Schema::TimestampMillis => any::<i64>().prop_map(Value::TimestampMillis).boxed(),
        Schema::Decimal(_) => any::<i128>().prop_map(decimal).boxed(),
        Schema::Array(array) => collection::vec(value(&array.items), 0..4).prop_map(Value::Array).boxed(),
        Schema::Enum(symbols) => {
            let symbols: Vec<_> = (0..).zip(symbols.symbols.clone()).collect();
            sample::select(symbols).prop_map(|(place, symbol)| Value::Enum(place, symbol)).boxed()
        }
        Schema::Union(union) => {
            let branches: Vec<_> = (0..).zip(union.variants().iter().map(value)).collect();
            sample::select(branches)
                .prop_flat_map(|(place, branch)| {
                    branch.prop_map(move |value| Value::Union(place, value.into()))
                })
                .boxed()
        }
        Schema::Record(record) => {
            let names: Vec<_> = record.fields.iter().map(|field| field.name.clone()).collect();
            let values: Vec<_> = record.fields.iter().map(|field| value(&field.schema)).collect();
            values
                .prop_map(move |values| Value::Record(names.clone().into_iter().zip(values).collect()))
                .boxed()
        }
        other => panic!("no field of ours is {other:?}"),
    }
}

/// A decimal of `units` ten-thousandths, in as few bytes as hold it.
fn decimal(units: i128) -> Value {
    let bytes = units.to_be_bytes();
    let fewest = (0..16).rev().find(|start| {
        let kept = &bytes[*start..];
        let sign = if kept[0] & 0x80 == 0 { 0 } else { 0xff };
        bytes[..*start].iter().all(|byte| *byte == sign) && (units < 0) == (sign == 0xff)
    });
    Value::Decimal(Decimal::from(&bytes[fewest.unwrap()..]))
}
