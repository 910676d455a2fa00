//! Durations and sizes as people write them.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;

/// Splits `250ms` into its number and its unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

/// `250ms`, `5s`, `10m`, `24h`, `30d`.
pub(super) fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// `64B`, `64KiB`, `8MiB`, `1GiB`.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(number.checked_mul(bytes)?).ok()
}

/// A number of bytes, written as `8MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_size(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no size such as \"8MiB\"")))
    }
}

/// Durations in serde: `#[serde(with = "tracker_stream::config::span")]`.
pub mod span {
    use super::{Deserialize, Deserializer, Duration, parse_span};
    use serde::de::Error;

    /// Reads `250ms`, `5s`, `10m`, `24h`, `30d`.
    ///
    /// # Errors
    /// Text that is no duration.
    pub fn deserialize<'de, De: Deserializer<'de>>(deserializer: De) -> Result<Duration, De::Error> {
        let text = String::deserialize(deserializer)?;
        parse_span(&text).ok_or_else(|| De::Error::custom(format!("`{text}` is no duration such as \"5s\"")))
    }
}
