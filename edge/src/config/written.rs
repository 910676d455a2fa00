//! The sections as they are written, and what is wrong with them.

use super::{
    BodyLimits, ConnectionLimits, EdgeConfig, Origins, SocketLimits, SpoolConfig, socket, spool, tls,
};
use crate::{
    address::{ClientHeader, Trust},
    admit::{Rate, RateConfig},
    budget::Room,
    decode,
};
use http::HeaderValue;
use ipnet::IpNet;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error as Unknown},
};
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    ops::RangeInclusive,
    time::Duration,
};
use tracker_stream::{
    config::{Mistake, Mistakes, Settings, Size, span},
    keys::KeysConfig,
};

/// The sections as they are written. Their kinds were checked when the settings were loaded.
pub(super) struct Written {
    edge: Edge,
    privacy: Privacy,
    keys: KeysConfig,
    load: Load,
}

#[derive(Deserialize)]
struct Edge {
    listen: String,
    node: String,
    trusted_proxies: Vec<String>,
    client_ip_header: String,
    proxy_protocol: String,
    allowed_origins: Vec<String>,
    load_url: String,
    rate_limit_per_day: u64,
    rate_limit_burst: u64,
    rate_limit_addresses: usize,
    rate_limit_key_per_day: u64,
    rate_limit_key_burst: u64,
    rate_limit_tenant_per_day: u64,
    rate_limit_tenant_burst: u64,
    require_write_key: bool,
    body_limit: Size,
    batch_body_limit: Size,
    event_limit: Size,
    batch_events: usize,
    key_limit: usize,
    depth_limit: usize,
    path_limit: Size,
    header_limit: Size,
    inflate_ratio: usize,
    #[serde(with = "span")]
    header_timeout: Duration,
    #[serde(with = "span")]
    body_timeout: Duration,
    #[serde(with = "span")]
    produce_timeout: Duration,
    produce_buffer: Size,
    inflight_limit: Size,
    inflight_servers: Size,
    inflight_payments: Size,
    connections: usize,
    #[serde(with = "span")]
    grace: Duration,
    spool: spool::Written,
    ws: socket::Written,
    tls: tls::Written,
    acme: tls::WrittenAcme,
}

#[derive(Deserialize)]
struct Privacy {
    anonymize_at_edge: bool,
}

/// Section `[load]`, as far as the edge asks that process for something.
#[derive(Deserialize)]
struct Load {
    listen: SocketAddr,
}

/// librdkafka looks for messages whose time is over once a second: below this there is no room for a margin.
const SHORTEST_PRODUCE_TIMEOUT: Duration = Duration::from_secs(2);
/// A broker takes messages up to 1 MB unless it is told otherwise, and one that it does not take is tried for ever.
const LARGEST_EVENT: usize = 900 << 10;
/// hyper takes no smaller buffer.
const SMALLEST_HEADER: usize = 8 << 10;

