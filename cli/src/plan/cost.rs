//! What one event costs, from the socket to the row. Each number has its source; those that were measured were so once, on a machine
//! that did other work as well.
//! Pure.

use std::collections::BTreeMap;

/// One number of the formula.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// How it is named in `--cost` and in the JSON of the bench.
    pub name: &'static str,
    /// Its value where nothing else is said.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

/// CPU times are of one core of the 2-core machine that `bench/README.md` describes, all threads of the process together.
pub const COSTS: [Cost; 12] = [
    Cost {
        name: "edge_us",
        value: 35.0,
        unit: "µs/event",
        source: "assumed: one event per POST, 64 connections; 42 measured on a busy machine",
    },
    Cost {
        name: "broker_us",
        value: 9.0,
        unit: "µs/event",
        source: "measured: Kafka 4.1, both topics written once, each read once",
    },
    Cost {
        name: "replica_us",
        value: 2.0,
        unit: "µs/event",
        source: "assumed: a follower fetches whole batches, and decodes none",
    },
    Cost {
        name: "enrich_us", value: 14.7, unit: "µs/event", source: "measured: enrich, draining a backlog"
    },
    Cost { name: "load_us", value: 10.3, unit: "µs/row", source: "measured: load, draining a backlog" },
    Cost {
        name: "clickhouse_us",
        value: 18.0,
        unit: "µs/row",
        source: "measured: ClickHouse 26.7, all views, merges included",
    },
    Cost {
        name: "partition_rate",
        value: 30_000.0,
        unit: "events/s",
        source: "assumed: a backlog in one partition",
    },
    Cost {
        name: "request_bytes",
        value: 1_400.0,
        unit: "bytes/event",
        source: "assumed: one event per POST, a browser's headers over TLS",
    },
    Cost { name: "raw_bytes", value: 160.0, unit: "bytes/event", source: "measured: log of `events`, lz4" },
    Cost {
        name: "enriched_bytes",
        value: 188.0,
        unit: "bytes/event",
        source: "measured: log of `enriched`, lz4",
    },
    Cost {
        name: "insert_bytes",
        value: 130.0,
        unit: "bytes/row",
        source: "assumed: what load sends to ClickHouse, LZ4",
    },
    Cost {
        name: "row_bytes",
        value: 101.0,
        unit: "bytes/row",
        source: "measured: parts of `events` on disk, sample of four sites",
    },
];

/// The numbers in force.
#[derive(Debug, Clone)]
pub struct Costs(BTreeMap<&'static str, f64>);

impl Default for Costs {
    fn default() -> Self {
        Self(COSTS.iter().map(|cost| (cost.name, cost.value)).collect())
    }
}

impl Costs {
    /// The number of that name; nothing for a name that is none.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Replaces a number. A name that is none is passed over: a bench may measure more than the formula asks for.
    pub fn set(&mut self, name: &str, value: f64) {
        if let Some(known) = self.0.get_mut(name) {
            *known = value;
        }
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn parse(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE, as load_us=7.5")?;
    if !COSTS.iter().any(|cost| cost.name == name) {
        let names: Vec<_> = COSTS.iter().map(|cost| cost.name).collect();
        return Err(format!("no such cost; there are {}", names.join(", ")));
    }
    Ok((name.to_owned(), super::positive(value)?))
}

/// Reads costs from a file.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, f64>, String> {
    #[derive(serde::Deserialize)]
    struct Measured {
        costs: BTreeMap<String, f64>,
    }
    let Measured { costs } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match costs.iter().find(|(_, value)| !value.is_finite() || **value <= 0.0) {
        Some((name, _)) => Err(format!("costs.{name} must be a number, and more than nothing")),
        None => Ok(costs),
    }
}
