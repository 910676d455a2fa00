//! What the settings leave to be started here.

use crate::{
    local::Local,
    near::{Near, Speech},
};
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use tracker_processors::clickhouse::ClickHouseConfig;
use tracker_stack::{Database, Piece, PortUse};
use tracker_stream::config::{LocalPorts, Mistake, Mistakes, Settings, Size, span};

/// Everything `tracker up` decides before it does anything.
#[derive(Clone)]
pub(super) struct Plan {
    /// Start a broker here; else the settings name one.
    pub(super) broker: bool,
    /// Start a ClickHouse here; else the settings name one.
    pub(super) database: bool,
    pub(super) local: LocalPorts,
    pub(super) data: PathBuf,
    pub(super) cache: PathBuf,
    pub(super) min_free: u64,
    /// What must be fetched for it.
    pub(super) pieces: Vec<Piece>,
    /// Ports that must be free.
    pub(super) ports: Vec<PortUse>,
    /// The four programs, in the order of the data.
    pub(super) programs: [Planned; 4],
    /// Where the local secret is kept.
    pub(super) secret: PathBuf,
    /// Where rows can be asked for.
    pub(super) clickhouse: ClickHouseConfig,
}

/// One program of the four.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) program: &'static str,
    pub(super) listen: SocketAddr,
    pub(super) near: Near,
    pub(super) grace: Duration,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

/// Name, file, setting of its address.
const PROGRAMS: [(&str, &str, &str); 4] = [
    ("edge", "tracker-edge", "edge.listen"),
    ("enrich", "tracker-enrich", "enrich.listen"),
    ("load", "tracker-load", "load.listen"),
    ("payments", "tracker-payments", "payments.listen"),
];

#[derive(Deserialize)]
struct Up {
    data: PathBuf,
    cache: PathBuf,
    min_free_disk: Size,
}

#[derive(Deserialize)]
struct Listening {
    listen: String,
    #[serde(with = "span")]
    grace: Duration,
}

#[derive(Deserialize)]
struct Trusting {
    trusted_proxies: Vec<String>,
}

impl Plan {
    /// Reads it.
    ///
    /// # Errors
    /// All mistakes in the settings that it needs.
    pub(super) fn of(settings: &Settings) -> Result<Self, crate::Failure> {
        let up: Up = settings.section("up")?;
        let local = settings.local_ports()?;
        settings.kafka()?;
        let here_is = Local::of(settings)?;
        let (broker, database) = (here_is.broker, here_is.database);
        let programs = programs(settings, &here_is)?;
        let mut pieces = vec![Piece::Geoip];
        let mut ports: Vec<PortUse> = PROGRAMS
            .iter()
            .zip(&programs)
            .map(|(program, planned)| PortUse {
                address: planned.listen,
                what: program.0,
                setting: program.2,
            })
            .collect();
        if broker {
            pieces.push(Piece::Broker);
            ports.push(here(local.broker_port, "the broker", "up.broker_port"));
            ports.push(here(local.controller_port, "the broker's controller", "up.controller_port"));
        }
        if database {
            if !Database::is_installed() {
                pieces.push(Piece::Database);
            }
            ports.push(here(local.clickhouse_port, "ClickHouse", "up.clickhouse_port"));
            ports.push(here(
                local.clickhouse_native_port,
                "ClickHouse's own protocol",
                "up.clickhouse_native_port",
            ));
        }
        Ok(Self {
            broker,
            database,
            local,
            data: up.data,
            cache: up.cache,
            min_free: up.min_free_disk.0.try_into().unwrap_or(u64::MAX),
            pieces,
            ports,
            programs,
            secret: super::secret::file(settings)?,
            clickhouse: ClickHouseConfig::read(settings)?,
        })
    }

    /// Where the edge is spoken to.
    pub(super) fn edge(&self) -> String {
        let [edge, ..] = &self.programs;
        edge.url("")
    }
}

impl Planned {
    /// An address of it that answers on this machine, also when it listens on all.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.near.url())
    }
}

fn here(port: u16, what: &'static str, setting: &'static str) -> PortUse {
    PortUse { address: (Ipv4Addr::LOCALHOST, port).into(), what, setting }
}

