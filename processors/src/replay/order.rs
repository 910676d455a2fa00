//! What was asked for. Pure.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use tracker_schemas::Topic;

/// A topic that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Replayed {
    /// Raw events; only into their topic, for only enrich knows what becomes of them.
    Events,
    /// Enriched events.
    Enriched,
    /// Payments.
    Payments,
}

impl Replayed {
    /// The topic.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::Events => Topic::Events,
            Self::Enriched => Topic::Enriched,
            Self::Payments => Topic::Payments,
        }
    }

    /// The table in which its messages end, sooner or later.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Events | Self::Enriched => "events",
            Self::Payments => "payments",
        }
    }

    /// The lane that stores its messages, without the prefix of its group; none for what is enriched first.
    #[must_use]
    pub const fn lane(self) -> Option<&'static str> {
        match self {
            Self::Events => None,
            Self::Enriched => Some(crate::load::EVENTS),
            Self::Payments => Some(crate::payments::PAYMENTS),
        }
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.topic().fmt(f)
    }
}

impl FromStr for Replayed {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Events, Self::Enriched, Self::Payments];
        let found = all.into_iter().find(|topic| topic.topic().name() == name);
        found.ok_or_else(|| "must be enriched, payments or events".to_owned())
    }
}

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// The table that live traffic writes to.
    Table,
    /// The same table of a database of its own.
    Shadow,
    /// The end of the same topic.
    Topic,
}

/// What was asked for, as it was typed: the same again is the same replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which topic.
    pub topic: Replayed,
    /// Where to.
    pub into: Where,
    /// Where to begin.
    pub from: String,
    /// Where to end; nothing: what is there when it begins.
    pub to: Option<String>,
    /// Conditions, all of which hold.
    pub filter: Vec<String>,
}

impl Order {
    /// Reads `--into`: `shadow`, `topic`, or the table's own name; nothing: the table.
    ///
    /// # Errors
    /// Words for what does not go together.
    pub fn into(topic: Replayed, typed: Option<&str>) -> Result<Where, String> {
        let into = match typed {
            Some("shadow") => Where::Shadow,
            Some("topic") => Where::Topic,
            None => Where::Table,
            Some(name) if name == topic.table() => Where::Table,
            Some(name) => {
                let table = topic.table();
                return Err(format!("is `{name}`, but {topic} goes into {table}, shadow or topic"));
            }
        };
        if topic == Replayed::Events && into != Where::Topic {
            let why = "events are raw and become rows only after enrichment: replay them `--into topic`";
            return Err(format!("{why}, or replay `--topic enriched`"));
        }
        Ok(into)
    }
}
