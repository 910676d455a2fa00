//! From events a second to machines, bytes and inserts, and to what is full first. Pure.
//!
//! A stage's machines are what its CPU time asks for, over what one machine may be busy; brokers and shards also what their
//! disks and their network ask for. An insert goes through a `Distributed` table and so reaches every shard with its part of
//! the rows: shards do not make inserts fewer, larger inserts do.

use super::cost::Costs;
use serde::Serialize;

/// What the machines are, and how long things are kept.
#[derive(Debug, Clone, clap::Args, Serialize)]
pub struct Ground {
    /// Cores of a machine of an edge, a broker or a processor.
    #[arg(long, default_value = "8", value_parser = super::positive)]
    pub cores: f64,
    /// Cores of a shard's machine.
    #[arg(long, default_value = "16", value_parser = super::positive)]
    pub shard_cores: f64,
    /// How much of a machine is planned to be used.
    #[arg(long, default_value = "0.5", value_parser = share)]
    pub busy: f64,
    /// Copies of each partition.
    #[arg(long, default_value = "3", value_parser = super::positive)]
    pub copies: f64,
    /// Copies of each shard.
    #[arg(long, default_value = "2", value_parser = super::positive)]
    pub shard_copies: f64,
    /// Days that events are kept in ClickHouse.
    #[arg(long, default_value = "90", value_parser = super::positive)]
    pub days: f64,
    /// Terabytes of disk of a broker, and of a shard's machine.
    #[arg(long, default_value = "8", value_parser = super::positive)]
    pub disk_tb: f64,
    /// Gigabits a second of a machine's network.
    #[arg(long, default_value = "10", value_parser = super::positive)]
    pub network_gbit: f64,
    /// Price of a terabyte that is held for a month.
    #[arg(long, default_value = "25", value_parser = super::positive)]
    pub price_per_tb: f64,
}

/// A part of a whole, and not nothing.
fn share(text: &str) -> Result<f64, String> {
    super::positive(text)
        .and_then(|share| (share <= 1.0).then_some(share).ok_or("must be at most 1".to_owned()))
}

/// How many, and what asks for so many.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// Of all that asks, what asks for most.
    pub by: &'static str,
}

/// Bytes that move, and that lie.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Traffic {
    /// From clients.
    pub received_tb_per_day: f64,
    /// Between all parts, that included.
    pub network_tb_per_day: f64,
    /// Written by brokers, all copies.
    pub broker_tb_per_day: f64,
    /// Written as rows, all copies, before merges write them again.
    pub clickhouse_tb_per_day: f64,
    /// Held by brokers: raw events for a day, enriched ones for two weeks, all copies.
    pub broker_tb: f64,
    /// Held by ClickHouse, all copies.
    pub clickhouse_tb: f64,
    /// What all that is held costs.
    pub cost_per_month: f64,
}

/// Inserts into `events`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inserts {
    /// What `load.events.inserts_per_second` is to be.
    pub per_process: f64,
    /// Of all processes; each shard sees all of them.
    pub per_second: f64,
    /// As few as they can be, each as large as one block may be.
    pub least_per_second: f64,
    /// Rows of one insert.
    pub rows: f64,
    /// Rows of it that one shard stores.
    pub rows_of_shard: f64,
}

/// Something that can be full.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// What.
    pub what: &'static str,
    /// How full it is.
    pub full: f64,
    /// Events a second at which it is full, if nothing is added.
    pub at: f64,
}

/// What so many events a second need.
#[derive(Debug, Clone, Serialize)]
pub struct Capacity {
    /// Events a second.
    pub events_per_second: f64,
    /// Machines that let them in.
    pub edges: Count,
    /// Partitions of `events`, and of `enriched`.
    pub partitions: Count,
    /// Brokers.
    pub brokers: Count,
    /// Machines that enrich.
    pub enrich: Count,
    /// Machines that load.
    pub load: Count,
    /// Shards, of so many copies each as was said.
    pub shards: Count,
    /// Bytes.
    pub traffic: Traffic,
    /// Inserts.
    pub inserts: Inserts,
    /// What can be full, the fullest first.
    pub limits: Vec<Limit>,
}

