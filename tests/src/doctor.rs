//! `tracker doctor` finds what is broken and says what mends it. Each test breaks one thing.

use crate::rig::{Site, run, shared};
use rstest::rstest;
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};
use tracker_schemas::Topic;
use tracker_stack::free_ports;
use tracker_stream::kafka::Admin;

/// What it found, and how it ended.
struct Report {
    code: i32,
    findings: Vec<Value>,
}

fn doctor(site: &Site, settings: &[(&str, &str)]) -> Report {
    let settings = settings.iter().map(|(key, value)| (format!("TRACKER_{key}"), value));
    let output = site.command(&["doctor", "--json"]).envs(settings).output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = printed["findings"].as_array().cloned().unwrap_or_default();
    Report { code: output.status.code().unwrap_or(-1), findings }
}

impl Report {
    /// The findings of a verdict: check, what, and what mends it.
    fn of(&self, verdict: &str) -> Vec<(&str, &str, &str)> {
        let findings = self.findings.iter().filter(|finding| finding["verdict"] == verdict);
        findings
            .map(|finding| {
                let [check, what, mend] =
                    ["check", "what", "mend"].map(|part| finding[part].as_str().unwrap_or("absent"));
                (check, what, mend)
            })
            .collect()
    }

    /// The one thing that is wrong: what, and what mends it.
    fn only_wrong(&self, check: &str) -> (&str, &str) {
        match self.of("wrong")[..] {
            [(found, what, mend)] if found == check && self.code == 1 => (what, mend),
            ref wrong => panic!("exit {}, and wrong is {wrong:#?}", self.code),
        }
    }

    fn is_well(&self) -> bool {
        self.code == 0 && self.of("wrong").is_empty()
    }
}

#[test]
fn of_a_healthy_site_nothing_is_wrong() {
    run(async {
        let site = shared().await;
        let report = doctor(site, &[]);
        assert!(report.is_well(), "{:#?}", report.findings);
        assert_eq!(report.of("note"), []);
        let checks: Vec<_> = report.of("good").into_iter().map(|(check, ..)| check).collect();
        let lags: Value = serde_json::from_str(&site.tracker(&["lag", "--json"])).unwrap();
        let groups = lags["groups"].as_array().unwrap().len();
        assert!(groups >= 6, "each lane has its group: {lags}");
        let wanted = [
            &["settings", "keys", "geoip", "geoip", "geoip", "disk", "broker", "topics"][..],
            &vec!["groups"; groups],
            &["clickhouse", "schema", "clock", "programs", "programs", "programs", "programs"],
        ];
        assert_eq!(checks, wanted.concat());
        let said = site.tracker(&["doctor"]);
        assert!(said.ends_with("\nNothing is wrong.\n"), "{said}");
    });
}

#[test]
fn a_broker_that_is_down_is_found() {
    run(async {
        let down = format!("127.0.0.1:{}", free_ports(1).unwrap()[0]);
        let report = doctor(shared().await, &[("KAFKA__BROKERS", &down)]);
        let (what, mend) = report.only_wrong("broker");
        assert!(what.contains(&down), "{what}");
        assert!(mend.contains("`tracker up`") && mend.contains("kafka.brokers"), "{mend}");
    });
}

#[test]
fn a_clickhouse_that_is_down_is_found() {
    run(async {
        let down = format!("127.0.0.1:{}", free_ports(1).unwrap()[0]);
        let report = doctor(shared().await, &[("CLICKHOUSE__URL", &format!("http://{down}"))]);
        let (what, mend) = report.only_wrong("clickhouse");
        assert!(what.contains(&down), "{what}");
        assert!(mend.contains("`tracker up`") && mend.contains("clickhouse.url"), "{mend}");
    });
}

#[test]
fn a_missing_topic_is_found_and_mended_by_what_it_says() {
    run(async {
        let site = Site::prepare("doctor_topics", &[]).await;
        site.tracker(&["topics", "apply"]);
        site.tracker(&["schema", "apply"]);
        assert!(doctor(&site, &[]).is_well());
        let topic = "doctor_topics.payments";
        Admin::connect(&site.kafka()).unwrap().delete(&[topic.to_owned()]).await.unwrap();
        let report = doctor(&site, &[]);
        assert_eq!(
            report.only_wrong("topics"),
            ("doctor_topics.payments is missing", "`tracker topics apply` mends it")
        );
        site.tracker(&["topics", "apply"]);
        assert!(doctor(&site, &[]).is_well());
    });
}

#[test]
fn a_wrong_number_of_partitions_is_found_in_both_directions() {
    run(async {
        let site = shared().await;
        let report = doctor(site, &[("TOPICS__SMALL_PARTITIONS", "2")]);
        // Short links have one order, and so one partition, whatever the settings say.
        let others = [Topic::Events, Topic::Enriched, Topic::Redirects];
        let small = Topic::ALL.into_iter().filter(|topic| !others.contains(topic));
        let what: Vec<_> =
            small.map(|topic| format!("shared.{topic} has 1 partitions and should have 2")).collect();
        let mend = "`tracker topics apply` mends it";
        let wanted: Vec<_> = what.iter().map(|what| ("topics", what.as_str(), mend)).collect();
        assert_eq!(report.of("wrong"), wanted);
        assert_eq!(report.code, 1);

        let report = doctor(site, &[("TOPICS__PARTITIONS", "2")]);
        let wrong = report.of("wrong");
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        let (_, what, mend) = wrong[0];
        assert_eq!(what, "shared.events has 3 partitions and should have 2");
        assert!(mend.contains("set the number in [topics] to what the topic has"), "{mend}");
    });
}

