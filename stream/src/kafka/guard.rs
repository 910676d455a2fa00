//! How far a consumer group is behind, and how long until messages that it has not read are deleted. Pure; what is asked of
//! the broker is asked in [`look`].
//!
//! A message's time is that of its event's receipt, and retention goes by it. So a group has from the time of its oldest
//! unread message until the topic's retention is over. The broker deletes whole segments, by their latest message: it may
//! keep one longer, never shorter. What a topic's bound of bytes takes away earlier is foreseen by the pace at which its
//! first offset has moved so far: see [`Pace`].

mod look;
mod pace;
#[cfg(test)]
mod tests;

pub use look::Guard;
use pace::Pace;

use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// A group and the topic that it reads, by their names on the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The consumer group.
    pub group: String,
    /// The topic.
    pub topic: Arc<str>,
}

/// How a group stands in one partition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The partition.
    pub partition: i32,
    /// Where the group goes on.
    pub next_offset: i64,
    /// Messages that it has not read.
    pub lag_messages: i64,
    /// How old the oldest of them is; 0 without any.
    pub lag_seconds: f64,
    /// How long until the oldest of them is deleted; without any, how long one that comes now would be kept. 0 when some are
    /// gone already; `None`: never.
    pub seconds_until_data_loss: Option<f64>,
    /// Messages that were deleted before the group has read them.
    pub lost_messages: i64,
    /// How long the topic keeps a message, seconds; `None`: for ever.
    pub retention_seconds: Option<f64>,
}

/// What the broker says of a partition.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Position {
    partition: i32,
    /// The first offset that is still there.
    low: i64,
    /// The offset behind the last message that may be read.
    end: i64,
    /// What the group has committed.
    committed: Option<i64>,
    unread: Unread,
}

/// The oldest message that a group has not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// There is none: what lies before the end are marks of transactions, or messages that were taken back.
    None,
    /// It is here, and of that time: milliseconds since the epoch.
    At(i64, i64),
    /// It could not be read in time.
    Unknown,
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

impl Position {
    /// Where the group goes on. One that has never committed begins with what is there.
    fn next(&self) -> i64 {
        self.committed.map_or(self.low, |committed| committed.max(self.low))
    }

    fn standing(&self, retention: Option<Duration>, pace: &Pace, now_ms: i64) -> Standing {
        let lost = self.committed.map_or(0, |committed| (self.low - committed).max(0));
        let (lag, age) = match self.unread {
            Unread::None => (0, 0.0),
            Unread::At(offset, at_ms) => ((self.end - offset).max(1), seconds((now_ms - at_ms).max(0))),
            Unread::Unknown => ((self.end - self.next()).max(0), 0.0),
        };
        let retention = retention.map(|retention| retention.as_secs_f64());
        let by_time = retention.map(|retention| (retention - age).max(0.0));
        let by_pace = if lag > 0 { pace.until(self.next(), now_ms) } else { None };
        let until = match (by_time, by_pace) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Standing {
            partition: self.partition,
            next_offset: self.next(),
            lag_messages: lag,
            lag_seconds: age,
            seconds_until_data_loss: if lost > 0 { Some(0.0) } else { until },
            lost_messages: lost,
            retention_seconds: retention,
        }
    }
}
