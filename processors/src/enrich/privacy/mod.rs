//! Consent: which bits are in force, and what a missing one removes. This is the one place that applies it.
//!
//! What is removed stands in section `[privacy]` of the settings, by field name; a name that no field has is a mistake
//! at start, never a field that silently stays.

mod consent;
mod field;
mod params;
#[cfg(test)]
mod tests;

pub use consent::{ALL, Defaults, MARKETING, PREFERENCES, STATISTICS};

use super::address::Address;
use field::Clear;
use serde::Deserialize;
use tracker_schemas::{Enriched, Fact};
use tracker_stream::config::{Mistake, Mistakes};

/// Section `[privacy]`, as it is written.
#[derive(Debug, Clone, Deserialize)]
pub struct PrivacyConfig {
    /// Whether addresses are cut to their network.
    pub anonymize_ip: bool,
    /// Countries where no signal means no consent.
    pub opt_in_countries: Vec<String>,
    /// Bits where no signal came, in those countries.
    pub default_opt_in: i64,
    /// Bits where no signal came, in other countries.
    pub default_elsewhere: i64,
    /// Bits where no signal came and the country is not known.
    pub default_unknown: i64,
    /// Fields that go without the preferences bit.
    pub without_preferences: Vec<String>,
    /// Fields that go without the statistics bit.
    pub without_statistics: Vec<String>,
    /// Fields that go without the marketing bit.
    pub without_marketing: Vec<String>,
}

/// Section `[privacy]`, as it is meant.
#[derive(Debug)]
pub struct Privacy {
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
    /// Checks the section.
    ///
    /// # Errors
    /// Every country that is no code, every default that has an unknown bit, every name that no removable field has.
    pub fn new(config: &PrivacyConfig) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let is_code =
            |country: &str| country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_alphabetic());
        for country in config.opt_in_countries.iter().filter(|country| !is_code(country)) {
            mistakes.add(Mistake::new(
                "privacy.opt_in_countries",
                format!("has `{country}`, which is no code of two letters"),
            ));
        }
        for (key, bits) in [
            ("privacy.default_opt_in", config.default_opt_in),
            ("privacy.default_elsewhere", config.default_elsewhere),
            ("privacy.default_unknown", config.default_unknown),
        ] {
            if bits & !ALL != 0 {
                mistakes
                    .add(Mistake::new(key, format!("is {bits}; it must be a sum of 1, 256, 1024 and 4096")));
            }
        }
        let removals = [
            (PREFERENCES, "privacy.without_preferences", &config.without_preferences),
            (STATISTICS, "privacy.without_statistics", &config.without_statistics),
            (MARKETING, "privacy.without_marketing", &config.without_marketing),
        ]
        .map(|(bit, key, names)| Removal { bit, fields: fields(key, names, &mut mistakes) });
        let defaults = Defaults {
            opt_in_countries: config
                .opt_in_countries
                .iter()
                .map(|country| country.to_ascii_uppercase())
                .collect(),
            opt_in: config.default_opt_in,
            elsewhere: config.default_elsewhere,
            unknown: config.default_unknown,
        };
        mistakes.or(Self { defaults, removals: removals.into() })
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
