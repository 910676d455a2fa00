//! The topics: one line each.

use std::{fmt, str::FromStr, time::Duration};

/// A topic of Tracker. Its name on the broker is the configured prefix and [`Topic::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Events as the edge accepted them. Private: holds raw client addresses. Keyed by event id.
    Events,
    /// Events after enrichment and the consent filter. Keyed by visitor, else by event id.
    Enriched,
    /// Payments. Keyed by payment id.
    Payments,
    /// What could not be carried on. Keyed by the process that refused it.
    DeadLetters,
}

/// What the broker is told to keep of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long.
    pub time: Duration,
    /// How many bytes a partition, whatever their age.
    pub bytes_per_partition: u64,
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

const GIB: u64 = 1 << 30;

impl Topic {
    /// All of them, in the order in which data meets them.
    pub const ALL: [Self; 4] = [Self::Events, Self::Enriched, Self::Payments, Self::DeadLetters];

    /// The name without the prefix; the `.avsc` file is named the same.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Enriched => "enriched",
            Self::Payments => "payments",
            Self::DeadLetters => "dead_letters",
        }
    }

    /// The text of the Avro schema of its values.
    #[must_use]
    pub const fn avsc(self) -> &'static str {
        match self {
            Self::Events => include_str!("../events.avsc"),
            Self::Enriched => include_str!("../enriched.avsc"),
            Self::Payments => include_str!("../payments.avsc"),
            Self::DeadLetters => include_str!("../dead_letters.avsc"),
        }
    }

    /// What the broker keeps. Raw events hold addresses, so only a day of them.
    #[must_use]
    pub const fn retention(self) -> Retention {
        match self {
            Self::Events => Retention { time: days(1), bytes_per_partition: 50 * GIB },
            Self::Enriched => Retention { time: days(14), bytes_per_partition: 200 * GIB },
            Self::Payments | Self::DeadLetters => Retention { time: days(30), bytes_per_partition: 20 * GIB },
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no topic `{0}`; the topics are events, enriched, payments, dead_letters")]
pub struct UnknownTopic(String);

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        Self::ALL.into_iter().find(|topic| topic.name() == name).ok_or_else(|| UnknownTopic(name.to_owned()))
    }
}
