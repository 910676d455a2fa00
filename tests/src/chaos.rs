//! The fault kit of `tracker chaos`, in short: nothing lost, nothing twice, whoever is killed, stopped, cut off or joined.
//! `make chaos` and `tracker chaos --scenario` run the same at full length.

use crate::rig::{cache_folder, run, scratch};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;
use tracker_cli::chaos::{
    Ear,
    load::Extent,
    report::Report,
    run::{self, Course},
    scenario::Scenario,
};

/// One lab at a time: each is a broker, a database and four programs.
static LAB: Mutex<()> = Mutex::const_new(());

const EVENTS: u64 = 100_000;

fn hear() -> Ear {
    Arc::new(|line| println!("{line}"))
}

/// A course in a folder that is kept when something is wrong with it.
async fn play(
    name: &str,
    seed: u64,
    play: impl AsyncFnOnce(Course, Ear) -> Result<Report, tracker_cli::Failure>,
) -> Report {
    let _alone = LAB.lock().await;
    let folder = scratch(&format!("chaos-{name}-"));
    let course = Course::new(seed, folder.path().join("lab"), cache_folder());
    match play(course, hear()).await {
        Ok(report) if report.is_well() => report,
        Ok(report) => panic!("{name} is not well; its folder is {}\n{report}", folder.keep().display()),
        Err(failure) => panic!("{name}: {failure}; its folder is {}", folder.keep().display()),
    }
}

async fn scenario(scenario: Scenario, span: Duration, rate: &str, extent: Extent) -> Report {
    let rate = rate.parse().ok();
    play(scenario.name(), 11, async |course, hear| {
        scenario.play(&Course { rate, extent, ..course }, span, &hear).await
    })
    .await
}

const STEADY: &str = "500/s";

#[test]
fn a_hundred_thousand_events_are_kept_once_though_every_part_is_killed_twice() {
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

#[test]
fn every_event_is_answered_200_while_the_broker_is_away_and_the_spool_is_empty_afterwards() {
    run(async {
        scenario(Scenario::BrokerAway, Duration::from_secs(12), STEADY, Extent::Events(0)).await;
    });
}

#[test]
fn while_clickhouse_is_away_nothing_is_lost_and_the_loader_stays_small() {
    run(async {
        scenario(Scenario::ClickhouseAway, Duration::from_secs(12), "2000/s", Extent::Events(0)).await;
    });
}

#[test]
fn a_full_disk_is_a_503_and_no_crash() {
    run(async {
        scenario(Scenario::FullDisk, Duration::from_secs(12), "2500/s", Extent::Events(0)).await;
    });
}

#[test]
fn processors_that_join_and_leave_double_nothing() {
    run(async {
        let report = scenario(Scenario::Rebalance, Duration::from_secs(60), STEADY, Extent::Events(0)).await;
        assert_eq!(report.measured["changes"], 12.0, "each kind joined, left, joined and was killed");
    });
}

#[test]
fn programs_that_are_told_to_end_under_load_end_with_0_and_double_nothing() {
    run(async {
        let report = scenario(Scenario::Sigterm, Duration::from_secs(12), STEADY, Extent::Events(0)).await;
        assert!(report.measured["ends"] >= 4.0, "{:?}", report.measured);
    });
}
