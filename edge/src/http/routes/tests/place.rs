//! Where an address is, and which laws there are.

use super::{visitor::located, *};

async fn ask(tested: &Tested, query: &str, caller: &str) -> (u16, Value) {
    let asked = request("GET", &format!("/tr/v1/ppi/geoip{query}")).header("x-forwarded-for", caller);
    let said = tested.ask(asked).await;
    (said.status, said.json())
}

#[tokio::test]
async fn an_address_is_located_and_without_one_the_caller_is() {
    let tested = located("");
    let london = json!({
        "iso2": "GB", "country": "United Kingdom", "region": "England", "city": "London",
        "lat": 51.51, "lon": -0.09, "zip": null, "tz": null,
    });
    for (query, caller) in
        [("?ip=81.2.69.177", "8.8.8.8"), ("", "81.2.69.177"), ("?IP=%3A%3Affff%3A81.2.69.1", "")]
    {
        assert_eq!(ask(&tested, query, caller).await, (200, london.clone()), "{query}");
    }
    let (_, california) = ask(&tested, "?ip=8.8.8.8", "").await;
    assert_eq!((&california["iso2"], &california["country"]), (&json!("US"), &json!("United States")));
    assert!(tested.events.messages().is_empty(), "a question is no event");
}

#[rstest]
#[case::no_address("?ip=here", 400, "invalid_address")]
#[case::a_host("?ip=localhost", 400, "invalid_address")]
#[case::with_a_port("?ip=81.2.69.177:80", 400, "invalid_address")]
#[case::no_text("?ip=%ff", 400, "invalid_text")]
#[case::unknown("?ip=127.0.0.1", 404, "unknown_address")]
#[case::unknown_ipv6("?ip=::1", 404, "unknown_address")]
#[tokio::test]
async fn what_cannot_be_located_says_why(#[case] query: &str, #[case] status: u16, #[case] tag: &str) {
    let (said, error) = ask(&located(""), query, "").await;
    assert_eq!((said, error["error"].as_str()), (status, Some(tag)));
}

#[tokio::test]
async fn without_a_database_there_is_no_answer_yet() {
    let tested = edge("geoip_city = [\"/not/there.mmdb\"]");
    let said = tested.get("/tr/v1/ppi/geoip?ip=81.2.69.177").await;
    assert_eq!(said.error(), (503, "no_geoip_database".to_owned()));
    assert!(!said.header("retry-after").is_empty());
    assert_eq!(ask(&tested, "?ip=here", "").await.0, 400, "a wrong question is wrong all the same");
}

#[tokio::test]
async fn the_laws_are_told_to_any_script() {
    let asked = request("GET", "/tr/v1/ppi/jds").header("origin", "https://a.example");
    let said = edge("").ask(asked).await;
    assert_eq!((said.status, said.header("content-type")), (200, "application/json"));
    assert_eq!(said.header("access-control-allow-origin"), "*");
    let laws = said.json();
    let gdpr = laws.as_array().unwrap().iter().find(|law| law["regulation"] == "GDPR").unwrap();
    for key in ["compliance", "seq", "rules", "locs"] {
        assert!(!gdpr[key].is_null(), "{key}");
    }
    assert!(gdpr["locs"].as_array().unwrap().contains(&json!("DE")));
}
