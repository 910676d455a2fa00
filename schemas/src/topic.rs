//! The topics: one line each.

use std::{fmt, str::FromStr, time::Duration};

/// A topic of Tracker. Its name on the broker is the configured prefix and [`Topic::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Events as the edge accepted them. Private: holds raw client addresses. Keyed by event id.
    Events,
    /// Events after enrichment and the consent filter. Keyed by visitor, else by event id.
    Enriched,
    /// Enriched events that belong to a message thread: the same record as `enriched`. Keyed by thread.
    Messages,
    /// Payments. Keyed by payment id.
    Payments,
    /// Consents, given and withdrawn. Keyed by visitor.
    Agreements,
    /// Short links: the latest of each address. Keyed by its lower-cased host and path.
    Redirects,
    /// What could not be carried on. Keyed by the process that refused it.
    DeadLetters,
    /// What each process did, counted: one page at a time. Keyed by process.
    Ledger,
    /// Persons whose data are to be erased: a replay must not bring them back. Keyed by [`Erasure::key`](crate::Erasure::key).
    Erasures,
    /// Dead letters that were sent again: none is sent twice. Keyed by the dead letter's id.
    Redrives,
}

/// What the broker is told to keep of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Everything for a while.
    For {
        /// How long.
        time: Duration,
        /// How many bytes a partition, whatever their age.
        bytes_per_partition: u64,
    },
    /// The latest message of each key, for ever.
    LatestOfKey,
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

const GIB: u64 = 1 << 30;

const fn keep(time: Duration, gib_per_partition: u64) -> Retention {
    Retention::For { time, bytes_per_partition: gib_per_partition * GIB }
}

impl Topic {
    /// All of them, in the order in which data meets them.
    pub const ALL: [Self; 10] = [
        Self::Events,
        Self::Enriched,
        Self::Messages,
        Self::Payments,
        Self::Agreements,
        Self::Redirects,
        Self::DeadLetters,
        Self::Ledger,
        Self::Erasures,
        Self::Redrives,
    ];

    /// The name without the prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Enriched => "enriched",
            Self::Messages => "messages",
            Self::Payments => "payments",
            Self::Agreements => "agreements",
            Self::Redirects => "redirects",
            Self::DeadLetters => "dead_letters",
            Self::Ledger => "ledger",
            Self::Erasures => "erasures",
            Self::Redrives => "redrives",
        }
    }

    /// The topic whose record it carries: its own, but for `messages`. Schema, history and examples bear that name.
    #[must_use]
    pub const fn of_record(self) -> Self {
        match self {
            Self::Messages => Self::Enriched,
            own => own,
        }
    }

    /// The text of the Avro schema of its values.
    #[must_use]
    pub const fn avsc(self) -> &'static str {
        match self {
            Self::Events => include_str!("../events.avsc"),
            Self::Enriched | Self::Messages => include_str!("../enriched.avsc"),
            Self::Payments => include_str!("../payments.avsc"),
            Self::Agreements => include_str!("../agreements.avsc"),
            Self::Redirects => include_str!("../redirects.avsc"),
            Self::DeadLetters => include_str!("../dead_letters.avsc"),
            Self::Ledger => include_str!("../ledger.avsc"),
            Self::Erasures => include_str!("../erasures.avsc"),
            Self::Redrives => include_str!("../redrives.avsc"),
        }
    }

    /// What the broker keeps. Raw events hold addresses, so only a day of them.
    #[must_use]
    pub const fn retention(self) -> Retention {
        match self {
            Self::Events => keep(days(1), 50),
            Self::Enriched => keep(days(14), 200),
            Self::Messages => keep(days(14), 50),
            Self::Payments | Self::Agreements | Self::DeadLetters => keep(days(30), 20),
            Self::Ledger => keep(days(7), 10),
            Self::Redirects | Self::Erasures | Self::Redrives => Retention::LatestOfKey,
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
#[error("there is no topic `{name}`; the topics are {}", Topic::ALL.map(Topic::name).join(", "))]
pub struct UnknownTopic {
    name: String,
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        let known = Self::ALL.into_iter().find(|topic| topic.name() == name);
        known.ok_or_else(|| UnknownTopic { name: name.to_owned() })
    }
}
