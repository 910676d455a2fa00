//! What the edge is told about visitors: how their cookies are written, and what it needs to know their country and with
//! that the consent that counts for them.

use crate::visit::SameSite;
use serde::{
    Deserialize,
    de::{
        IntoDeserializer,
        value::{Error as Unknown, StrDeserializer},
    },
};
use std::{path::PathBuf, time::Duration};
use tracker_schemas::consent::Defaults;
use tracker_stream::config::{Mistake, Mistakes, Settings, span};

/// What is meant.
#[derive(Debug, Clone)]
pub struct VisitConfig {
    /// Which requests of other sites bring the cookies.
    pub same_site: SameSite,
    /// What counts where there is no signal.
    pub defaults: Defaults,
    /// MaxMind-format files of cities.
    pub geoip_city: Vec<PathBuf>,
    /// How often they are looked at for a change.
    pub geoip_poll: Duration,
    /// Only the network of an address is looked up: enrichment has no more of it either.
    pub network_only: bool,
}

/// These keys of section `[edge]`.
#[derive(Deserialize)]
struct Edge {
    cookie_same_site: String,
    geoip_city: Vec<PathBuf>,
    #[serde(with = "span")]
    geoip_poll: Duration,
}

/// These of section `[privacy]`.
#[derive(Deserialize)]
struct Privacy {
    anonymize_ip: bool,
    anonymize_at_edge: bool,
}

impl VisitConfig {
    /// Reads and checks them.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let edge: Edge = settings.section("edge")?;
        let privacy: Privacy = settings.section("privacy")?;
        let mut mistakes = Mistakes::default();
        let name: StrDeserializer<'_, Unknown> = edge.cookie_same_site.as_str().into_deserializer();
        let same_site = SameSite::deserialize(name);
        if same_site.is_err() {
            let detail = format!("must be lax or none, not `{}`", edge.cookie_same_site);
            mistakes.add(Mistake::new("edge.cookie_same_site", detail));
        }
        match mistakes.collect(tracker_geo::consent_defaults(settings)) {
            Some(defaults) => mistakes.or(Self {
                same_site: same_site.unwrap_or(SameSite::Lax),
                defaults,
                geoip_city: edge.geoip_city,
                geoip_poll: edge.geoip_poll,
                network_only: privacy.anonymize_ip || privacy.anonymize_at_edge,
            }),
            None => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<VisitConfig, Mistakes> {
        VisitConfig::read(&Settings::merge(text, "test", std::iter::empty()).unwrap())
    }

    #[test]
    fn the_edge_asks_the_same_files_as_enrichment_and_no_more_of_an_address() {
        let settings = Settings::merge("", "", std::iter::empty()).unwrap();
        let enrich: toml::Table = settings.section("enrich").unwrap();
        let edge: toml::Table = settings.section("edge").unwrap();
        assert_eq!(edge["geoip_city"], enrich["geoip_city"]);
        let config = read("").unwrap();
        assert_eq!((config.same_site, config.geoip_city.len()), (SameSite::Lax, 2));
        assert!(config.network_only);
        assert!(read("[privacy]\nanonymize_ip = false\nanonymize_at_edge = true").unwrap().network_only);
        assert!(!read("[privacy]\nanonymize_ip = false").unwrap().network_only);
        assert_eq!(read("[edge]\ncookie_same_site = \"none\"").unwrap().same_site, SameSite::None);
    }

    #[test]
    fn all_mistakes_are_told_together() {
        let text = "[edge]\ncookie_same_site = \"strict\"\n[privacy]\ndefault_unknown = 2";
        let mistakes = read(text).unwrap_err();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, ["edge.cookie_same_site", "privacy.default_unknown"]);
    }
}
