//! An outage is visible before it costs data: whoever is alive tells how far behind those are that are not.

use crate::rig::{Program, Site, run, shared, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const RULES: &str = include_str!("../../deploy/alerts.yml");
/// How long `events` is kept.
const DAY: f64 = 86_400.0;

/// The sum of a metric over the partitions of a group.
async fn of_group(site: &Site, teller: Program, metric: &str, group: &str) -> Option<f64> {
    let begin = format!("{metric}{{group=\"{}{group}\"", site.prefix);
    let metrics = site.metrics(teller).await;
    let found: Vec<f64> =
        metrics.iter().filter(|(name, _)| name.starts_with(&begin)).map(|(_, value)| *value).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

async fn lag_is(site: &Site, group: &str, messages: f64) {
    until(&format!("load tells that {group} is {messages} messages behind"), async || {
        let lag = of_group(site, Program::Load, "tracker_group_lag_messages", group).await?;
        (lag == messages).then_some(())
    })
    .await;
}

async fn send(site: &Site, count: usize) {
    for _ in 0..count {
        let body = json!({ "eid": Uuid::now_v7(), "ename": "guarded" }).to_string();
        assert_eq!(site.post("/tr/v1/tr/", body).await.status, 200);
    }
}

/// The partitions of a group, as `tracker lag --json` tells of them.
fn partitions(site: &Site, group: &str) -> Vec<Value> {
    let told: Value = serde_json::from_str(&site.tracker(&["lag", "--json"])).expect("JSON");
    let groups = told["groups"].as_array().expect("groups");
    let name = format!("{}{group}", site.prefix);
    let found = groups.iter().find(|told| told["group"] == name.as_str());
    found.and_then(|told| told["partitions"].as_array()).cloned().unwrap_or_else(|| panic!("{told}"))
}

#[test]
fn the_lag_of_a_dead_processor_is_told_by_those_alive_until_it_has_caught_up() {
    run(async {
        let mut site = Site::start("guards", &[("GUARD__EVERY", "300ms")]).await;
        send(&site, 10).await;
        until("the events are stored", async || {
            (site.count("SELECT count() AS n FROM events").await == 10).then_some(())
        })
        .await;
        // The marks of enrich's transactions lie behind the last message, and are no lag.
        for group in ["enrich", "load.events", "load.agreed", "load.dead_letters", "payments"] {
            lag_is(&site, group, 0.0).await;
        }

        site.kill(Program::Enrich);
        send(&site, 20).await;
        lag_is(&site, "enrich", 20.0).await;
        until("the oldest of them gets older, and nearer to its deletion", async || {
            let oldest = of_group(&site, Program::Payments, "tracker_group_lag_seconds", "enrich").await?;
            let left = of_group(&site, Program::Payments, "tracker_group_seconds_until_data_loss", "enrich");
            (oldest > 1.0 && left.await? < 3.0 * DAY - 1.0).then_some(())
        })
        .await;
        let behind = partitions(&site, "enrich");
        let sum: i64 = behind.iter().filter_map(|one| one["lag_messages"].as_i64()).sum();
        assert_eq!(sum, 20, "{behind:?}");
        for one in behind.iter().filter(|one| one["lag_messages"] != 0) {
            let seconds = |key: &str| one[key].as_f64().unwrap_or(f64::NAN);
            assert!((0.0..600.0).contains(&seconds("lag_seconds")), "{one}");
            let whole = seconds("lag_seconds") + seconds("seconds_until_data_loss");
            assert!((whole - DAY).abs() < 1.0, "its age and what is left of its day are the day: {one}");
            assert_eq!(one["lost_messages"], 0);
        }
        let doctor = site.tracker_output(&["doctor"]);
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(said.contains("guards.enrich is 20 messages of guards.events behind"), "{said}");

        site.launch(Program::Enrich);
        lag_is(&site, "enrich", 0.0).await;
        lag_is(&site, "load.events", 0.0).await;
        let told = site.tracker(&["lag"]);
        assert!(told.contains("guards.load.events") && told.contains("14d"), "{told}");
    });
}

#[test]
fn every_metric_that_an_alert_asks_for_is_told_by_a_running_process() {
    run(async {
        let site = shared().await;
        send(site, 1).await;
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let wanted: BTreeSet<&str> =
            RULES.split(|letter| !word(letter)).filter(|name| name.starts_with("tracker_")).collect();
        assert!(wanted.len() > 10, "{wanted:?}");
        until("every metric of deploy/alerts.yml", async || {
            let mut told = BTreeSet::new();
            for program in [Program::Edge, Program::Enrich, Program::Load, Program::Payments] {
                let metrics = site.metrics(program).await;
                told.extend(metrics.into_keys().filter_map(|name| Some(name.split('{').next()?.to_owned())));
            }
            let missing: Vec<_> = wanted.iter().filter(|name| !told.contains(**name)).collect();
            if !missing.is_empty() {
                println!("not told: {missing:?}"); // shown when it never is
            }
            missing.is_empty().then_some(())
        })
        .await;
    });
}
