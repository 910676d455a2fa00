use super::{capacity::*, cost::*, *};
use clap::Parser;
use proptest::prelude::*;

#[derive(Debug, Parser)]
struct Typed {
    #[command(flatten)]
    arguments: Arguments,
}

fn typed(more: &[&str]) -> Result<Arguments, clap::Error> {
    let words = ["plan", "--events-per-second", "1_000_000"].iter().chain(more);
    Typed::try_parse_from(words).map(|typed| typed.arguments)
}

fn ground() -> Ground {
    typed(&[]).unwrap().ground
}

fn plan(events: f64) -> Capacity {
    Capacity::of(events, &Costs::default(), &ground())
}

/// Costs that are easy to reckon with: ten microseconds, and a hundred bytes, of each.
fn round() -> Costs {
    let mut costs = Costs::default();
    for Cost { name, .. } in COSTS {
        let value = match name {
            "partition_rate" => 10_000.0,
            name if name.ends_with("_us") => 10.0,
            _ => 100.0,
        };
        costs.set(name, value);
    }
    costs
}

#[test]
fn a_million_events_a_second_of_ten_microseconds_are_ten_cores_of_each_stage() {
    let ground = Ground { cores: 2.0, shard_cores: 4.0, days: 10.0, disk_tb: 100.0, ..ground() };
    let plan = Capacity::of(1e6, &round(), &ground);
    let numbers =
        [&plan.edges, &plan.enrich, &plan.load, &plan.brokers, &plan.shards].map(|count| count.number);
    assert_eq!(numbers, [10, 10, 10, 30, 5], "half busy; a broker has two followers as dear as itself");
    assert_eq!(plan.partitions, Count { number: 204, by: "one partition's rate" }, "200, and evenly");
    let Traffic {
        received_tb_per_day,
        broker_tb_per_day,
        clickhouse_tb_per_day,
        broker_tb,
        clickhouse_tb,
        ..
    } = plan.traffic;
    let close =
        |number: f64, wanted: f64| assert!((number - wanted).abs() < 1e-6, "{number} is not {wanted}");
    close(received_tb_per_day, 8.64);
    close(broker_tb_per_day, 8.64 * 2.0 * 3.0);
    close(clickhouse_tb_per_day, 8.64 * 2.0);
    close(broker_tb, 8.64 * 15.0 * 3.0);
    close(clickhouse_tb, 8.64 * 2.0 * 10.0);
    close(plan.traffic.cost_per_month, (8.64 * 45.0 + 8.64 * 20.0) * 25.0);
}

#[test]
fn a_small_site_has_what_outlives_one_of_each() {
    let plan = plan(10.0);
    let numbers =
        [&plan.edges, &plan.enrich, &plan.load, &plan.brokers, &plan.shards].map(|count| count.number);
    assert_eq!((numbers, plan.partitions.number), ([2, 2, 2, 3, 1], 12));
}

#[test]
fn inserts_are_fewer_and_larger_the_more_processes_there_are() {
    let [small, large] = [plan(100_000.0), plan(10e6)].map(|plan| plan.inserts);
    assert!(small.per_process > large.per_process && small.rows < large.rows, "{small:?} {large:?}");
    assert!(large.rows <= 1e6, "an insert is one block: {large:?}");
}

#[test]
fn what_is_full_first_stands_first_and_is_full_at_what_is_said() {
    let plan = plan(1e6);
    assert!(plan.limits.is_sorted_by(|one, other| one.full >= other.full), "{:?}", plan.limits);
    for Limit { what, full, at } in &plan.limits {
        assert!((at * full - 1e6).abs() < 1.0, "{what}: {full} of {at}");
    }
}

#[test]
fn at_ten_million_a_second_inserts_into_one_table_are_beyond_what_a_shard_merges() {
    let inserts =
        |events| plan(events).limits.into_iter().find(|limit| limit.what.contains("inserts")).unwrap();
    assert!(inserts(1e6).full <= 1.0, "{:?}", inserts(1e6));
    assert!(inserts(10e6).full > 1.0, "{:?}", inserts(10e6));
}

#[test]
fn costs_come_from_the_table_then_from_a_bench_then_from_what_was_typed() {
    let measured =
        read(r#"{ "lines": [], "costs": { "load_us": 4.5, "enrich_us": 8.0, "of_a_later_version": 1 } }"#);
    let mut costs = Costs::default();
    measured.unwrap().iter().for_each(|(name, value)| costs.set(name, *value));
    let (name, value) = parse("load_us=3").unwrap();
    costs.set(&name, value);
    assert_eq!([costs.get("enrich_us"), costs.get("load_us")], [8.0, 3.0]);
    assert_eq!(costs.get("of_a_later_version"), 0.0);
}

#[test]
fn costs_that_are_none_are_refused() {
    assert!(parse("load_us").unwrap_err().contains("NAME=VALUE"));
    assert!(parse("tea=3").unwrap_err().contains("edge_us, broker_us"));
    for number in ["0", "-1", "NaN", "inf", "many"] {
        assert!(parse(&format!("load_us={number}")).is_err(), "{number}");
    }
    assert!(read(r#"{ "costs": { "load_us": 0 } }"#).unwrap_err().contains("costs.load_us"));
    assert!(read("{}").is_err());
}

#[test]
fn a_machine_is_not_more_than_busy() {
    assert!(typed(&["--busy", "1.1"]).is_err());
    assert!(typed(&["--events-per-second", "0"]).is_err());
    assert_eq!(typed(&["--busy", "1"]).unwrap().ground.busy, 1.0);
}

#[test]
fn the_file_of_a_bench_is_read_and_the_plan_is_printed_with_what_is_full_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bench.json");
    std::fs::write(&file, r#"{ "costs": { "load_us": 1000 } }"#).unwrap();
    let seen = folder.path().join("out");
    let arguments = typed(&["--table", "--measured", file.to_str().unwrap()]).unwrap();
    let mut out = Out::to(std::fs::File::create(&seen).unwrap());
    run(&arguments, &mut out).unwrap();
    let said = std::fs::read_to_string(seen).unwrap();
    let measured = format!("load_us               1000 µs/row         {}", file.display());
    for part in [
        measured.as_str(),
        "measured: enrich, draining a backlog",
        "1000000 events/s",
        "  load processes           250  by CPU",
        "what is full first",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

proptest! {
    #[test]
    fn more_events_never_need_less(events in 1.0_f64..1e8, more in 1.0_f64..10.0) {
        let [less, more] = [plan(events), plan(events * more)];
        for (one, other) in [
            (&less.edges, &more.edges), (&less.brokers, &more.brokers), (&less.enrich, &more.enrich),
            (&less.load, &more.load), (&less.shards, &more.shards), (&less.partitions, &more.partitions),
        ] {
            prop_assert!(one.number <= other.number, "{one:?} {other:?}");
        }
    }

    #[test]
    fn nothing_but_inserts_is_planned_fuller_than_full(events in 1.0_f64..1e8) {
        for limit in plan(events).limits {
            prop_assert!(limit.full <= 1.0 || limit.what.contains("inserts"), "{limit:?}");
        }
    }
}
