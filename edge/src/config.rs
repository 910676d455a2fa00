//! Section `[edge]`, and what the edge reads of `[privacy]` and `[keys]`: what was written, then what is meant.
//! Every mistake is reported together.

mod micro;
mod redirects;
mod socket;
mod spool;
mod tls;
mod visits;
mod written;

pub use micro::MicroConfig;
pub use redirects::RedirectConfig;
pub use socket::SocketLimits;
pub use spool::SpoolConfig;
pub use tls::{AcmeConfig, Certificate, TlsConfig};
pub use visits::VisitConfig;

use crate::{address::Trust, admit::RateConfig, budget::Room, decode};
use http::HeaderValue;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tracker_stream::config::{Mistakes, Settings, Size};

/// What the edge is told.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Name of this node.
    pub node: String,
    /// How connections are encrypted; `None`: they are not.
    pub tls: Option<TlsConfig>,
    /// Which proxies are believed.
    pub trust: Trust,
    /// Whether each connection begins with what a proxy says of it.
    pub proxy_protocol: bool,
    /// Which origins browsers may send from.
    pub origins: Origins,
    /// What one address, key or tenant may send.
    pub rates: RateConfig,
    /// Whether clients have to show a public key.
    pub require_write_key: bool,
    /// What one event may be.
    pub limits: decode::Limits,
    /// What one body may be.
    pub body: BodyLimits,
    /// What one connection may take.
    pub connection: ConnectionLimits,
    /// Where `tracker-load` answers: `http://host:port`, without a slash at the end.
    pub load_url: String,
    /// What WebSockets may take.
    pub socket: SocketLimits,
    /// How long a request waits for the broker.
    pub produce_timeout: Duration,
    /// Bytes that may wait for the broker.
    pub produce_buffer: Size,
    /// Bytes of bodies held at once.
    pub inflight: Room,
    /// Where messages are kept while the broker is away; `None`: nowhere.
    pub spool: Option<SpoolConfig>,
    /// Whether addresses are truncated here already.
    pub anonymize: bool,
    /// The key file.
    pub keys: PathBuf,
}

/// What one body may be.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Decoded bytes of a body that is one object.
    pub single: usize,
    /// Decoded bytes of an array or of NDJSON.
    pub batch: usize,
    /// Decoded bytes for each encoded byte.
    pub ratio: usize,
    /// How long it may take to arrive, whole.
    pub timeout: Duration,
}

/// What one connection may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Bytes of a request's head.
    pub header: usize,
    /// How long a head may take to arrive, or the next one to begin.
    pub header_timeout: Duration,
    /// Connections at once.
    pub most: usize,
    /// How long open requests may take after SIGTERM.
    pub grace: Duration,
}

/// Which origins may read an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Any, without credentials.
    Any,
    /// These, with credentials.
    Listed(Vec<HeaderValue>),
}

impl EdgeConfig {
    /// Reads it from the settings.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        written::Written::read(settings)?.meant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<EdgeConfig, Mistakes> {
        EdgeConfig::read(&Settings::merge(text, "test.toml", std::iter::empty())?)
    }

    #[test]
    fn the_defaults_are_right() {
        let config = read("").unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(config.origins, Origins::Any);
        assert_eq!((config.body.single, config.body.batch), (1 << 20, 8 << 20));
        assert_eq!(config.limits.path_bytes, 8 << 10);
        assert_eq!((config.rates.key, config.rates.tenant, config.require_write_key), (None, None, false));
        assert_eq!(config.inflight, Room { bytes: 256 << 20, servers: 32 << 20, payments: 32 << 20 });
        assert!(!config.node.is_empty());
        assert!(config.spool.is_some());
        assert_eq!(read("[edge.spool]\nenabled = false").unwrap().spool, None);
    }

    #[test]
    fn the_loader_is_where_the_settings_say_or_where_it_listens() {
        let at = |text: &str| read(text).unwrap().load_url;
        assert_eq!(at(""), "http://127.0.0.1:9102");
        assert_eq!(at("[load]\nlisten = \"0.0.0.0:7000\""), "http://127.0.0.1:7000");
        assert_eq!(at("[edge]\nload_url = \"http://load:9102\""), "http://load:9102");
        for wrong in ["load:9102", "https://load", "http://", "/agreements"] {
            let mistakes = read(&format!("[edge]\nload_url = \"{wrong}\"")).unwrap_err();
            assert_eq!(mistakes.iter().next().unwrap().key, "edge.load_url", "{wrong}");
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let text = r#"
            [edge]
            listen = "here"
            trusted_proxies = ["10.0.0.0/8", "everyone"]
            client_ip_header = "x-who"
            allowed_origins = ["https://a.example", "a.example/x"]
            rate_limit_per_day = 0
            rate_limit_burst = 5000000000
            rate_limit_key_per_day = 5
            rate_limit_key_burst = 0
            inflight_payments = "1MiB"
            produce_timeout = "500ms"
            body_limit = "0B"
            event_limit = "1MiB"
            connections = 0
        "#;
        let mistakes = read(text).unwrap_err();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        let expected = [
            "edge.listen",
            "edge.trusted_proxies",
            "edge.client_ip_header",
            "edge.allowed_origins",
            "edge.rate_limit_per_day",
            "edge.rate_limit_burst",
            "edge.rate_limit_key_burst",
            "edge.event_limit",
            "edge.body_limit",
            "edge.inflight_payments",
            "edge.connections",
            "edge.produce_timeout",
        ];
        assert_eq!(keys, expected, "{mistakes}");
    }

    #[test]
    fn a_rate_of_keys_is_in_force_once_it_is_set() {
        let config = read("[edge]\nrate_limit_key_per_day = 5\nrate_limit_tenant_per_day = 6").unwrap();
        let told = |rate: Option<crate::admit::Rate>| rate.map(|rate| (rate.per_day.get(), rate.burst.get()));
        assert_eq!(
            (told(config.rates.key), told(config.rates.tenant)),
            (Some((5, 10_000)), Some((6, 10_000)))
        );
    }

    #[test]
    fn listed_origins_are_kept_as_browsers_send_them() {
        let config =
            read("[edge]\nallowed_origins = [\"https://a.example\", \"http://localhost:3000\"]").unwrap();
        let origins = ["https://a.example", "http://localhost:3000"].map(HeaderValue::from_static);
        assert_eq!(config.origins, Origins::Listed(origins.to_vec()));
    }

    #[test]
    fn any_origin_and_a_list_exclude_each_other() {
        let mistakes = read("[edge]\nallowed_origins = [\"*\", \"https://a.example\"]").unwrap_err();
        assert_eq!(mistakes.iter().next().unwrap().key, "edge.allowed_origins");
    }
}
