//! The types of fields that Rust and `serde` have no word for.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use time::{
    OffsetDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use uuid::Uuid;

/// RFC 3339 with all three places of the milliseconds: as text it sorts as in time.
const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An instant: milliseconds since 1970-01-01T00:00:00Z. In JSON: RFC 3339, as `2026-11-24T08:00:00.000Z`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339, to the millisecond.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }

    /// When an id of version 7 was made; one of another version holds no time.
    #[must_use]
    pub fn of_id(id: Uuid) -> Option<Self> {
        let (seconds, nanoseconds) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
        let ms = i64::try_from(seconds).ok()?.checked_mul(1000)?;
        Some(Self(ms + i64::from(nanoseconds / 1_000_000)))
    }

    /// The calendar day in UTC, days since 1970-01-01.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .filter(|instant| instant.year() >= 0)
            .and_then(|instant| instant.format(MILLISECONDS).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}ms", self.0), // beyond the years that RFC 3339 can write
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not RFC 3339")))
    }
}

/// An exact decimal with 4 places: a count of ten-thousandths. Money never passes through a float.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a text is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a decimal number.
    #[error("is not a decimal number")]
    NotANumber,
    /// More than 4 places after the point that are not zero.
    #[error("has more than 4 decimal places")]
    TooPrecise,
    /// Beyond 18 digits before the point: more than any table column holds.
    #[error("is too large")]
    TooLarge,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    const SCALE: i32 = 4;
    const LARGEST: i128 = 10_i128.pow(18 + 4);

    /// From a count of ten-thousandths.
    #[must_use]
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The count of ten-thousandths.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `-12.5`, `1e3`, `.5`, as JSON numbers and numeric strings write them.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim();
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| DecimalError::NotANumber)?),
            None => (unsigned, 0_i32),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
            return Err(DecimalError::NotANumber);
        }
        let places = i64::from(exponent) + i64::from(Self::SCALE) - fraction.len() as i64;
        let magnitude = scale(digits(), places)?;
        Ok(Self(if negative { -magnitude } else { magnitude }))
    }
}

/// The number that `digits` write, times ten to the `places`.
fn scale(digits: impl Iterator<Item = u8>, places: i64) -> Result<i128, DecimalError> {
    let mut significant: Vec<u8> = digits.skip_while(|digit| *digit == b'0').collect();
    for _ in places..0 {
        match significant.pop() {
            None => return Ok(0), // only zeros were left
            Some(b'0') => {}
            Some(_) => return Err(DecimalError::TooPrecise),
        }
    }
    let mut units = 0_i128;
    let zeros = if significant.is_empty() { 0 } else { usize::try_from(places.max(0)).unwrap_or(usize::MAX) };
    for digit in significant.into_iter().chain(std::iter::repeat_n(b'0', zeros)) {
        units = units * 10 + i128::from(digit - b'0');
        if units >= Decimal::LARGEST {
            return Err(DecimalError::TooLarge);
        }
    }
    Ok(units)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:04}", magnitude / 10_000, magnitude % 10_000)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| D::Error::custom(format!("`{text}` {error}")))
    }
}

/// The text of a JSON value. In JSON: the value itself, letter for letter, so that no number is rounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonText(pub String);

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&serde_json::value::RawValue>(&self.0) {
            Ok(value) => value.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Self(value.to_string()))
    }
}

/// Bytes. In JSON: text where they are UTF-8, else `hex:…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with("hex:") => serializer.serialize_str(text),
            _ => serializer.serialize_str(
                &self.0.iter().fold("hex:".to_owned(), |text, byte| format!("{text}{byte:02x}")),
            ),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(hex) = text.strip_prefix("hex:") else { return Ok(Self(text.into_bytes())) };
        let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
        let digits = digits.ok_or_else(|| D::Error::custom("`hex:` is followed by pairs of hex digits"))?;
        let (pairs, _) = digits.as_chunks::<2>();
        Ok(Self(pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect()))
    }
}

/// Who sent an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A browser or app, without a secret.
    #[default]
    Client = 0,
    /// A server, with a secret key.
    Server = 1,
}

impl Kind {
    /// The symbol in Avro and in the tables.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// Whose id a person is known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// A visitor's.
    #[default]
    Vid = 0,
    /// A user's.
    Uid = 1,
}

impl SubjectKind {
    /// The symbol in Avro and in the tables: the name of the field that holds such an id.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Vid => "vid",
            Self::Uid => "uid",
        }
    }
}
