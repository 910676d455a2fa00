use super::*;
use std::time::Duration;

fn merged(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::merge(text, "site.toml", environment)
}

#[derive(serde::Deserialize)]
struct Sample {
    listen: String,
    #[serde(with = "span")]
    grace: Duration,
    body_limit: Size,
    batch_events: usize,
    trusted_proxies: Vec<String>,
}

#[test]
fn the_defaults_are_read_as_documented() {
    let sample: Sample = merged("", &[]).unwrap().section("edge").unwrap();
    assert_eq!(sample.listen, "127.0.0.1:8080");
    assert_eq!(sample.grace, Duration::from_secs(20));
    assert_eq!(sample.body_limit, Size(1 << 20));
    assert_eq!(sample.batch_events, 1000);
    assert!(sample.trusted_proxies.is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[edge]\nlisten = \"127.0.0.1:1\"\nbatch_events = 7";
    let variables =
        [("TRACKER_EDGE__LISTEN", "127.0.0.1:2"), ("TRACKER_EDGE__TRUSTED_PROXIES", "10.0.0.0/8, ::1/128")];
    let sample: Sample = merged(file, &variables).unwrap().section("edge").unwrap();
    assert_eq!((sample.listen.as_str(), sample.batch_events), ("127.0.0.1:2", 7));
    assert_eq!(sample.trusted_proxies, ["10.0.0.0/8", "::1/128"]);
}

#[test]
fn all_mistakes_are_reported_together_with_their_keys() {
    let file = "[edge]\nlisen = \"x\"\ngrace = \"20 seconds\"\nbatch_events = -1\n[nowhere]\na = 1";
    let mistakes = merged(file, &[("TRACKER_EDGE__BODY_LIMIT", "1MB")]).unwrap_err().to_string();
    assert_eq!(
        mistakes,
        "edge.lisen is not a setting; did you mean `edge.listen`? (set in site.toml)\n\
         edge.grace must be a duration such as \"250ms\", \"5s\", \"10m\", \"24h\" or \"30d\", not `\"20 seconds\"` (set in site.toml)\n\
         edge.batch_events must be a whole number, not negative, not `-1` (set in site.toml)\n\
         nowhere is not a setting; tracker.toml lists them all (set in site.toml)\n\
         edge.body_limit must be a size such as \"64KiB\", \"8MiB\" or \"1GiB\", not `\"1MB\"` (set in TRACKER_EDGE__BODY_LIMIT)"
    );
}

#[test]
fn properties_pass_through_whole() {
    let file =
        "[kafka.properties]\n\"sasl.username\" = \"alice\"\nsasl.mechanism = \"PLAIN\"\nfetch.min.bytes = 10";
    let settings = merged(file, &[("TRACKER_KAFKA__PROPERTIES__SASL_PASSWORD", "s3cret")]).unwrap();
    let kafka = settings.kafka().unwrap();
    let value = |key: &str| kafka.properties.get(key).map(String::as_str);
    assert_eq!(value("sasl.username"), Some("alice"));
    assert_eq!(value("sasl.mechanism"), Some("PLAIN"));
    assert_eq!(value("fetch.min.bytes"), Some("10"));
    assert_eq!(value("sasl.password"), Some("s3cret"));
}

#[test]
fn a_property_that_would_break_a_promise_is_refused() {
    let mistakes = merged("[kafka.properties]\nacks = \"1\"", &[]).unwrap().kafka().unwrap_err().to_string();
    assert!(mistakes.starts_with("kafka.properties.acks "), "{mistakes}");
}

#[test]
fn secrets_are_printed_as_stars() {
    let file = "[clickhouse]\npassword = \"hush\"\nurl = \"http://bob:hush@db:8123\"\n[kafka.properties]\n\"sasl.password\" = \"hush\"";
    let printed = merged(file, &[]).unwrap().to_string();
    assert!(!printed.contains("hush"), "{printed}");
    assert!(printed.contains("clickhouse.password = \"***\""));
    assert!(printed.contains("clickhouse.url = \"http://***@db:8123\""));
}

#[test]
fn a_mistake_does_not_tell_a_secret() {
    let of_a_wrong_kind = merged("[clickhouse]\npassword = 4711", &[]).unwrap_err().to_string();
    assert_eq!(of_a_wrong_kind, "clickhouse.password must be a text (set in site.toml)");
    let no_toml = merged("[clickhouse]\npassword = \"4711", &[]).unwrap_err().to_string();
    assert!(no_toml.starts_with("site.toml line 2: ") && !no_toml.contains("4711"), "{no_toml}");
}

#[rstest::rstest]
#[case::level("debug", true)]
#[case::filter("info,tracker_edge=debug,librdkafka=off", true)]
#[case::off("off", true)]
#[case::no_level("loud", false)]
#[case::no_level_in_a_filter("info,tracker_edge=loud", false)]
fn a_log_level_that_is_none_is_a_mistake(#[case] level: &str, #[case] right: bool) {
    let log = merged("", &[("TRACKER_LOG__LEVEL", level)]).unwrap().log();
    let keys =
        log.err().map(|mistakes| mistakes.iter().map(|mistake| mistake.key.clone()).collect::<Vec<_>>());
    assert_eq!(keys, (!right).then(|| vec!["log.level".to_owned()]));
}

#[rstest::rstest]
fn a_property_that_would_be_set_over_is_refused(
    #[values(
        "metadata.broker.list",
        "isolation.level",
        "linger.ms",
        "message.timeout.ms",
        "statistics.interval.ms"
    )]
    name: &str,
) {
    let settings = merged(&format!("[kafka.properties]\n\"{name}\" = \"1\""), &[]).unwrap();
    assert!(settings.kafka().unwrap_err().to_string().starts_with(&format!("kafka.properties.{name} ")));
}