fn programs(settings: &Settings, local: &Local) -> Result<[Planned; 4], Mistakes> {
    let mut mistakes = Mistakes::default();
    let planned = PROGRAMS.map(|(name, program, key)| {
        let section: Option<Listening> = mistakes.collect(settings.section(name));
        let (text, grace) =
            section.map_or((String::new(), Duration::ZERO), |section| (section.listen, section.grace));
        let listen = text.parse().unwrap_or_else(|_| {
            mistakes.add(Mistake::new(
                key,
                format!("must be an address and a port such as 127.0.0.1:8080, not `{text}`"),
            ));
            SocketAddr::from(([0, 0, 0, 0], 0))
        });
        let config = settings.file().map(|file| file.display().to_string());
        let arguments = config.into_iter().flat_map(|file| ["--config".to_owned(), file]).collect();
        let near = Near::plain(listen);
        Planned { name, program, listen, near, grace, arguments, environment: Vec::new() }
    });
    let mut planned = planned;
    let trusting: Trusting = settings.section("edge")?;
    let [edge, enrich, ..] = &mut planned;
    // What is wrong with its settings it says itself.
    edge.near.speech = Near::edge(settings).map_or(Speech::Plain, |edge| edge.speech);
    enrich.environment.extend(local.environment_of_enrich());
    edge.environment.extend(local.environment_of_edge());
    if trusting.trusted_proxies.is_empty() && edge.listen.ip().is_loopback() {
        // Only this machine reaches it: let its curl, and its web server, say for whom it asks.
        edge.environment.push(("TRACKER_EDGE__TRUSTED_PROXIES".to_owned(), "127.0.0.0/8,::1/128".to_owned()));
    }
    mistakes.or(planned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, crate::Failure> {
        Plan::of(&Settings::merge(text, "test", std::iter::empty())?)
    }

    #[test]
    fn what_the_settings_name_is_not_started() {
        let given = "[kafka]\nbrokers = \"b1:9092\"\n[clickhouse]\nurl = \"http://db:8123\"";
        let plan = plan(given).unwrap();
        assert!(!plan.broker && !plan.database);
        assert_eq!(plan.pieces, [Piece::Geoip]);
        assert_eq!(plan.ports.len(), 4, "only the programs' own");
    }

    #[test]
    fn every_port_is_checked_with_the_setting_that_moves_it() {
        let plan = plan("[up]\nbroker_port = 19092\n[edge]\nlisten = \"0.0.0.0:80\"").unwrap();
        let ports: Vec<_> = plan.ports.iter().map(|port| (port.address.port(), port.setting)).collect();
        assert!(ports.contains(&(19092, "up.broker_port")));
        assert!(ports.contains(&(80, "edge.listen")));
        assert_eq!(plan.edge(), "http://127.0.0.1:80");
        let secure = super::tests::plan("[edge.tls]\ncert = \"c.pem\"\nkey = \"k.pem\"").unwrap();
        assert_eq!(secure.edge(), "https://127.0.0.1:8080");
        assert_eq!(secure.programs[1].url("/ready"), "http://127.0.0.1:9101/ready");
    }

    #[test]
    fn this_machine_may_speak_for_others_unless_others_reach_the_edge() {
        let trusts = |text: &str| {
            let [edge, ..] = plan(text).unwrap().programs;
            edge.environment.iter().any(|(name, _)| name.ends_with("TRUSTED_PROXIES"))
        };
        assert!(trusts(""));
        assert!(!trusts("[edge]\nlisten = \"0.0.0.0:8080\""));
        assert!(!trusts("[edge]\ntrusted_proxies = [\"10.0.0.0/8\"]"));
    }

    #[test]
    fn enrich_reads_the_files_of_the_cache() {
        let [_, enrich, ..] = plan("[up]\ncache = \"/elsewhere\"").unwrap().programs;
        let told: Vec<_> =
            enrich.environment.iter().filter(|(_, value)| value.contains("/elsewhere/geoip/")).collect();
        assert_eq!(told.len(), 2, "{:?}", enrich.environment);
    }

    #[test]
    fn addresses_that_are_none_are_named_together() {
        let text = "[edge]\nlisten = \"here\"\n[load]\nlisten = \"9102\"";
        let mistakes = plan(text).err().unwrap().to_string();
        assert!(mistakes.contains("edge.listen") && mistakes.contains("load.listen"), "{mistakes}");
    }
}