impl Written {
    pub(super) fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let edge = mistakes.collect(settings.section("edge"));
        let privacy = mistakes.collect(settings.section("privacy"));
        let keys = mistakes.collect(KeysConfig::read(settings));
        let load = mistakes.collect(settings.section("load"));
        match (edge, privacy, keys, load) {
            (Some(edge), Some(privacy), Some(keys), Some(load)) => Ok(Self { edge, privacy, keys, load }),
            _ => Err(mistakes),
        }
    }

    /// What is meant.
    pub(super) fn meant(self) -> Result<EdgeConfig, Mistakes> {
        let Self { edge, privacy, keys, load } = self;
        let mut noted = Noted::default();
        let listen = noted.parse::<SocketAddr>("listen", &edge.listen, "an address such as 127.0.0.1:8080");
        let trust = Trust {
            proxies: noted.proxies(&edge.trusted_proxies),
            header: noted.header(&edge.client_ip_header),
        };
        let origins = noted.origins(&edge.allowed_origins);
        let rates = noted.rates(&edge);
        let limits = decode::Limits {
            event_bytes: noted.within("event_limit", edge.event_limit.0, 2..=LARGEST_EVENT),
            events: noted.least("batch_events", edge.batch_events, 1),
            key_bytes: noted.least("key_limit", edge.key_limit, 1),
            depth: noted.least("depth_limit", edge.depth_limit, 1),
            path_bytes: noted.least("path_limit", edge.path_limit.0, 1),
        };
        let body = BodyLimits {
            single: noted.least("body_limit", edge.body_limit.0, 2),
            batch: noted.least("batch_body_limit", edge.batch_body_limit.0, 2).max(edge.body_limit.0),
            ratio: noted.least("inflate_ratio", edge.inflate_ratio, 1),
            timeout: noted.at_least("body_timeout", edge.body_timeout, Duration::from_millis(1)),
        };
        let inflight = noted.room(&edge, body.batch);
        let connection = ConnectionLimits {
            header: noted.least("header_limit", edge.header_limit.0, SMALLEST_HEADER),
            header_timeout: noted.at_least("header_timeout", edge.header_timeout, Duration::from_millis(1)),
            most: noted.least("connections", edge.connections, 1),
            grace: edge.grace,
        };
        let config = EdgeConfig {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            node: if edge.node.is_empty() { host_name() } else { edge.node },
            tls: noted.0.collect(edge.tls.meant(edge.acme)).flatten(),
            trust,
            proxy_protocol: noted.proxy_protocol(&edge.proxy_protocol),
            origins,
            load_url: noted.load_url(&edge.load_url, load.listen),
            rates,
            require_write_key: edge.require_write_key,
            limits,
            body,
            connection,
            socket: noted.socket(edge.ws, body.batch),
            produce_timeout: noted.at_least(
                "produce_timeout",
                edge.produce_timeout,
                SHORTEST_PRODUCE_TIMEOUT,
            ),
            produce_buffer: Size(noted.least("produce_buffer", edge.produce_buffer.0, 1 << 20)),
            spool: noted.spool(edge.spool, edge.produce_timeout),
            inflight,
            anonymize: privacy.anonymize_at_edge,
            keys: keys.file,
        };
        noted.0.or(config)
    }
}

/// Mistakes as they are found. Each reading gives a value that is right in form, so that the next can go on.
#[derive(Default)]
struct Noted(Mistakes);

impl Noted {
    fn add(&mut self, key: &str, detail: String) {
        self.0.add(Mistake::new(format!("edge.{key}"), detail));
    }