const DAY: f64 = 86_400.0;
const TERABYTE: f64 = 1e12;
/// Bytes.
const GIGABIT: f64 = 1e9 / 8.0;
/// How full a disk is planned to be: it fills slowly, and is seen to.
const DISK_FULL: f64 = 0.8;
/// Days of raw events, and of enriched ones: as `tracker topics apply` sets it.
const RAW_DAYS: f64 = 1.0;
const ENRICHED_DAYS: f64 = 14.0;
/// Fewest brokers that keep three copies, fewest of everything else that outlives one of them.
const LEAST_BROKERS: f64 = 3.0;
const LEAST: f64 = 2.0;
/// Partitions are a multiple of this: many numbers of processes share it evenly.
const EVENLY: f64 = 12.0;
/// Partitions of a process of either group, at least: the larger its share of them, the more evenly it is loaded.
const OF_PROCESS: f64 = 2.0;
/// Copies of partitions that a broker carries well; Kafka's own advice.
const COPIES_OF_BROKER: f64 = 4_000.0;
/// Bytes a second that a broker's disk takes for good.
const DISK_RATE: f64 = 400e6;
/// Inserts a second that a shard merges as fast as they come; ClickHouse's own advice is about one.
const INSERTS_OF_SHARD: f64 = 10.0;
/// Inserts a second of a process: as it is set, and at least. Rows of one, as it is set.
const INSERTS_OF_PROCESS: (f64, f64) = (4.0, 1.0);
const ROWS_OF_INSERT: f64 = 1_000_000.0;

/// The largest of what is asked for, rounded up.
fn most<const N: usize>(asked: [(&'static str, f64); N]) -> Count {
    let (by, number) = asked
        .into_iter()
        .fold(("", 0.0), |most, one| if one.1.ceil() > most.1 { (one.0, one.1.ceil()) } else { most });
    Count { number: number as u64, by }
}

impl Count {
    const fn float(&self) -> f64 {
        self.number as f64
    }
}

/// What flows, in units a second.
struct Flow<'a> {
    events: f64,
    costs: &'a Costs,
    ground: &'a Ground,
}

impl Flow<'_> {
    /// Of a cost an event.
    fn of(&self, cost: &str) -> f64 {
        self.events * self.costs.get(cost)
    }

    /// Cores that are busy.
    fn cores(&self, cost: &str) -> f64 {
        self.of(cost) / 1e6
    }

    fn broker_cores(&self) -> f64 {
        self.cores("broker_us") + self.cores("replica_us") * (self.ground.copies - 1.0)
    }

    /// Bytes that brokers write.
    fn written(&self) -> f64 {
        (self.of("raw_bytes") + self.of("enriched_bytes")) * self.ground.copies
    }

    /// Bytes in and out of all brokers: from edges and enrich, between copies, to enrich and load.
    fn broker_network(&self) -> f64 {
        (self.of("raw_bytes") + self.of("enriched_bytes")) * 2.0
            + (self.written() - self.written() / self.ground.copies) * 2.0
    }

    fn traffic(&self) -> Traffic {
        let Ground { copies, shard_copies, days, price_per_tb, .. } = self.ground;
        let per_day = |bytes: f64| bytes * DAY / TERABYTE;
        let log = (self.of("raw_bytes") * RAW_DAYS + self.of("enriched_bytes") * ENRICHED_DAYS) * copies;
        let rows = self.of("row_bytes") * shard_copies;
        let inserted = self.of("insert_bytes") * shard_copies;
        Traffic {
            received_tb_per_day: per_day(self.of("request_bytes")),
            network_tb_per_day: per_day(self.of("request_bytes") + self.broker_network() + inserted),
            broker_tb_per_day: per_day(self.written()),
            clickhouse_tb_per_day: per_day(rows),
            broker_tb: per_day(log),
            clickhouse_tb: per_day(rows) * days,
            cost_per_month: (per_day(log) + per_day(rows) * days) * price_per_tb,
        }
    }
}

