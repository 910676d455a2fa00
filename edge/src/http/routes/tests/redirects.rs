//! Short links, `/rdr` and `/xrdr`.

use crate::{
    http::testing::{Broker, Said, Tested, edge, edge_with, request},
    links::goal,
};
use rstest::rstest;
use tracker_schemas::{Event, Redirect};

/// An edge that knows these links: address and destination.
fn knowing(tested: Tested, links: &[(&str, &str)]) -> Tested {
    for (address, urlto) in links {
        let (address, urlto) = ((*address).to_owned(), (*urlto).to_owned());
        let link = Redirect { urlfrom: format!("https://{address}"), address, urlto, ..Redirect::default() };
        tested.edge.redirects.links.table().put(&link);
    }
    tested
}

const LINKS: &[(&str, &str)] = &[
    ("sho.example/spring", "https://shop.example.com/sale?season=spring"),
    (
        "sho.example/mail",
        "https://tr.example.com/tr/v1/rdr/?url=https%3A%2F%2Fshop.example.com%2F&utm_source=mail&rid=x",
    ),
];

async fn visit(tested: &Tested, method: &str, path: &str) -> Said {
    tested
        .ask(request(method, path).header("host", "Sho.Example:8443").header("cookie", "CookieConsent=5377"))
        .await
}

/// The events that are recorded, when that is over.
async fn recorded(tested: &Tested) -> Vec<Event> {
    tested.edge.redirects.under_way.end(std::time::Duration::from_secs(20)).await;
    tested.events.records()
}

#[rstest]
#[case::get("GET", "/spring")]
#[case::head("HEAD", "/spring")]
#[case::capitals("GET", "/Spring")]
#[case::slash("GET", "/spring/")]
#[tokio::test]
async fn a_link_is_followed_and_recorded(#[case] method: &str, #[case] path: &str) {
    let tested = knowing(edge(""), LINKS);
    let said = visit(&tested, method, &format!("{path}?utm_source=poster&ename=forged")).await;
    assert_eq!((said.status, said.header("location")), (302, "https://shop.example.com/sale?season=spring"));
    assert_eq!((said.header("cache-control"), said.body.as_str()), ("no-store", ""));
    let vid = said.header("set-cookie").strip_prefix("vid=").unwrap().get(..36).unwrap().to_owned();
    let [event] = &recorded(&tested).await[..] else { panic!("one event") };
    assert_eq!(
        (event.fact.ename.as_deref(), event.fact.etyp.as_deref()),
        (Some("short_rdr"), Some("redirect"))
    );
    assert_eq!(event.fact.url.as_deref(), Some("https://shop.example.com/sale?season=spring"));
    assert_eq!(
        event.fact.source.as_deref(),
        Some("poster"),
        "the visitor's words count where the link has none"
    );
    assert_eq!(event.fact.vid.unwrap().to_string(), vid, "the event has the id that the cookie sets");
    assert!(event.fact.params.as_ref().unwrap().0.contains("sho.example/spring"), "{:?}", event.fact.params);
}

#[tokio::test]
async fn a_link_to_a_redirect_goes_straight_to_its_end_even_when_its_event_is_refused() {
    let tested = knowing(edge(""), LINKS);
    let said = visit(&tested, "GET", "/mail").await;
    assert_eq!((said.status, said.header("location")), (302, "https://shop.example.com/"));
    assert_eq!(recorded(&tested).await.len(), 0, "its `rid` is no UUID");
}

#[rstest]
#[case::down(Broker::Down)]
#[case::hanging(Broker::Hanging)]
#[tokio::test]
async fn a_broker_that_is_away_holds_nobody_up(#[case] broker: Broker) {
    let tested = knowing(edge_with("", broker), LINKS);
    let said =
        tokio::time::timeout(std::time::Duration::from_secs(30), visit(&tested, "GET", "/spring")).await;
    assert_eq!(said.unwrap().status, 302);
}

