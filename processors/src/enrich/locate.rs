//! Which country, and where in it: the client's word, else its time zone, else the address.

use tracker_geo::{Place, country as countries, two_places};
use tracker_schemas::Fact;

/// Settles the country.
pub fn country(fact: &mut Fact, place: &Place) {
    fact.country = countries::settle(fact.country.as_deref(), fact.tz.as_deref(), || place.country.clone());
}

/// Fills in where in the country it was, from the address.
///
/// A place is one whole: it is not put together from two sources. So the address says nothing where it is in another
/// country (a VPN, a roaming phone), and no region, city or postal code where the client gave any of them.
pub fn place(fact: &mut Fact, place: &Place) {
    if fact.country != place.country {
        return;
    }
    if fact.region.is_none() && fact.city.is_none() && fact.zip.is_none() {
        (fact.region, fact.city, fact.zip) = (place.region.clone(), place.city.clone(), place.zip.clone());
    }
    if fact.tz.is_none() {
        fact.tz.clone_from(&place.tz);
    }
    if fact.lat.is_none() || fact.lon.is_none() {
        (fact.lat, fact.lon) = (place.lat.map(two_places), place.lon.map(two_places));
    }
}

/// The client's own position goes, or what is no position.
pub fn without_position(fact: &mut Fact) {
    (fact.lat, fact.lon) = (None, None);
}

/// Whether the client's position is one.
#[must_use]
pub fn has_position(fact: &Fact) -> bool {
    let within = |value: Option<f64>, bound: f64| value.is_some_and(|value| value.abs() <= bound);
    within(fact.lat, 90.0) && within(fact.lon, 180.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn london() -> Place {
        let text = |text: &str| Some(text.to_owned());
        let (region, city) = (text("England"), text("London"));
        Place {
            country: text("GB"),
            region,
            city,
            lat: Some(51.514_301),
            lon: Some(-0.091_224),
            ..Place::default()
        }
    }

    fn located(said: Option<&str>, zone: Option<&str>, city: Option<&str>) -> Fact {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let mut fact = Fact { country: text(said), tz: text(zone), city: text(city), ..Fact::default() };
        country(&mut fact, &london());
        place(&mut fact, &london());
        fact
    }

    #[rstest]
    #[case(Some("de"), Some("Europe/Paris"), "DE", None)]
    #[case(Some("uk"), None, "GB", Some("London"))]
    #[case(None, Some("Europe/Paris"), "FR", None)]
    #[case(None, Some("Europe/London"), "GB", Some("London"))]
    #[case(Some(" "), Some("Etc/UTC"), "GB", Some("London"))]
    fn the_clients_word_beats_the_time_zone_and_that_the_address(
        #[case] said: Option<&str>,
        #[case] zone: Option<&str>,
        #[case] country: &str,
        #[case] city: Option<&str>,
    ) {
        let fact = located(said, zone, None);
        assert_eq!((fact.country.as_deref(), fact.city.as_deref()), (Some(country), city));
    }

    #[test]
    fn a_place_is_not_put_together_from_two_sources() {
        let fact = located(None, None, Some("Leeds"));
        assert_eq!((fact.region, fact.city.as_deref()), (None, Some("Leeds")));
    }

    #[test]
    fn a_position_from_the_address_has_two_places() {
        let fact = located(None, None, None);
        assert_eq!((fact.lat, fact.lon), (Some(51.51), Some(-0.09)));
    }

    #[rstest]
    #[case(Some(51.5), Some(-0.1), true)]
    #[case(Some(91.0), Some(0.0), false)]
    #[case(Some(f64::NAN), Some(0.0), false)]
    #[case(Some(1.0), None, false)]
    fn a_position_is_two_numbers_on_the_globe(
        #[case] lat: Option<f64>,
        #[case] lon: Option<f64>,
        #[case] is: bool,
    ) {
        assert_eq!(has_position(&Fact { lat, lon, ..Fact::default() }), is);
    }
}
