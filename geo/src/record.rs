//! What a database says of a network, in either layout: MaxMind's nested one, or the flat one of `ip-location-db`.

use super::Place;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::fmt;

/// One record, borrowed from the database. A field is of one layout, of the other, or (`city`) of both.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    city: Name<'a>,
    country_code: &'a str,
    state1: &'a str,
    postcode: &'a str,
    timezone: &'a str,
    latitude: Option<f64>,
    longitude: Option<f64>,
    #[serde(borrow)]
    country: Country<'a>,
    #[serde(borrow)]
    subdivisions: Vec<Subdivision<'a>>,
    #[serde(borrow)]
    postal: Postal<'a>,
    #[serde(borrow)]
    location: Location<'a>,
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Country<'a> {
    iso_code: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Subdivision<'a> {
    #[serde(borrow)]
    names: Name<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Postal<'a> {
    code: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Location<'a> {
    latitude: Option<f64>,
    longitude: Option<f64>,
    time_zone: &'a str,
}

/// A name: a text, `{"en": text}`, or `{"names": {"en": text}}`.
#[derive(Debug, Default)]
struct Name<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or names by language")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Name<'de>, A::Error> {
        let mut name = Name::default();
        while let Some(key) = map.next_key::<&str>()? {
            if matches!(key, "en" | "names") {
                name = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(name)
    }
}

impl Record<'_> {
    /// Adds to `place` what it does not know yet.
    pub(super) fn fill(&self, place: &mut Place) {
        let region = self.subdivisions.first().map_or("", |subdivision| subdivision.names.0);
        // DB-IP writes a part of a town behind its name: `Cologne (Lindenthal, Cologne)`.
        let city = self.city.0.split(" (").next().unwrap_or_default();
        note(&mut place.country, [self.country_code, self.country.iso_code]);
        note(&mut place.region, [self.state1, region]);
        note(&mut place.city, [city, ""]);
        note(&mut place.zip, [self.postcode, self.postal.code]);
        note(&mut place.tz, [self.timezone, self.location.time_zone]);
        note(&mut place.as_org, [self.autonomous_system_organization, ""]);
        place.lat = place.lat.or(self.latitude).or(self.location.latitude);
        place.lon = place.lon.or(self.longitude).or(self.location.longitude);
        place.asn = place.asn.or(self.autonomous_system_number.map(i64::from));
    }
}

/// Takes the first text that is not empty, where nothing is known yet.
fn note(known: &mut Option<String>, texts: [&str; 2]) {
    if known.is_none() {
        *known = texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned);
    }
}
