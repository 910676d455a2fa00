//! `tracker plan`: how many of what so many events a second need. Decides and prints; looks at nothing but the file it is
//! given.
//!
//! [`cost`] is what one event costs, each number with its source; [`capacity`] is the formula.

pub mod capacity;
pub mod cost;
#[cfg(test)]
mod tests;

use crate::{Failure, Out};
use capacity::{Capacity, Ground, Limit};
use cost::{COSTS, Costs};
use std::{collections::BTreeMap, path::PathBuf};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Events a second at the busiest hour.
    #[arg(long, short, value_name = "N", value_parser = positive)]
    events_per_second: f64,
    /// What one event costs where that is not as in the table: `load_us=7.5`. `--table` prints the table.
    #[arg(long = "cost", value_name = "NAME=VALUE", value_parser = cost::parse)]
    costs: Vec<(String, f64)>,
    /// Costs as they were measured: the JSON of `make bench`, or any with an object `costs`, as {"costs":{"load_us":7.5}}.
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
    /// Print what one event costs, and where each number is from.
    #[arg(long)]
    table: bool,
    #[command(flatten)]
    ground: Ground,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker plan --events-per-second 1000000
  tracker plan --events-per-second 50000 --days 400 --cost request_bytes=2500
  tracker plan --events-per-second 50000 --measured target/bench.json --table

Numbers are rounded up, and every machine is planned to be busy for --busy of its time only: the rest is for a machine that
fails and for the backlog that it leaves.";

/// A number that something can be planned for.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.replace('_', "").parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 => Ok(number),
        _ => Err("must be a number, and more than nothing".to_owned()),
    }
}

/// Prints the plan.
///
/// # Errors
/// A file of costs that cannot be read; standard output that cannot be written.
pub fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let (mut costs, mut sources) = (Costs::default(), BTreeMap::new());
    let mut set = |name: &str, value, source: String| {
        costs.set(name, value);
        sources.insert(name.to_owned(), source);
    };
    if let Some(file) = &arguments.measured {
        let text = std::fs::read_to_string(file).map_err(Failure::io(file.display()))?;
        let measured =
            cost::read(&text).map_err(|why| Failure::Usage(format!("{}: {why}", file.display())))?;
        measured.iter().for_each(|(name, value)| set(name, *value, format!("{}", file.display())));
    }
    arguments.costs.iter().for_each(|(name, value)| set(name, *value, "--cost".to_owned()));
    let plan = Capacity::of(arguments.events_per_second, &costs, &arguments.ground);
    if arguments.json {
        return out.json(&plan);
    }
    if arguments.table {
        for cost in COSTS {
            let value = rounded(costs.get(cost.name));
            let source = sources.get(cost.name).map_or(cost.source, String::as_str);
            out.line(format_args!("{:16} {value:>9} {:14} {source}", cost.name, cost.unit))?;
        }
        out.line("")?;
    }
    tell(&plan, out)
}

fn tell(plan: &Capacity, out: &mut Out) -> Result<(), Failure> {
    let Capacity { edges, partitions, brokers, enrich, load, shards, .. } = plan;
    out.line(format_args!("{} events/s", plan.events_per_second))?;
    for (what, count) in [
        ("edges", edges),
        ("brokers", brokers),
        ("enrich processes", enrich),
        ("load processes", load),
        ("ClickHouse shards", shards),
    ] {
        out.line(format_args!("  {what:20} {:>7}  by {}", count.number, count.by))?;
    }
    out.line(format_args!(
        "  {:20} {:>7}  by {}, of events and of enriched each",
        "partitions", partitions.number, partitions.by
    ))?;
    let traffic = &plan.traffic;
    for (what, terabytes) in [
        ("network in", traffic.received_tb_per_day),
        ("network, all", traffic.network_tb_per_day),
        ("written by brokers", traffic.broker_tb_per_day),
        ("written as rows", traffic.clickhouse_tb_per_day),
        ("held by brokers", traffic.broker_tb),
        ("held as rows", traffic.clickhouse_tb),
    ] {
        let span = if what.starts_with("held") { "" } else { " a day" };
        out.line(format_args!("  {what:20} {:>10} TB{span}", rounded(terabytes)))?;
    }
    out.line(format_args!(
        "  {:20} {:>10} a month",
        "cost of what is held",
        rounded(traffic.cost_per_month)
    ))?;
    let inserts = &plan.inserts;
    out.line(format_args!(
        "  inserts into events  {:>10} a second and shard, of {:.0} rows each; load.events.inserts_per_second = {}",
        rounded(inserts.per_second),
        inserts.rows_of_shard,
        inserts.per_process
    ))?;
    out.line("  what is full first, and at how many events/s if nothing is added:")?;
    for Limit { what, full, at } in plan.limits.iter().take(4) {
        out.line(format_args!("    {what:34} {:>4.0} %  {at:>12.0}", full * 100.0))?;
    }
    Ok(())
}

/// Three digits that say something.
fn rounded(number: f64) -> String {
    let digits = if number >= 100.0 { 0 } else { usize::from(number < 10.0) + 1 };
    format!("{number:.digits$}")
}
