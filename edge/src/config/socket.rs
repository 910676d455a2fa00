//! Section `[edge.ws]`.

use serde::Deserialize;
use std::time::Duration;
use tracker_stream::config::{Mistake, Mistakes, Size, span};

/// What WebSockets may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SocketLimits {
    /// Open at once.
    pub most: usize,
    /// Bytes of a message, as sent and decoded.
    pub frame: usize,
    /// Messages of one connection that are not safe yet; then no more is read of it.
    pub in_flight: usize,
    /// Messages of one connection that cannot be decoded.
    pub bad_frames: usize,
    /// How long a client may be silent until it is asked whether it is there.
    pub ping: Duration,
    /// How long it may be silent at all.
    pub idle: Duration,
}

/// The section as it is written.
#[derive(Deserialize)]
pub(super) struct Written {
    connections: usize,
    frame_limit: Size,
    in_flight: usize,
    max_bad_frames: usize,
    #[serde(with = "span")]
    ping: Duration,
    #[serde(with = "span")]
    idle: Duration,
}

impl Written {
    /// What is meant, where a body may have so many bytes.
    pub(super) fn meant(self, largest: usize) -> Result<SocketLimits, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut wrong =
            |key: &str, detail: String| mistakes.add(Mistake::new(format!("edge.ws.{key}"), detail));
        for (key, number) in [("connections", self.connections), ("in_flight", self.in_flight)] {
            if number == 0 {
                wrong(key, "must be at least 1".to_owned());
            }
        }
        if !(2..=largest).contains(&self.frame_limit.0) {
            let least_and_most = format!("from 2 to {largest} bytes (edge.batch_body_limit)");
            wrong("frame_limit", format!("must be {least_and_most}, not {}", self.frame_limit.0));
        }
        if self.ping.is_zero() || self.ping >= self.idle {
            wrong("ping", format!("must be more than 0 and less than edge.ws.idle, not {:?}", self.ping));
        }
        mistakes.or(SocketLimits {
            most: self.connections,
            frame: self.frame_limit.0,
            in_flight: self.in_flight,
            bad_frames: self.max_bad_frames,
            ping: self.ping,
            idle: self.idle,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::config::Settings;

    fn read(text: &str) -> Result<SocketLimits, Mistakes> {
        let settings = Settings::merge(&format!("[edge.ws]\n{text}"), "test", std::iter::empty())?;
        settings.section::<Written>("edge.ws")?.meant(8 << 20)
    }

    #[test]
    fn the_defaults_are_right() {
        let expected = SocketLimits {
            most: 8_000,
            frame: 1 << 20,
            in_flight: 8,
            bad_frames: 10,
            ping: Duration::from_secs(30),
            idle: Duration::from_secs(120),
        };
        assert_eq!(read("").unwrap(), expected);
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let text = "connections = 0\nin_flight = 0\nframe_limit = \"9MiB\"\nping = \"2m\"";
        let mistakes = read(text).unwrap_err();
        let keys: Vec<_> =
            mistakes.iter().map(|mistake| mistake.key.trim_start_matches("edge.ws.")).collect();
        assert_eq!(keys, ["connections", "in_flight", "frame_limit", "ping"]);
    }
}
