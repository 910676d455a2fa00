use super::*;
use rstest::rstest;
use tracker_schemas::{Fact, JsonText, consent::ALL};
use tracker_stream::config::Settings;
use uuid::Uuid;

fn privacy() -> Privacy {
    with("").unwrap()
}

fn with(section: &str) -> Result<Privacy, Mistakes> {
    let text = format!("[privacy]\n{section}");
    let settings = Settings::merge(&text, "", std::iter::empty()).unwrap();
    Privacy::read(&settings)
}

/// Every field that the defaults can remove, and some that stay.
fn full(consent: i64) -> Enriched {
    let text = || Some("x".to_owned());
    let id = Some(Uuid::from_u128(1));
    let fact = Fact {
        vid: id,
        sid: id,
        uid: id,
        oid: id,
        ehash: text(),
        chash: text(),
        uhash: text(),
        zip: text(),
        lat: Some(1.0),
        lon: Some(1.0),
        city: text(),
        region: text(),
        country: text(),
        gaid: text(),
        idfa: text(),
        msid: text(),
        fbid: text(),
        gclid: text(),
        fbclid: text(),
        msclkid: text(),
        ttclid: text(),
        li_fat_id: text(),
        twclid: text(),
        aff: text(),
        campaign: text(),
        params: Some(JsonText(r#"{"vid":"ann","color":"red"}"#.to_owned())),
        ..Fact::default()
    };
    Enriched { fact, consent, iphash: text(), ip: text(), ..Enriched::default() }
}

const STATISTICAL: &str = "vid sid uid ehash chash uhash zip lat lon city";
const ADVERTISING: &str = "gaid idfa msid fbid gclid fbclid msclkid ttclid li_fat_id twclid aff";
const ALWAYS: &str = "oid region country campaign params iphash ip";

/// The names of the fields that are not empty, in no order.
fn left(event: &Enriched) -> Vec<String> {
    let json = serde_json::to_value(event).unwrap();
    let names = [STATISTICAL, ADVERTISING, ALWAYS].map(|names| names.split(' ').collect::<Vec<_>>()).concat();
    names.into_iter().filter(|name| !json[name].is_null()).map(str::to_owned).collect()
}

#[rstest]
#[case::a_signal_of_all(Some(5377), Some("DE"), false, 5377, &[STATISTICAL, ADVERTISING])]
#[case::a_signal_of_statistics(Some(1025), Some("US"), false, 1025, &[STATISTICAL])]
#[case::a_signal_of_marketing(Some(4097), Some("DE"), false, 4097, &[ADVERTISING])]
#[case::a_signal_of_the_necessary(Some(1), Some("US"), false, 1, &[])]
#[case::a_signal_of_nothing(Some(0), Some("US"), false, 0, &[])]
#[case::an_opt_out_beats_a_signal(Some(5377), Some("US"), true, 1281, &[STATISTICAL])]
#[case::no_signal_where_one_opts_in(None, Some("DE"), false, 1, &[])]
#[case::no_signal_elsewhere(None, Some("US"), false, 5377, &[STATISTICAL, ADVERTISING])]
#[case::no_signal_but_an_opt_out(None, Some("US"), true, 1281, &[STATISTICAL])]
#[case::no_signal_and_no_country(None, None, false, 1, &[])]
#[case::no_signal_and_a_word_that_is_no_country(None, Some("MARS"), false, 1, &[])]
fn consent_decides_what_is_left(
    #[case] signal: Option<i64>,
    #[case] country: Option<&str>,
    #[case] opt_out: bool,
    #[case] in_force: i64,
    #[case] allowed: &[&str],
) {
    let privacy = privacy();
    let consent = privacy.defaults.in_force(signal, country, opt_out);
    assert_eq!(consent, in_force);
    let mut event = full(consent);
    privacy.filter(&mut event);
    let expected: Vec<String> =
        allowed.iter().chain(&[ALWAYS]).flat_map(|names| names.split(' ')).map(str::to_owned).collect();
    assert_eq!(left(&event), expected);
}

#[test]
fn a_removed_field_does_not_stay_in_params() {
    let mut event = full(1);
    privacy().filter(&mut event);
    assert_eq!(event.fact.params, Some(JsonText(r#"{"color":"red"}"#.to_owned())));
}

#[test]
fn any_field_can_be_put_on_a_list() {
    let privacy = with("without_preferences = [\"culture\", \"user_agent\", \"ref\"]").unwrap();
    let mut event =
        Enriched { user_agent: Some("x".to_owned()), consent: ALL & !PREFERENCES, ..Enriched::default() };
    event.fact.r#ref = Some("x".to_owned());
    privacy.filter(&mut event);
    assert_eq!((event.user_agent, event.fact.r#ref), (None, None));
}

#[test]
fn all_mistakes_are_reported_together() {
    let section = "opt_in_countries = [\"DEU\"]\ndefault_unknown = 3\nwithout_statistics = [\"vidd\", \"eid\"]\nwithout_marketing = [\"channel\"]";
    let mistakes = with(section).unwrap_err();
    let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
    let statistics = "privacy.without_statistics";
    assert_eq!(
        keys,
        [
            "privacy.opt_in_countries",
            "privacy.default_unknown",
            statistics,
            statistics,
            "privacy.without_marketing"
        ]
    );
    assert!(
        mistakes.to_string().contains("`vidd`, which cannot be removed; these can: vid, sid,"),
        "{mistakes}"
    );
}
