//! Durations as people type them, the same as in the settings, and as they read them.

use serde::de::{IntoDeserializer, value::Error};
use std::time::Duration;

/// Reads `250ms`, `5s`, `10m`, `24h`, `30d`.
///
/// # Errors
/// Words for what it should be.
pub fn parse(text: &str) -> Result<Duration, String> {
    tracker_stream::config::span::deserialize(IntoDeserializer::<Error>::into_deserializer(text))
        .map_err(|error| error.to_string())
}

/// Tells seconds in at most two units: `59s`, `10m`, `4h 33m`, `13d 4h`.
#[must_use]
pub fn told(seconds: f64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let whole = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX).as_secs();
    let Some(at) = UNITS.iter().position(|(unit, _)| whole >= *unit) else { return "0s".to_owned() };
    let mut left = whole;
    let count = |(unit, name): &(u64, &str)| {
        let count = left / unit;
        left %= unit;
        (count > 0).then(|| format!("{count}{name}"))
    };
    UNITS.iter().skip(at).take(2).filter_map(count).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{parse, told};
    use std::time::Duration;

    #[test]
    fn a_span_is_read_as_in_the_settings() {
        assert_eq!(parse("10m"), Ok(Duration::from_secs(600)));
        assert!(parse("ten minutes").unwrap_err().contains("no duration"));
    }

    #[test]
    fn a_span_is_told_in_two_units_at_most() {
        let all = [0.0, 0.9, 59.0, 600.0, 16_400.0, 86_400.0, 1_137_661.0, -5.0];
        assert_eq!(all.map(told), ["0s", "0s", "59s", "10m", "4h 33m", "1d", "13d 4h", "0s"]);
    }
}
