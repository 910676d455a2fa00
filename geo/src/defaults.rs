//! What counts as consent where a visitor gave no signal, as section `[privacy]` says it: read once here, for the edge
//! and for enrichment, which must never differ.

use serde::Deserialize;
use tracker_schemas::consent::{ALL, Defaults};
use tracker_stream::config::{Mistake, Mistakes, Settings};

/// These keys of the section, as they are written.
#[derive(Deserialize)]
struct Written {
    opt_in_countries: Vec<String>,
    default_opt_in: i64,
    default_elsewhere: i64,
    default_unknown: i64,
}

/// Reads and checks them.
///
/// # Errors
/// Every country that is no code, every default that has an unknown bit.
pub fn consent_defaults(settings: &Settings) -> Result<Defaults, Mistakes> {
    let written: Written = settings.section("privacy")?;
    let mut mistakes = Mistakes::default();
    let is_code =
        |country: &str| country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_alphabetic());
    for country in written.opt_in_countries.iter().filter(|country| !is_code(country)) {
        mistakes.add(Mistake::new(
            "privacy.opt_in_countries",
            format!("has `{country}`, which is no code of two letters"),
        ));
    }
    for (key, bits) in [
        ("privacy.default_opt_in", written.default_opt_in),
        ("privacy.default_elsewhere", written.default_elsewhere),
        ("privacy.default_unknown", written.default_unknown),
    ] {
        if bits & !ALL != 0 {
            mistakes.add(Mistake::new(key, format!("is {bits}; it must be a sum of 1, 256, 1024 and 4096")));
        }
    }
    let opt_in_countries = written.opt_in_countries.iter().map(|country| country.to_ascii_uppercase());
    mistakes.or(Defaults {
        opt_in_countries: opt_in_countries.collect(),
        opt_in: written.default_opt_in,
        elsewhere: written.default_elsewhere,
        unknown: written.default_unknown,
    })
}
