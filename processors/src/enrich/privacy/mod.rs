//! What a missing consent removes. This is the one place that applies it; which bits are in force says
//! [`tracker_schemas::consent`].
//!
//! What is removed stands in section `[privacy]` of the settings, by field name; a name that no field has is a mistake
//! at start, never a field that silently stays.

mod field;
mod params;
#[cfg(test)]
mod tests;

use super::address::Address;
use field::Clear;
use serde::Deserialize;
use tracker_schemas::{
    Enriched, Fact,
    consent::{Defaults, MARKETING, PREFERENCES, STATISTICS},
};
use tracker_stream::config::{Mistake, Mistakes, Settings};

/// Section `[privacy]`, as it is written; less what [`tracker_geo::consent_defaults`] reads of it.
#[derive(Deserialize)]
struct PrivacyConfig {
    anonymize_ip: bool,
    without_preferences: Vec<String>,
    without_statistics: Vec<String>,
    without_marketing: Vec<String>,
}

/// Section `[privacy]`, as it is meant.
#[derive(Debug)]
pub struct Privacy {
    /// Whether addresses are cut to their network.
    pub anonymize_ip: bool,
    /// What counts where no signal came.
    pub defaults: Defaults,
    removals: Vec<Removal>,
}

/// What goes without one bit.
#[derive(Debug)]
struct Removal {
    bit: i64,
    fields: Vec<(String, Clear)>,
}

impl Privacy {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// Every country that is no code, every default that has an unknown bit, every name that no removable field has.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let defaults = mistakes.collect(tracker_geo::consent_defaults(settings));
        let config: Option<PrivacyConfig> = mistakes.collect(settings.section("privacy"));
        let meant = config.map(|config| (config.anonymize_ip, removals(&config, &mut mistakes)));
        match (defaults, meant) {
            (Some(defaults), Some((anonymize_ip, removals))) => {
                mistakes.or(Self { anonymize_ip, defaults, removals })
            }
            _ => Err(mistakes),
        }
    }

    /// Removes what the bits in force do not allow.
    pub fn filter(&self, event: &mut Enriched) {
        let missing = || self.removals.iter().filter(|removal| event.consent & removal.bit == 0);
        let gone: Vec<&(String, Clear)> = missing().flat_map(|removal| &removal.fields).collect();
        if gone.is_empty() {
            return;
        }
        for (_, clear) in &gone {
            clear(event);
        }
        if let Some(params) = event.fact.params.take() {
            event.fact.params = params::without(&params, |key, _| {
                gone.iter().any(|(name, _)| name.eq_ignore_ascii_case(key))
            });
        }
    }
}

/// Removes the address that a client wrote into its `params` itself. Read only where there may be one.
pub fn without_written_address(fact: &mut Fact) {
    let mentions = |text: &str| text.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"\"ip"));
    let Some(params) = fact.params.take_if(|params| mentions(&params.0)) else { return };
    let is_address = |json: &str| Address::parse(json.trim_matches('"')).is_some();
    fact.params = params::without(&params, |key, json| key.eq_ignore_ascii_case("ip") && is_address(json));
}

fn removals(config: &PrivacyConfig, mistakes: &mut Mistakes) -> Vec<Removal> {
    [
        (PREFERENCES, "privacy.without_preferences", &config.without_preferences),
        (STATISTICS, "privacy.without_statistics", &config.without_statistics),
        (MARKETING, "privacy.without_marketing", &config.without_marketing),
    ]
    .map(|(bit, key, names)| Removal { bit, fields: fields(key, names, mistakes) })
    .into()
}

fn fields(key: &str, names: &[String], mistakes: &mut Mistakes) -> Vec<(String, Clear)> {
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        match field::clear(name) {
            Some(clear) => fields.push((name.clone(), clear)),
            None => mistakes.add(Mistake::new(
                key,
                format!("has `{name}`, which cannot be removed; these can: {}", field::names()),
            )),
        }
    }
    fields
}