    fn parse<T: std::str::FromStr>(&mut self, key: &str, text: &str, wanted: &str) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.add(key, format!("must be {wanted}, not `{text}`"));
        }
        parsed
    }

    fn count(&mut self, key: &str, number: u64) -> NonZeroU32 {
        let count = u32::try_from(number).ok().and_then(NonZeroU32::new);
        count.unwrap_or_else(|| {
            self.add(key, format!("must be from 1 to {}, not {number}", u32::MAX));
            NonZeroU32::MIN
        })
    }

    fn least(&mut self, key: &str, number: usize, least: usize) -> usize {
        if number < least {
            self.add(key, format!("must be at least {least}, not {number}"));
        }
        number.max(least)
    }

    fn within(&mut self, key: &str, number: usize, bounds: RangeInclusive<usize>) -> usize {
        let (least, most) = bounds.into_inner();
        if !(least..=most).contains(&number) {
            self.add(key, format!("must be from {least} to {most} bytes, not {number}"));
        }
        number.clamp(least, most)
    }

    fn at_least(&mut self, key: &str, span: Duration, least: Duration) -> Duration {
        if span < least {
            self.add(key, format!("must be at least {least:?}, not {span:?}"));
        }
        span.max(least)
    }

    fn rates(&mut self, edge: &Edge) -> RateConfig {
        let senders = self.least("rate_limit_addresses", edge.rate_limit_addresses, 1);
        let address = Rate {
            per_day: self.count("rate_limit_per_day", edge.rate_limit_per_day),
            burst: self.count("rate_limit_burst", edge.rate_limit_burst),
            senders,
        };
        let mut none_or = |per_day: (&str, u64), burst: (&str, u64)| {
            (per_day.1 > 0).then(|| Rate {
                per_day: self.count(per_day.0, per_day.1),
                burst: self.count(burst.0, burst.1),
                senders,
            })
        };
        let key = none_or(
            ("rate_limit_key_per_day", edge.rate_limit_key_per_day),
            ("rate_limit_key_burst", edge.rate_limit_key_burst),
        );
        let tenant = none_or(
            ("rate_limit_tenant_per_day", edge.rate_limit_tenant_per_day),
            ("rate_limit_tenant_burst", edge.rate_limit_tenant_burst),
        );
        RateConfig { address, key, tenant }
    }

    /// Each share has to hold the longest body, or that one could never be sent.
    fn room(&mut self, edge: &Edge, batch: usize) -> Room {
        let servers = self.least("inflight_servers", edge.inflight_servers.0, batch);
        let payments = self.least("inflight_payments", edge.inflight_payments.0, batch);
        let least = batch.saturating_add(servers).saturating_add(payments);
        Room { bytes: self.least("inflight_limit", edge.inflight_limit.0, least), servers, payments }
    }

    fn proxies(&mut self, written: &[String]) -> Vec<IpNet> {
        let wanted = "a list of CIDR blocks such as 10.0.0.0/8";
        let one = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let proxies = written.iter().map(one).collect::<Result<_, _>>();
        proxies.unwrap_or_else(|_| {
            self.add("trusted_proxies", format!("must be {wanted}, not {written:?}"));
            Vec::new()
        })
    }

    /// A loader that listens everywhere is asked on this machine.
    fn load_url(&mut self, written: &str, listen: SocketAddr) -> String {
        let ip = if listen.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { listen.ip() };
        let local = || format!("http://{}", SocketAddr::new(ip, listen.port()));
        let text = if written.is_empty() { local() } else { written.to_owned() };
        if !url::Url::parse(&text).is_ok_and(|url| url.scheme() == "http" && url.has_host()) {
            self.add("load_url", format!("must be http://host:port, not `{written}`"));
        }
        text.trim_end_matches('/').to_owned()
    }

    fn proxy_protocol(&mut self, written: &str) -> bool {
        if !matches!(written, "off" | "required") {
            self.add("proxy_protocol", format!("must be off or required, not `{written}`"));
        }
        written == "required"
    }

    fn spool(&mut self, written: spool::Written, produce_timeout: Duration) -> Option<SpoolConfig> {
        let enabled = written.enabled;
        self.0.collect(written.meant(produce_timeout)).filter(|_| enabled)
    }

    fn socket(&mut self, written: socket::Written, largest: usize) -> SocketLimits {
        self.0.collect(written.meant(largest)).unwrap_or_default()
    }

    fn header(&mut self, written: &str) -> ClientHeader {
        let name: serde::de::value::StrDeserializer<'_, Unknown> = written.into_deserializer();
        ClientHeader::deserialize(name).unwrap_or_else(|_| {
            let known = "x-forwarded-for, forwarded, x-real-ip or cf-connecting-ip";
            self.add("client_ip_header", format!("must be {known}, not `{written}`"));
            ClientHeader::XForwardedFor
        })
    }

    fn origins(&mut self, written: &[String]) -> Origins {
        if written.iter().any(|origin| origin == "*") {
            if written.len() > 1 {
                self.add("allowed_origins", "must be `*` alone or a list of origins".to_owned());
            }
            return Origins::Any;
        }
        let listed = written.iter().map(|text| origin(text)).collect::<Option<Vec<_>>>();
        Origins::Listed(listed.unwrap_or_else(|| {
            self.add(
                "allowed_origins",
                format!("must be origins such as https://example.com, not {written:?}"),
            );
            Vec::new()
        }))
    }
}

/// An origin as browsers write it: scheme, host, and the port where it is not the scheme's own.
fn origin(text: &str) -> Option<HeaderValue> {
    let parsed = url::Url::parse(text).ok()?.origin();
    (parsed.is_tuple() && parsed.ascii_serialization() == text).then(|| HeaderValue::from_str(text).ok())?
}

/// The name that the kernel knows this machine by.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "edge".to_owned() } else { name.trim().to_owned() }
}
