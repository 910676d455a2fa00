//! A row as people read it, for tests: its columns by name, each cell as the record says it in JSON.

use super::{
    TableRow,
    cell::Id,
    column::{Column, Form, Value},
    packed::Cells,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;
use tracker_schemas::{Bytes, Decimal, Timestamp};

/// Tells of a row.
pub(crate) struct Told<'a, T>(pub(crate) &'a T);

impl<T: TableRow> Serialize for Told<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(T::COLUMNS.len()))?;
        let mut cells = self.0.packed().cells();
        for column in T::COLUMNS {
            map.serialize_entry(column.name, &cell(column, &mut cells))?;
        }
        assert!(cells.is_empty(), "bytes behind the last cell");
        map.end()
    }
}

fn cell(column: &Column, cells: &mut Cells<'_>) -> serde_json::Value {
    match column.form {
        Form::One => value(column.value, cells),
        Form::Nullable => cells.is_some().then(|| value(column.value, cells)).into(),
        Form::Array => (0..cells.length()).map(|_| value(column.value, cells)).collect(),
    }
}

fn value(value: Value, cells: &mut Cells<'_>) -> serde_json::Value {
    let Some(width) = value.width() else { return json!(Bytes(cells.text().to_vec())) };
    let bytes = cells.fixed(width);
    let number = || i64::from_le_bytes(bytes.try_into().unwrap());
    match value {
        Value::Bool => json!(bytes == [1]),
        Value::Int32 => json!(i32::from_le_bytes(bytes.try_into().unwrap())),
        Value::Int64 => json!(number()),
        Value::Float64 => json!(f64::from_le_bytes(bytes.try_into().unwrap())),
        Value::Id => json!(Id::unpack(bytes)),
        Value::Instant => json!(Timestamp(number())),
        Value::Money => json!(Decimal::from_units(i128::from_le_bytes(bytes.try_into().unwrap()))),
        Value::Text => unreachable!("it has no width"),
    }
}
