//! The types of cells: what a column holds, checked to be what it can hold.
//!
//! ClickHouse takes a number beyond a `Decimal`'s digits, or a time beyond a `DateTime64`, and stores another one. So the
//! bounds are checked here, and the row is refused. These types name cells and have no values: a value is packed as soon as
//! it is checked.

use super::{
    column::{Form, Value, plain},
    packed::{put_length, put_text},
};
use tracker_schemas::{Decimal, Kind, Timestamp};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

/// A type of cells.
pub(super) trait Cell {
    /// How many values one has.
    const FORM: Form;
    /// What each of them is.
    const VALUE: Value;
}

/// A type of cells that are made of a `T`.
pub(super) trait Holds<T>: Cell {
    /// Packs a cell. Errors say why the column cannot hold the value.
    fn pack(value: T, row: &mut Vec<u8>) -> Result<(), String>;
}

/// Packs the field `name` as a cell of the type `C`.
pub(super) fn pack<T, C: Holds<T>>(name: &'static str, value: T, row: &mut Vec<u8>) -> Result<(), Refusal> {
    C::pack(value, row).map_err(|why| Refusal::new("out_of_range", format!("{}: {why}", plain(name))))
}

/// `UUID`; zero where there is none.
pub(super) enum Id {}
/// `DateTime64(3, 'UTC')`.
pub(super) enum Instant {}
/// `Decimal(22, 4)`.
pub(super) enum Money {}
/// `String` of any bytes; empty where there is none.
pub(super) enum Text {}

/// Cells of one value each.
macro_rules! one {
    ($($cell:ty => $value:ident),*) => {$(
        impl Cell for $cell {
            const FORM: Form = Form::One;
            const VALUE: Value = Value::$value;
        }
    )*};
}
one!(Id => Id, Instant => Instant, Money => Money, Text => Text, bool => Bool, i32 => Int32, i64 => Int64, f64 => Float64);

impl<C: Cell> Cell for Option<C> {
    const FORM: Form = Form::Nullable;
    const VALUE: Value = C::VALUE;
}

impl<C: Cell> Cell for Vec<C> {
    const FORM: Form = Form::Array;
    const VALUE: Value = C::VALUE;
}

impl Id {
    /// The id that was packed as this cell.
    pub(super) fn unpack(cell: &[u8]) -> Uuid {
        match cell.as_chunks::<8>() {
            ([high, low], []) => Uuid::from_u64_pair(u64::from_le_bytes(*high), u64::from_le_bytes(*low)),
            _ => Uuid::nil(),
        }
    }
}

impl Holds<Uuid> for Id {
    fn pack(value: Uuid, row: &mut Vec<u8>) -> Result<(), String> {
        let (high, low) = value.as_u64_pair(); // ClickHouse's two halves, each little-endian
        row.extend_from_slice(&high.to_le_bytes());
        row.extend_from_slice(&low.to_le_bytes());
        Ok(())
    }
}

impl Holds<Option<Uuid>> for Id {
    fn pack(value: Option<Uuid>, row: &mut Vec<u8>) -> Result<(), String> {
        Self::pack(value.unwrap_or(Uuid::nil()), row)
    }
}

impl Instant {
    /// 1900-01-01 to 2299-12-31, in milliseconds.
    const RANGE: std::ops::RangeInclusive<i64> = -2_208_988_800_000..=10_413_791_999_999;

    /// The nearest time that a cell holds: for one that says when something moved, and is no part of it.
    pub(super) fn nearest(ms: i64) -> Timestamp {
        Timestamp(ms.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }
}

impl Holds<Timestamp> for Instant {
    fn pack(value: Timestamp, row: &mut Vec<u8>) -> Result<(), String> {
        if !Self::RANGE.contains(&value.0) {
            return Err(format!("{value} is not between the years 1900 and 2299"));
        }
        row.extend_from_slice(&value.0.to_le_bytes());
        Ok(())
    }
}

impl Holds<Decimal> for Money {
    fn pack(value: Decimal, row: &mut Vec<u8>) -> Result<(), String> {
        if value.units().unsigned_abs() >= 10_u128.pow(22) {
            return Err(format!("{value} has more than 18 digits before the point"));
        }
        row.extend_from_slice(&value.units().to_le_bytes());
        Ok(())
    }
}

impl<T: AsRef<[u8]> + ?Sized> Holds<&T> for Text {
    fn pack(value: &T, row: &mut Vec<u8>) -> Result<(), String> {
        put_text(value.as_ref(), row);
        Ok(())
    }
}

impl<T: AsRef<[u8]> + ?Sized> Holds<Option<&T>> for Text {
    fn pack(value: Option<&T>, row: &mut Vec<u8>) -> Result<(), String> {
        Self::pack(value.map_or(&[][..], T::as_ref), row)
    }
}

impl Holds<Kind> for Text {
    fn pack(value: Kind, row: &mut Vec<u8>) -> Result<(), String> {
        Self::pack(value.symbol(), row)
    }
}

impl Holds<bool> for bool {
    fn pack(value: bool, row: &mut Vec<u8>) -> Result<(), String> {
        row.push(u8::from(value));
        Ok(())
    }
}

/// Numbers that are what the record holds.
macro_rules! number {
    ($($type:ty),*) => {$(
        impl Holds<$type> for $type {
            fn pack(value: $type, row: &mut Vec<u8>) -> Result<(), String> {
                row.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
        }
    )*};
}
number!(i32, i64, f64);

impl<T, C: Holds<T>> Holds<Option<T>> for Option<C> {
    fn pack(value: Option<T>, row: &mut Vec<u8>) -> Result<(), String> {
        row.push(u8::from(value.is_none()));
        value.map_or(Ok(()), |value| C::pack(value, row))
    }
}

impl<I: ExactSizeIterator, C: Holds<I::Item>> Holds<I> for Vec<C> {
    fn pack(values: I, row: &mut Vec<u8>) -> Result<(), String> {
        put_length(values.len(), row);
        for value in values {
            C::pack(value, row)?;
        }
        Ok(())
    }
}
