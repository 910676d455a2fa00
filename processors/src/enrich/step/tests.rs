use super::*;
use proptest::prelude::*;
use std::{path::PathBuf, sync::LazyLock};
use tracker_geo::Geo;
use tracker_schemas::{JsonText, Kind, consent::ALL, examples};
use tracker_stream::config::Settings;
use uuid::Uuid;

static LOOKUPS: LazyLock<Lookups> = LazyLock::new(lookups);

fn lookups() -> Lookups {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../geo/fixtures");
    let settings = Settings::merge("", "", std::iter::empty()).unwrap();
    Lookups {
        places: Places::new(Arc::new(Geo::open(
            &["city-ipv4.mmdb", "city-ipv6.mmdb", "asn.mmdb"].map(|name| fixtures.join(name)),
        ))),
        agents: Agents::new(1000),
        referrers: Referrers::new(),
        privacy: Privacy::read(&settings).unwrap(),
        address_hash: AddressHash::new(&[7; 32]),
        addresses: Addresses::Truncated,
    }
}

fn enriched(event: Event) -> Enriched {
    enrich(event, &LOOKUPS, Timestamp(1_767_225_600_000))
}

#[test]
fn every_example_becomes_what_it_should() {
    for (case, event) in examples::all::<Event>() {
        let mut json = serde_json::to_value(enriched(event)).unwrap();
        // What is not there says nothing in a snapshot of 90 fields.
        json.as_object_mut().unwrap().retain(|_, value| !value.is_null() && *value != serde_json::json!([]));
        insta::assert_json_snapshot!(case, json);
    }
}

fn client(ip: &str) -> Event {
    let fact = Fact { eid: Uuid::from_u128(7), cflags: Some(ALL), ..Fact::default() };
    Event { fact, ip: Some(ip.to_owned()), ..Event::default() }
}

#[test]
fn the_client_position_is_kept_with_the_statistics_bit_only() {
    let at = |cflags| {
        let mut event = client("81.2.69.7");
        (event.fact.lat, event.fact.lon, event.fact.cflags) =
            (Some(51.123_456), Some(-0.123_456), Some(cflags));
        let mut lookups = lookups();
        lookups.privacy = Privacy::read(
            &Settings::merge("[privacy]\nwithout_statistics = []", "", std::iter::empty()).unwrap(),
        )
        .unwrap();
        enrich(event, &lookups, Timestamp(0)).fact.lat
    };
    assert_eq!(at(ALL), Some(51.123_456));
    assert_eq!(at(1), Some(51.51), "the address says where, to two places");
}

#[test]
fn no_field_holds_the_whole_address() {
    for whole in ["81.2.69.177", "::ffff:81.2.69.177", "2001:db8::aaaa:bbbb"] {
        let mut event = client(whole);
        event.fact.params = Some(JsonText(format!(r#"{{"color":"red","IP":"{whole}"}}"#)));
        let event = enriched(event);
        assert_eq!(event.fact.params, Some(JsonText(r#"{"color":"red"}"#.to_owned())));
        let json = serde_json::to_string(&event).unwrap();
        assert!(!json.contains(whole) && !json.contains("81.2.69.177"), "{json}");
    }
    assert_eq!(enriched(client("::ffff:81.2.69.177")).ip.as_deref(), Some("81.2.69.0"));
    let whole = Lookups { addresses: Addresses::Whole, ..lookups() };
    assert_eq!(enrich(client("81.2.69.177"), &whole, Timestamp(0)).ip.as_deref(), Some("81.2.69.177"));
}

#[test]
fn the_clients_word_for_its_device_beats_the_user_agent() {
    let mut event = client("81.2.69.7");
    event.user_agent =
        Some("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0".to_owned());
    (event.fact.device, event.fact.culture) = (Some("Kiosk".to_owned()), Some("fr-CA".to_owned()));
    event.accept_language = Some("en-US".to_owned());
    let fact = enriched(event).fact;
    assert_eq!(fact.device.as_deref(), Some("Kiosk"));
    assert_eq!(fact.culture.as_deref(), Some("fr-CA"));
    assert_eq!(fact.browser.as_deref(), Some("Firefox"));
}

#[test]
fn a_server_event_needs_no_user_agent() {
    let mut event = client("81.2.69.7");
    assert_eq!(enriched(event.clone()).bot_reason.as_deref(), Some("no_user_agent"));
    event.fact.kind = Kind::Server;
    assert!(!enriched(event).bot);
}

/// Texts that people, programs and attackers send.
fn text() -> impl Strategy<Value = Option<String>> {
    let likely = prop::sample::select(vec![
        "https://www.google.com/search?q=a",
        "http://[::1",
        "://",
        "http://@:/?#",
        "android-app://",
        "DE",
        "Europe/Paris",
        "81.2.69.7",
        "::ffff:81.2.69.7",
        "cpc",
        "chatgpt.com",
        "Mozilla/5.0 (iPhone;",
        "{\"vid\":1}",
        "{",
        "en-US;q=",
        "é".repeat(600).leak(),
    ]);
    prop::option::of(prop_oneof![likely.prop_map(str::to_owned), any::<String>()])
}

prop_compose! {
    fn event()(
        texts in prop::collection::vec(text(), 16),
        numbers in prop::array::uniform3(any::<i64>()),
        position in prop::array::uniform2(prop::option::of(any::<f64>())),
        cflags in prop::option::of(any::<i64>()),
        vid in prop::option::of(any::<u128>()),
        opt_out in any::<bool>(),
    ) -> Event {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().flatten();
        let fact = Fact {
            vid: vid.map(Uuid::from_u128),
            url: text(),
            last: text(),
            country: text(),
            tz: text(),
            device: text(),
            source: text(),
            medium: text(),
            gclid: text(),
            host: text(),
            params: text().map(JsonText),
            city: text(),
            lat: position[0],
            lon: position[1],
            cflags,
            created_at: Timestamp(numbers[0]),
            received_at: Timestamp(numbers[1]),
            ..Fact::default()
        };
        Event { fact, ip: text(), opt_out, user_agent: text(), accept_language: text(), referer: text() }
    }
}

proptest! {
    #[test]
    fn any_event_is_enriched_and_consent_holds(event in event()) {
        let (signal, opt_out) = (event.fact.cflags, event.opt_out);
        let enriched = enriched(event);
        prop_assert!(!enriched.channel.is_empty());
        prop_assert_eq!(enriched.bot, enriched.bot_reason.is_some());
        if enriched.consent & STATISTICS == 0 {
            prop_assert_eq!((enriched.fact.vid, enriched.fact.city, enriched.fact.lat), (None, None, None));
        }
        if opt_out {
            prop_assert_eq!(enriched.consent & 4096, 0);
            prop_assert_eq!(enriched.fact.gclid, None);
        } else if let Some(signal) = signal {
            prop_assert_eq!(enriched.consent, signal);
        }
    }
}
