//! The fault kit of `tracker chaos`, in short: nothing lost, nothing twice, whoever is killed, stopped, cut off or joined.
//! `make chaos` and `tracker chaos --scenario` run the same at full length.

use crate::rig::{cache_folder, hush, run, scratch};
use std::{panic::catch_unwind, path::Path, sync::Arc, time::Duration};
use tracker_cli::chaos::{
    Ear, lab,
    load::Extent,
    report::Report,
    run::{self, Course},
    scenario::Scenario,
};

const EVENTS: u64 = 100_000;

fn hear() -> Ear {
    Arc::new(|line| println!("{line}"))
}

/// Looks for secrets in all that the programs of a lab, its broker and its database have logged, before it is gone.
fn search(lab: &Path) {
    let keys = std::fs::read_to_string(lab.join("keys.toml")).expect("the lab's key file");
    let hash_key = keys.lines().find_map(|line| line.strip_prefix("hash_key = ")).expect("a hash key");
    hush::keep(hash_key.trim_matches('"'));
    [lab, &lab.join("kafka"), &lab.join("clickhouse")].into_iter().for_each(hush::listen);
    hush::check();
}

/// A course in a folder that is kept when something is wrong with it.
async fn play(
    name: &str,
    seed: u64,
    play: impl AsyncFnOnce(Course, Ear) -> Result<Report, tracker_cli::Failure>,
) -> Report {
    let folder = scratch(&format!("chaos-{name}-"));
    let lab = folder.path().join("lab");
    let course = Course::new(seed, lab.clone(), cache_folder());
    match play(course, hear()).await {
        Ok(report) if report.is_well() => {
            search(&lab);
            report
        }
        Ok(report) => panic!("{name} is not well; its folder is {}\n{report}", folder.keep().display()),
        Err(failure) => panic!("{name}: {failure}; its folder is {}", folder.keep().display()),
    }
}

async fn scenario(scenario: Scenario, span: Duration, rate: &str) -> Report {
    let rate = rate.parse().ok();
    play(scenario.name(), 11, async |course, hear| {
        scenario.play(&Course { rate, ..course }, span, &hear).await
    })
    .await
}

const STEADY: &str = "500/s";

/// One after the other, for each is a broker, a database and four programs; and as one test, for tests that wait for each
/// other would leave no thread to the rest.
#[test]
fn whoever_is_killed_stopped_cut_off_or_joined_nothing_is_lost_and_nothing_is_there_twice() {
    run(lab::fetch(&cache_folder(), |line| println!("{line}"))).expect("the parts of a lab");
    let courses: [(&str, fn()); 6] = [
        (
            "a hundred thousand events are kept once though every part is killed twice",
            every_part_is_killed_twice,
        ),
        (
            "every event is answered 200 while the broker is away and the spool is empty afterwards",
            the_broker_is_away,
        ),
        ("while ClickHouse is away nothing is lost and the loader stays small", clickhouse_is_away),
        ("a full disk is a 503 and no crash", the_disk_is_full),
        ("processors that join and leave double nothing", processors_join_and_leave),
        ("programs that are told to end under load end with 0 and double nothing", programs_are_told_to_end),
    ];
    let failed: Vec<&str> =
        courses.into_iter().filter(|(_, play)| catch_unwind(play).is_err()).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "not so, and above stands why: {failed:?}");
}

fn every_part_is_killed_twice() {
    run(async {
        let report = play("kills", 4, async |course, hear| {
            let course = Course { extent: Extent::Events(EVENTS), kills: 12, others: 8, ..course };
            run::run(&course, &hear).await
        })
        .await;
        assert_eq!(report.accepted, EVENTS);
        assert!(
            report.kills.len() == 6 && report.kills.values().all(|kills| *kills >= 2),
            "{:?}",
            report.kills
        );
    });
}

fn the_broker_is_away() {
    run(async {
        scenario(Scenario::BrokerAway, Duration::from_secs(12), STEADY).await;
    });
}

fn clickhouse_is_away() {
    run(async {
        scenario(Scenario::ClickhouseAway, Duration::from_secs(12), "2000/s").await;
    });
}

fn the_disk_is_full() {
    run(async {
        scenario(Scenario::FullDisk, Duration::from_secs(12), "2500/s").await;
    });
}

fn processors_join_and_leave() {
    run(async {
        let report = scenario(Scenario::Rebalance, Duration::from_secs(60), STEADY).await;
        // Twelve, where none of them takes longer than its turn.
        assert!(
            report.measured["changes"] >= 9.0,
            "each kind joined, left or was killed, and joined: {:?}",
            report.measured
        );
    });
}

fn programs_are_told_to_end() {
    run(async {
        let report = scenario(Scenario::Sigterm, Duration::from_secs(12), STEADY).await;
        assert!(report.measured["ends"] >= 4.0, "{:?}", report.measured);
    });
}
