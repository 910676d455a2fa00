//! Decimals, instants, JSON texts and bytes, as text and as JSON.

use crate::{Bytes, Datum, Decimal, DecimalError, JsonText, Timestamp, Topic};
use proptest::prelude::*;
use rstest::rstest;
use std::str::FromStr;

#[rstest]
#[case("0", 0)]
#[case("-0", 0)]
#[case("12.5", 125_000)]
#[case("-12.5", -125_000)]
#[case("+1", 10_000)]
#[case(" 7 ", 70_000)]
#[case(".5", 5_000)]
#[case("5.", 50_000)]
#[case("0.0001", 1)]
#[case("1e3", 10_000_000)]
#[case("1.5E-3", 15)]
#[case("1.50000000", 15_000)]
#[case("0e999999999", 0)]
#[case("000000000000000000000000000001", 10_000)]
#[case("999999999999999999.9999", 9_999_999_999_999_999_999_999)]
fn a_decimal_is_read_exactly(#[case] text: &str, #[case] units: i128) {
    assert_eq!(Decimal::from_str(text), Ok(Decimal::from_units(units)));
}

#[rstest]
#[case("", DecimalError::NotANumber)]
#[case(".", DecimalError::NotANumber)]
#[case("-", DecimalError::NotANumber)]
#[case("--1", DecimalError::NotANumber)]
#[case("1,5", DecimalError::NotANumber)]
#[case("0x10", DecimalError::NotANumber)]
#[case("NaN", DecimalError::NotANumber)]
#[case("Infinity", DecimalError::NotANumber)]
#[case("1e", DecimalError::NotANumber)]
#[case("1e99999999999", DecimalError::NotANumber)]
#[case("١", DecimalError::NotANumber)]
#[case("0.00001", DecimalError::TooPrecise)]
#[case("1e-5", DecimalError::TooPrecise)]
#[case("1e-2147483648", DecimalError::TooPrecise)]
#[case("1000000000000000000", DecimalError::TooLarge)]
#[case("1e2147483647", DecimalError::TooLarge)]
fn what_is_no_decimal_says_why(#[case] text: &str, #[case] error: DecimalError) {
    assert_eq!(Decimal::from_str(text), Err(error));
}

proptest! {
    #[test]
    fn a_decimal_and_its_text_are_the_same(units in -(10_i128.pow(22) - 1)..10_i128.pow(22)) {
        let decimal = Decimal::from_units(units);
        prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
    }

    #[test]
    fn any_text_is_a_decimal_or_says_why(text in "[-+0-9.eE]{0,40}") {
        if let Ok(decimal) = Decimal::from_str(&text) {
            prop_assert!(decimal.units().abs() < 10_i128.pow(22));
        }
    }

    #[test]
    fn an_instant_and_its_text_are_the_same(ms in -62_167_219_200_000_i64..253_402_300_800_000) {
        prop_assert_eq!(Timestamp::parse_rfc3339(&Timestamp(ms).to_string()), Some(Timestamp(ms)));
    }

    #[test]
    fn bytes_and_their_text_are_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let bytes = Bytes(bytes);
        let json = serde_json::to_string(&bytes).unwrap();
        prop_assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap(), bytes);
    }
}

#[test]
fn the_largest_decimals_survive_their_encoding() {
    for units in [i128::MIN, i128::MAX, 0, -1, 127, 128, -128, -129, 32_767, 32_768] {
        let mut bytes = Vec::new();
        Decimal::from_units(units).write(&mut bytes);
        assert_eq!(Decimal::read(&mut bytes.as_slice()).unwrap().units(), units);
    }
}

#[rstest]
#[case("2026-11-24T08:00:00Z", "2026-11-24T08:00:00.000Z")]
#[case("2026-11-24T08:00:00.5+01:00", "2026-11-24T07:00:00.500Z")]
#[case("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z")]
fn an_instant_is_written_in_utc_with_three_places(#[case] given: &str, #[case] written: &str) {
    assert_eq!(Timestamp::parse_rfc3339(given).unwrap().to_string(), written);
}

#[rstest]
#[case("2026-11-24")]
#[case("2026-13-01T00:00:00Z")]
#[case("yesterday")]
fn what_is_no_instant_is_none(#[case] text: &str) {
    assert_eq!(Timestamp::parse_rfc3339(text), None);
}

#[test]
fn instants_beyond_the_calendar_are_still_written() {
    assert_eq!(Timestamp(i64::MAX).to_string(), format!("{}ms", i64::MAX));
    assert_eq!(Timestamp(i64::MIN).to_string(), format!("{}ms", i64::MIN));
}

#[test]
fn the_day_of_an_instant_before_1970_is_negative() {
    assert_eq!([Timestamp(-1).day(), Timestamp(0).day(), Timestamp(86_400_000).day()], [-1, 0, 1]);
}

#[rstest]
#[case::object(r#"{"b":1,"a":12345678901234567890123.10}"#, r#"{"b":1,"a":12345678901234567890123.10}"#)]
#[case::broken("{not json", r#""{not json""#)]
#[case::nothing("", r#""""#)]
fn a_json_text_is_written_letter_for_letter(#[case] text: &str, #[case] written: &str) {
    assert_eq!(serde_json::to_string(&JsonText(text.to_owned())).unwrap(), written);
}

#[test]
fn bytes_that_are_no_text_are_written_in_hex() {
    assert_eq!(serde_json::to_string(&Bytes(vec![0xff, 0x0a])).unwrap(), r#""hex:ff0a""#);
    assert_eq!(serde_json::to_string(&Bytes(b"hex:".to_vec())).unwrap(), r#""hex:6865783a""#);
    assert!(serde_json::from_str::<Bytes>(r#""hex:f""#).is_err());
    assert!(serde_json::from_str::<Bytes>(r#""hex:zz""#).is_err());
}

#[test]
fn a_topic_is_found_by_its_name_only() {
    for topic in Topic::ALL {
        assert_eq!(topic.name().parse::<Topic>(), Ok(topic));
    }
    assert!("tracker.events".parse::<Topic>().unwrap_err().to_string().contains("events, enriched"));
}
