//! Which consent is in force: the bits of `cflags`, and what counts where no signal came. The one place of this rule: the
//! edge asks it before it gives a visitor an id, enrichment before it lets one through. Pure, and knows no country itself.

use std::collections::HashSet;

/// What a site cannot do without.
pub const NECESSARY: i64 = 1;
/// Preferences may be remembered.
pub const PREFERENCES: i64 = 256;
/// Statistics may be kept about the visitor.
pub const STATISTICS: i64 = 1024;
/// The visitor may be known to advertisers.
pub const MARKETING: i64 = 4096;
/// All bits.
pub const ALL: i64 = NECESSARY | PREFERENCES | STATISTICS | MARKETING;

/// What counts where no signal came.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Countries where no signal means no consent.
    pub opt_in_countries: HashSet<String>,
    /// Bits in those.
    pub opt_in: i64,
    /// Bits in others.
    pub elsewhere: i64,
    /// Bits where the country is not known.
    pub unknown: i64,
}

impl Defaults {
    /// The bits in force: the client's signal, else the default of its country, less what an opt-out clears.
    #[must_use]
    pub fn in_force(&self, signal: Option<i64>, country: Option<&str>, opt_out: bool) -> i64 {
        let bits = signal.unwrap_or_else(|| self.of(country));
        if opt_out { bits & !MARKETING } else { bits }
    }

    fn of(&self, country: Option<&str>) -> i64 {
        match country {
            // A client's word that is no country code says nothing of the law it lives under.
            Some(country)
                if country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase()) =>
            {
                if self.opt_in_countries.contains(country) { self.opt_in } else { self.elsewhere }
            }
            _ => self.unknown,
        }
    }
}
