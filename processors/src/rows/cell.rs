//! The types of cells: what a column holds, checked to be what it can hold.
//!
//! ClickHouse takes a number beyond a `Decimal`'s digits, or a time beyond a `DateTime64`, and stores another one. So the
//! bounds are checked here, and the row is refused. Towards people (JSON) a cell writes itself as text.

use serde::{Serialize, Serializer};
use tracker_schemas::{Bytes, Decimal, JsonText, Kind, Timestamp};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

/// A field of a record as a cell of a row.
pub(super) trait Cell<T>: Sized {
    /// Converts. Errors say why the column cannot hold the value.
    fn of(value: T) -> Result<Self, String>;
}

/// Converts the field `name`.
pub(super) fn cell<T, C: Cell<T>>(name: &str, value: T) -> Result<C, Refusal> {
    C::of(value)
        .map_err(|why| Refusal::new("out_of_range", format!("{}: {why}", name.trim_start_matches("r#"))))
}

/// `UUID`; zero where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(Uuid);

impl Id {
    /// The id itself.
    pub(super) const fn uuid(self) -> Uuid {
        self.0
    }
}

impl Cell<Uuid> for Id {
    fn of(value: Uuid) -> Result<Self, String> {
        Ok(Self(value))
    }
}

impl Cell<Option<Uuid>> for Id {
    fn of(value: Option<Uuid>) -> Result<Self, String> {
        Ok(Self(value.unwrap_or(Uuid::nil())))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            self.0.as_u64_pair().serialize(serializer) // ClickHouse's two halves, each little-endian
        }
    }
}

/// `DateTime64(3, 'UTC')`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant(i64);

impl Instant {
    /// 1900-01-01 to 2299-12-31, in milliseconds.
    const RANGE: std::ops::RangeInclusive<i64> = -2_208_988_800_000..=10_413_791_999_999;

    /// 1970-01-01.
    pub(super) const EPOCH: Self = Self(0);

    /// The nearest that the column holds: for a time that says when something moved, and is no part of it.
    pub(super) fn nearest(ms: i64) -> Self {
        Self(ms.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }
}

impl Cell<Timestamp> for Instant {
    fn of(value: Timestamp) -> Result<Self, String> {
        if Self::RANGE.contains(&value.0) {
            Ok(Self(value.0))
        } else {
            Err(format!("{value} is not between the years 1900 and 2299"))
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&Timestamp(self.0))
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

/// `Decimal(22, 4)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Money(i128);

impl Cell<Decimal> for Money {
    fn of(value: Decimal) -> Result<Self, String> {
        if value.units().unsigned_abs() < 10_u128.pow(22) {
            Ok(Self(value.units()))
        } else {
            Err(format!("{value} has more than 18 digits before the point"))
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&Decimal::from_units(self.0))
        } else {
            serializer.serialize_i128(self.0)
        }
    }
}

/// `String` of any bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob(Bytes);

impl Cell<Bytes> for Blob {
    fn of(value: Bytes) -> Result<Self, String> {
        Ok(Self(value))
    }
}

impl Cell<Option<Bytes>> for Blob {
    fn of(value: Option<Bytes>) -> Result<Self, String> {
        Ok(Self(value.unwrap_or_default()))
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.serialize(serializer)
        } else {
            serializer.serialize_bytes(&self.0.0)
        }
    }
}

impl Cell<Option<Self>> for String {
    fn of(value: Option<Self>) -> Result<Self, String> {
        Ok(value.unwrap_or_default())
    }
}

impl Cell<Option<JsonText>> for String {
    fn of(value: Option<JsonText>) -> Result<Self, String> {
        Ok(value.unwrap_or_default().0)
    }
}

impl Cell<Kind> for &'static str {
    fn of(value: Kind) -> Result<Self, String> {
        Ok(value.symbol())
    }
}

/// `Nullable(…)` of a cell that is converted.
macro_rules! nullable {
    ($($from:ty => $to:ty),*) => {$(
        impl Cell<Option<$from>> for Option<$to> {
            fn of(value: Option<$from>) -> Result<Self, String> {
                value.map(<$to as Cell<$from>>::of).transpose()
            }
        }
    )*};
}
nullable!(Decimal => Money, Timestamp => Instant);

/// Cells that are what the record holds.
macro_rules! same {
    ($($type:ty),*) => {$(
        impl Cell<$type> for $type {
            fn of(value: $type) -> Result<Self, String> {
                Ok(value)
            }
        }
    )*};
}
same!(String, bool, i32, i64, Vec<String>, Option<i32>, Option<i64>, Option<f64>);
