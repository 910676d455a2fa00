//! Durations as people type them: the same as in the settings.

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

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn a_span_is_read_as_in_the_settings() {
        assert_eq!(parse("10m"), Ok(Duration::from_secs(600)));
        assert!(parse("ten minutes").unwrap_err().contains("no duration"));
    }
}