impl Capacity {
    /// The plan for `events` a second.
    #[must_use]
    pub fn of(events: f64, costs: &Costs, ground: &Ground) -> Self {
        let flow = Flow { events, costs, ground };
        let machines = |cores: f64| cores / (ground.cores * ground.busy);
        let traffic = flow.traffic();
        let network = ground.network_gbit * GIGABIT * ground.busy;
        let disk = ground.disk_tb * DISK_FULL;
        let edges = most([
            ("two, to outlive one", LEAST),
            ("CPU", machines(flow.cores("edge_us"))),
            ("network", flow.of("request_bytes") / network),
        ]);
        let enrich = most([("two, to outlive one", LEAST), ("CPU", machines(flow.cores("enrich_us")))]);
        let load = most([("two, to outlive one", LEAST), ("CPU", machines(flow.cores("load_us")))]);
        let partitions = most([
            ("one partition's rate", events / costs.get("partition_rate") / ground.busy),
            ("enrich processes", enrich.float() * OF_PROCESS),
            ("load processes", load.float() * OF_PROCESS),
        ]);
        let partitions =
            Count { number: ((partitions.float() / EVENLY).ceil() * EVENLY) as u64, ..partitions };
        let of_partitions = partitions.float() * 2.0 * ground.copies;
        let brokers = most([
            ("three, for three copies", LEAST_BROKERS),
            ("CPU", machines(flow.broker_cores())),
            ("network", flow.broker_network() / network),
            ("disk writes", flow.written() / (DISK_RATE * ground.busy)),
            ("disk", traffic.broker_tb / disk),
            ("partitions", of_partitions / COPIES_OF_BROKER),
        ]);
        let shards = most([
            ("one", 1.0),
            ("CPU", flow.cores("clickhouse_us") / (ground.shard_cores * ground.busy)),
            ("disk", traffic.clickhouse_tb / ground.shard_copies / disk),
        ]);
        let inserts = inserts(events / load.float(), load.float(), shards.float());
        let limits = Vec::new();
        let mut plan = Self {
            events_per_second: events,
            edges,
            partitions,
            brokers,
            enrich,
            load,
            shards,
            traffic,
            inserts,
            limits,
        };
        plan.limits = plan.limits(&flow);
        plan
    }

    /// How full each thing is, the fullest first.
    fn limits(&self, flow: &Flow<'_>) -> Vec<Limit> {
        let Ground { cores, shard_cores, shard_copies, disk_tb, network_gbit, .. } = flow.ground;
        let [edges, brokers, enrich, load, shards] =
            [&self.edges, &self.brokers, &self.enrich, &self.load, &self.shards].map(Count::float);
        let network = network_gbit * GIGABIT;
        let events = flow.events;
        let limit = |what, used: f64, room: f64| Limit { what, full: used / room, at: events * room / used };
        let mut limits = vec![
            limit("edges: CPU", flow.cores("edge_us"), edges * cores),
            limit("edges: network", flow.of("request_bytes"), edges * network),
            limit("brokers: CPU", flow.broker_cores(), brokers * cores),
            limit("brokers: network", flow.broker_network(), brokers * network),
            limit("brokers: disk writes", flow.written(), brokers * DISK_RATE),
            limit("brokers: disk", self.traffic.broker_tb, brokers * disk_tb),
            limit("enrich: CPU", flow.cores("enrich_us"), enrich * cores),
            limit("load: CPU", flow.cores("load_us"), load * cores),
            limit("one partition", events / self.partitions.float(), flow.costs.get("partition_rate")),
            limit("shards: CPU", flow.cores("clickhouse_us"), shards * shard_cores),
            limit("shards: disk", self.traffic.clickhouse_tb, shards * shard_copies * disk_tb),
            limit("shards: inserts into one table", self.inserts.least_per_second, INSERTS_OF_SHARD),
        ];
        limits.sort_by(|one, other| other.full.total_cmp(&one.full));
        limits
    }
}

/// As few inserts as all processes together may make, but each within the rows of one block.
fn inserts(rows_of_process: f64, processes: f64, shards: f64) -> Inserts {
    let (most, least) = INSERTS_OF_PROCESS;
    let fits = (rows_of_process / ROWS_OF_INSERT).ceil().max(least);
    let per_process = (INSERTS_OF_SHARD / processes).floor().clamp(fits, most.max(fits));
    let rows = rows_of_process / per_process;
    Inserts {
        per_process,
        per_second: per_process * processes,
        least_per_second: fits * processes,
        rows,
        rows_of_shard: rows / shards,
    }
}