#[rstest]
#[case::unknown("GET", "/summer", 404)]
#[case::root("GET", "/", 404)]
#[case::other_method("POST", "/spring", 405)]
#[case::other_method_unknown("POST", "/summer", 404)]
#[case::asked_what_it_takes("OPTIONS", "/spring", 204)]
#[tokio::test]
async fn what_is_no_link_is_not_found(#[case] method: &str, #[case] path: &str, #[case] status: u16) {
    let tested = knowing(edge(""), LINKS);
    let said = visit(&tested, method, path).await;
    assert_eq!(said.status, status);
    assert_eq!(said.header("allow"), if matches!(status, 204 | 405) { "GET, HEAD, OPTIONS" } else { "" });
    assert_eq!(recorded(&tested).await.len(), 0);
    assert!(tested.redirects.messages().is_empty(), "nobody changed a link");
}

#[tokio::test]
async fn another_host_has_other_links() {
    let tested = knowing(edge(""), LINKS);
    assert_eq!(tested.ask(request("GET", "/spring").header("host", "other.example")).await.status, 404);
}

#[rstest]
#[case::same_site("https%3A%2F%2Fwww.example.com%2Fa", "https://www.example.com/a")]
#[case::other_site("https%3A%2F%2Fevil.example%2F", "/sorry")]
#[case::no_scheme("%2F%2Fevil.example", "/sorry")]
#[case::crlf("https%3A%2F%2Fwww.example.com%2F%0D%0ASet-Cookie%3Aa%3Db", "/sorry")]
#[case::script("javascript%3Aalert(1)", "/sorry")]
#[case::twice_encoded("https%253A%252F%252Fwww.example.com%252F", "/sorry")]
#[case::empty("", "/sorry")]
#[tokio::test]
async fn a_redirect_leads_within_the_site_or_to_the_default(#[case] url: &str, #[case] sent: &str) {
    let tested = edge("default_redirect = \"/sorry\"");
    let path = format!("/tr/v1/rdr/?url={url}&ename=click");
    let said = tested.ask(request("GET", &path).header("host", "tr.example.com")).await;
    assert_eq!((said.status, said.header("location"), said.header("set-cookie")), (302, sent, ""));
    assert_eq!(recorded(&tested).await.len(), 1, "followed or not, it was asked for");
}

#[tokio::test]
async fn a_signed_redirect_leads_anywhere_and_the_signature_is_no_field() {
    let tested = edge("redirect_hosts = [\"shop.example\"]");
    let url = "https://partner.example/offer?a=b";
    let signature = goal::sign(&tested.edge.collector.keys.now().hash_key, url);
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("url", url), ("sig", &signature), ("utm_source", "mail")])
        .finish();
    let said = tested.get(&format!("/tr/v1/rdr/?{query}")).await;
    assert_eq!((said.status, said.header("location")), (302, url));
    let forged = query.replace("offer", "other");
    assert_eq!(tested.get(&format!("/tr/v1/rdr/?{forged}")).await.header("location"), "/");
    let events = recorded(&tested).await;
    assert_eq!(
        (events[0].fact.ename.as_deref(), events[0].fact.etyp.as_deref()),
        (Some("rdr"), Some("redirect"))
    );
    assert_eq!((events[0].fact.source.as_deref(), events[0].fact.params.as_ref()), (Some("mail"), None));
}

#[tokio::test]
async fn the_other_redirect_sets_cookies() {
    let tested = edge("");
    let path = "/tr/v1/xrdr/ename/click/?url=https%3A%2F%2Fwww.example.com%2F&cflags=5377";
    let said = tested.ask(request("GET", path).header("host", "tr.example.com")).await;
    assert_eq!((said.status, said.header("location")), (302, "https://www.example.com/"));
    assert!(said.header("set-cookie").starts_with("vid="), "{}", said.header("set-cookie"));
    assert_eq!(recorded(&tested).await[0].fact.ename.as_deref(), Some("click"));
}