#[test]
fn drift_of_the_schema_is_found_and_mended_by_what_it_says() {
    run(async {
        let site = Site::prepare("doctor_schema", &[]).await;
        site.tracker(&["topics", "apply"]);
        site.tracker(&["schema", "apply"]);
        site.execute("ALTER TABLE payments DROP COLUMN pcat").await;
        let report = doctor(&site, &[]);
        assert_eq!(
            report.only_wrong("schema"),
            ("payments, column pcat: is missing", "run `tracker schema apply`")
        );
        site.tracker(&["schema", "apply"]);
        assert!(doctor(&site, &[]).is_well());

        site.execute("DROP VIEW ltvv").await;
        assert_eq!(
            doctor(&site, &[]).only_wrong("schema"),
            ("ltvv: is missing", "run `tracker schema apply`")
        );
        site.tracker(&["schema", "apply"]);

        site.execute("ALTER TABLE payments MODIFY COLUMN revenue Float64").await;
        let report = doctor(&site, &[]);
        let (what, mend) = report.only_wrong("schema");
        assert!(what.starts_with("payments, column revenue: ") && what.contains("Float64"), "{what}");
        assert!(mend.starts_with("by hand: "), "money is not changed by a machine: {mend}");
    });
}

#[test]
fn a_missing_geoip_file_is_found_with_what_it_costs() {
    run(async {
        let report = doctor(shared().await, &[("ENRICH__GEOIP_CITY", "/nowhere/city.mmdb")]);
        let (what, mend) = report.only_wrong("geoip");
        assert_eq!(
            what,
            "/nowhere/city.mmdb: No such file or directory (os error 2); country, region and city stay empty"
        );
        assert!(mend.contains("`tracker up`") && mend.contains("enrich.geoip_city"), "{mend}");
    });
}

#[rstest]
#[case::missing(None, 0, "No such file", "`tracker keys new`")]
#[case::broken(Some("hash_key = \"hush-hush\""), 0o600, "`hash_key` is not 64 hex digits", "from a copy")]
#[case::no_toml(Some("hush-hush = ["), 0o600, "keys.toml", "from a copy")]
#[case::open_to_all(Some("hash_key = \"HASH\""), 0o644, "can be read by others (mode 644)", "chmod 600 ")]
fn a_bad_key_file_is_found_and_nothing_of_it_is_shown(
    #[case] text: Option<&str>,
    #[case] mode: u32,
    #[case] problem: &str,
    #[case] advice: &str,
) {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        if let Some(text) = text {
            fs::write(&path, text.replace("HASH", &"ab".repeat(32))).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        let report = doctor(shared().await, &[("KEYS__FILE", path.to_str().unwrap())]);
        let (what, mend) = report.only_wrong("keys");
        assert!(what.contains(problem) && mend.contains(advice), "{what}\n{mend}");
        assert!(!what.contains("hush-hush") && !mend.contains("hush-hush"), "{what}\n{mend}");
    });
}

#[test]
fn every_wrong_setting_is_found_and_what_does_not_hang_on_it_is_still_looked_at() {
    run(async {
        let settings =
            [("TOPICS__PARTITIONS", "0"), ("EDGE__LISTEN", "here"), ("UP__MIN_FREE_DISK", "4000000GiB")];
        let report = doctor(shared().await, &settings);
        let wrong = report.of("wrong");
        let found = |check: &str, word: &str| {
            wrong.iter().any(|(is, what, mend)| *is == check && what.contains(word) && !mend.is_empty())
        };
        assert!(found("settings", "topics.partitions") && found("settings", "edge.listen"), "{wrong:#?}");
        assert_eq!((report.code, wrong.len()), (1, 2), "{wrong:#?}");
        let notes = report.of("note");
        assert!(
            matches!(notes[..], [("disk", what, _)] if what.contains("up.min_free_disk")),
            "broker and database are elsewhere: {notes:#?}"
        );
        let good: Vec<_> = report.of("good").into_iter().map(|(check, ..)| check).collect();
        assert!(good.contains(&"keys") && good.contains(&"schema"), "{good:?}");
    });
}

#[test]
fn settings_that_there_are_not_are_named_together() {
    run(async {
        let site = shared().await;
        let mut command = site.command(&["doctor"]);
        command.env("TRACKER_EDGE__LISTENS", "127.0.0.1:1").env("TRACKER_LOAD__GRACE", "soon");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("edge.listens") && said.contains("TRACKER_EDGE__LISTENS"), "{said}");
        assert!(said.contains("load.grace"), "{said}");
    });
}