#[test]
fn a_password_of_digits_stays_a_text() {
    let settings = merged("", &[("TRACKER_CLICKHOUSE__PASSWORD", "123456")]).unwrap();
    let section: toml::Table = settings.section("clickhouse").unwrap();
    assert_eq!(section["password"].as_str(), Some("123456"));
}

#[rstest::rstest]
#[case("TRACKER_KAFKA_BROKERS", "TRACKER_KAFKA__BROKERS")]
#[case("TRACKER_SCHEMA_REGISTRY_URL", "TRACKER_SCHEMA_REGISTRY__URL")]
#[case("TRACKER_LOAD_EVENTS_BATCH_ROWS", "TRACKER_LOAD__EVENTS__BATCH_ROWS")]
#[case("TRACKER_KAFKA_PROPERTIES_SASL_PASSWORD", "TRACKER_KAFKA__PROPERTIES__SASL_PASSWORD")]
fn a_variable_with_one_underscore_after_its_section_is_a_mistake(#[case] name: &str, #[case] meant: &str) {
    let mistakes = merged("", &[(name, "1")]).unwrap_err().to_string();
    assert_eq!(mistakes, format!("{name} is not a setting; did you mean `{meant}`?"));
}

#[rstest::rstest]
fn a_variable_that_names_no_section_is_somebody_elses(
    #[values("TRACKER_HOME", "TRACKER_EDGES_X", "TRACKER_KAFKA", "TRACKER_KAFKA_")] name: &str,
) {
    assert!(merged("", &[(name, "1")]).is_ok());
}

#[test]
fn without_brokers_the_local_one_is_asked_where_it_listens() {
    let brokers = |text| merged(text, &[]).unwrap().kafka().unwrap().brokers;
    assert_eq!(brokers("[up]\nbroker_port = 19092"), "127.0.0.1:19092");
    assert_eq!(brokers("[kafka]\nbrokers = \"b:9092\""), "b:9092");
}
