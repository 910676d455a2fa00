//! Which country: the client's word, else its time zone, else the address. Pure; consent depends on it.

use std::{collections::HashMap, sync::LazyLock};

type Table = LazyLock<HashMap<&'static str, &'static str>>;

/// Country of each IANA time zone.
static BY_ZONE: Table = LazyLock::new(|| table(include_str!("../data/timezones/countries.tsv")));
/// Short English name of each country.
static NAMES: Table = LazyLock::new(|| table(include_str!("../data/countries/names.tsv")));

fn table(lines: &'static str) -> HashMap<&'static str, &'static str> {
    lines.lines().filter_map(|line| line.split_once('\t')).collect()
}

/// The country of a time zone, where it has one.
#[must_use]
pub fn of_zone(zone: &str) -> Option<&'static str> {
    BY_ZONE.get(zone.trim()).copied()
}

/// The English name of a country, by its code (ISO 3166-1 alpha-2, upper case).
#[must_use]
pub fn name(code: &str) -> Option<&'static str> {
    NAMES.get(code).copied()
}

/// The country of a visitor: what it `said`, else that of its time `zone`, else the one where its address is `found`,
/// which is looked up last and only then.
#[must_use]
pub fn settle(
    said: Option<&str>,
    zone: Option<&str>,
    found: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let said = said.map(str::trim).filter(|said| !said.is_empty()).map(spelled);
    let zone = || zone.and_then(of_zone).map(str::to_owned);
    said.or_else(zone).or_else(found)
}

/// Upper-cased; the two codes that are common but not ISO 3166-1's, as ISO has them.
fn spelled(country: &str) -> String {
    match country.to_ascii_uppercase().as_str() {
        "UK" => "GB".to_owned(),
        "EL" => "GR".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Europe/Berlin", Some("DE"))]
    #[case("Europe/Oslo", Some("NO"))]
    #[case("Asia/Calcutta", Some("IN"))]
    #[case("Asia/Kolkata", Some("IN"))]
    #[case("America/Argentina/Ushuaia", Some("AR"))]
    #[case("Iceland", Some("IS"))]
    #[case("Atlantic/Reykjavik", Some("IS"))]
    #[case("US/Eastern", Some("US"))]
    #[case("Etc/UTC", None)]
    #[case("UTC", None)]
    #[case("Mars/Olympus", None)]
    fn a_time_zone_has_the_country_of_its_city(#[case] zone: &str, #[case] country: Option<&str>) {
        assert_eq!(of_zone(zone), country);
    }

    #[test]
    fn every_country_that_a_time_zone_has_has_a_name() {
        assert_eq!((name("DE"), name("GB"), name("XX")), (Some("Germany"), Some("United Kingdom"), None));
        assert!(BY_ZONE.values().all(|code| name(code).is_some()));
    }

    #[rstest]
    #[case(Some("de"), Some("Europe/Paris"), Some("GB"), Some("DE"))]
    #[case(Some("uk"), None, None, Some("GB"))]
    #[case(Some(" "), Some("Europe/Paris"), Some("GB"), Some("FR"))]
    #[case(None, Some("Etc/UTC"), Some("GB"), Some("GB"))]
    #[case(None, None, None, None)]
    fn the_clients_word_beats_the_time_zone_and_that_the_address(
        #[case] said: Option<&str>,
        #[case] zone: Option<&str>,
        #[case] found: Option<&str>,
        #[case] country: Option<&str>,
    ) {
        assert_eq!(settle(said, zone, || found.map(str::to_owned)).as_deref(), country);
    }
}
