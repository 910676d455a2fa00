//! The settings of this lane, read and checked; every mistake together.

use super::{address::AddressHash, privacy::Privacy, step::Addresses};
use crate::groups::GuardConfig;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tracker_stream::{
    batch::Limits,
    config::{Mistake, Mistakes, Settings, Size, span},
    kafka::KafkaConfig,
    keys::{KeyFile, KeysConfig},
    registry,
};

/// Section `[enrich]`.
#[derive(Debug, Clone, Deserialize)]
pub struct EnrichConfig {
    /// Where `/health`, `/ready` and `/metrics` are.
    pub listen: SocketAddr,
    /// Name of this node. Empty: the host name.
    pub node: String,
    /// MaxMind-format files of cities.
    pub geoip_city: Vec<PathBuf>,
    /// MaxMind-format files of autonomous systems.
    pub geoip_asn: Vec<PathBuf>,
    /// How often they are looked at for a change.
    #[serde(with = "span")]
    pub geoip_poll: Duration,
    /// User-Agents remembered.
    pub agent_cache: usize,
    /// Rows of a batch, at most.
    pub batch_rows: usize,
    /// Age of a batch, at most.
    #[serde(with = "span")]
    pub batch_time: Duration,
    /// Bytes of a batch, at most.
    pub batch_bytes: Size,
    /// How long a transaction may be open.
    #[serde(with = "span")]
    pub transaction_timeout: Duration,
    /// Ids of each partition among which a repeat is known.
    pub duplicate_window: usize,
    /// Events a second of one visitor from which on they are spread over partitions; 0: they never are.
    pub hot_visitor_rate: u32,
    /// Bytes fetched ahead of the lane.
    pub fetch_buffer: Size,
    /// How long a shutdown may take.
    #[serde(with = "span")]
    pub grace: Duration,
}

/// All that this lane is told.
pub(super) struct Config {
    pub(super) kafka: KafkaConfig,
    pub(super) enrich: EnrichConfig,
    pub(super) privacy: Privacy,
    pub(super) addresses: Addresses,
    pub(super) address_hash: AddressHash,
}

impl Config {
    /// Reads the sections, and the key file.
    ///
    /// # Errors
    /// Every mistake in them.
    pub(super) fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let kafka = mistakes.collect(settings.kafka());
        mistakes.collect(registry::configured(settings));
        let enrich = mistakes.collect(EnrichConfig::read(settings));
        mistakes.collect(GuardConfig::read(settings));
        let privacy = mistakes.collect(Privacy::read(settings));
        let keys = KeysConfig::read(settings).and_then(|keys| KeyFile::load(&keys.file));
        let keys = mistakes.collect(keys);
        match (kafka, enrich, privacy, keys) {
            (Some(kafka), Some(enrich), Some(privacy), Some(keys)) => mistakes.or(Self {
                kafka,
                enrich,
                addresses: if privacy.anonymize_ip { Addresses::Truncated } else { Addresses::Whole },
                privacy,
                address_hash: AddressHash::new(&keys.hash_key),
            }),
            _ => Err(mistakes),
        }
    }

    /// The name under which this process commits: its own, and the same at its next start.
    pub(super) fn transactional_id(&self) -> String {
        let EnrichConfig { node, listen, .. } = &self.enrich;
        let node = if node.is_empty() { host_name() } else { node.clone() };
        format!("{}enrich.{node}:{}", self.kafka.prefix, listen.port())
    }
}

/// The name that the kernel knows this machine by.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "node".to_owned() } else { name.trim().to_owned() }
}

impl EnrichConfig {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// A value of the wrong kind; every number that must not be zero.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let config: Self = settings.section("enrich")?;
        let mut mistakes = Mistakes::default();
        let numbers = [
            ("enrich.agent_cache", config.agent_cache),
            ("enrich.batch_rows", config.batch_rows),
            ("enrich.batch_bytes", config.batch_bytes.0),
            ("enrich.duplicate_window", config.duplicate_window),
            ("enrich.fetch_buffer", config.fetch_buffer.0),
        ];
        for (key, _) in numbers.into_iter().filter(|(_, number)| *number == 0) {
            mistakes.add(Mistake::new(key, "must be at least 1"));
        }
        if config.duplicate_window > u32::MAX as usize {
            mistakes.add(Mistake::new("enrich.duplicate_window", "must be less than 4,294,967,296"));
        }
        // Less than the clients' time-out of a request is not taken; whoever takes partitions over waits for the end.
        if !(Duration::from_secs(5)..=Duration::from_secs(60)).contains(&config.transaction_timeout) {
            mistakes.add(Mistake::new("enrich.transaction_timeout", "must be between 5s and 60s"));
        }
        mistakes.or(config)
    }

    /// Room for a batch and more: what does not fit waits.
    pub(super) const fn producer_buffer(&self) -> Size {
        Size(self.batch_bytes.0.saturating_mul(4))
    }

    pub(super) const fn limits(&self) -> Limits {
        Limits { rows: self.batch_rows, bytes: self.batch_bytes.0, time: self.batch_time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Mistakes> {
        Config::read(&Settings::merge(text, "", std::iter::empty()).unwrap())
    }

    #[test]
    fn the_defaults_are_read_with_a_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.toml");
        std::fs::write(&file, format!("hash_key = \"{}\"", "ab".repeat(32))).unwrap();
        let config = read(&format!("[keys]\nfile = {file:?}")).ok().unwrap();
        assert_eq!(config.addresses, Addresses::Truncated);
        assert_eq!(config.enrich.limits().time, Duration::from_millis(100));
    }

    #[test]
    fn mistakes_of_all_sections_are_reported_together() {
        let text = "[enrich]\nlisten = \"nowhere\"\n[privacy]\nwithout_marketing = [\"gclidd\"]\n[keys]\nfile = \"/not/there\"";
        let mistakes = read(text).err().unwrap();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, ["enrich.listen", "privacy.without_marketing", "keys.file"]);
        let mistakes = read("[enrich]\nbatch_rows = 0\nagent_cache = 0").err().unwrap().to_string();
        assert!(
            mistakes.starts_with("enrich.agent_cache must be at least 1\nenrich.batch_rows"),
            "{mistakes}"
        );
    }
}
