//! Which scripts may send, and where to.

use super::*;

fn preflight(path: &str, origin: &str) -> RequestBuilder {
    request("OPTIONS", path).header("origin", origin).header("access-control-request-method", "POST")
}

#[tokio::test]
async fn any_origin_may_send_without_credentials() {
    let tested = edge("");
    let said = tested.ask(preflight("/tr/v1/tr/", "https://a.example")).await;
    assert_eq!(said.status, 204);
    assert_eq!(said.header("access-control-allow-origin"), "*");
    assert_eq!(said.header("access-control-allow-methods"), "POST, GET, HEAD, OPTIONS");
    assert_eq!(
        said.header("access-control-allow-headers"),
        "Content-Type, Content-Encoding, Authorization, User"
    );
    assert_eq!(said.header("access-control-max-age"), "86400");
    assert_eq!(said.header("access-control-allow-credentials"), "");
    let refused =
        tested.ask(request("POST", "/tr/v1/tr/").header("origin", "https://a.example").body("{}")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (400, "*"));
    assert!(refused.header("access-control-expose-headers").contains("Retry-After"));
}

#[tokio::test]
async fn segments_script_may_count_its_attempts() {
    let said = edge("").ask(preflight("/v1/t", "https://a.example")).await;
    assert!(said.header("access-control-allow-headers").ends_with(", X-Retry-Count"), "{:?}", said.headers);
}

#[rstest]
#[case::listed("https://a.example", "https://a.example", "true")]
#[case::other("https://b.example", "", "")]
#[tokio::test]
async fn listed_origins_may_send_with_credentials(
    #[case] origin: &str,
    #[case] allowed: &str,
    #[case] credentials: &str,
) {
    let tested = edge("allowed_origins = [\"https://a.example\"]");
    let said = tested.ask(preflight("/tr/v1/tr/", origin)).await;
    assert_eq!(said.header("access-control-allow-origin"), allowed);
    assert_eq!(said.header("access-control-allow-credentials"), credentials);
    assert_eq!(said.header("access-control-allow-methods").is_empty(), allowed.is_empty());
    assert!(said.header("vary").contains("Origin"));
}

#[rstest]
#[case("/tr/v1/str/")]
#[case("/tr/v1/ltv/")]
#[case("/status")]
#[case("/metrics")]
#[tokio::test]
async fn private_routes_are_open_to_no_script(#[case] path: &str) {
    let tested = edge("");
    let said = tested.ask(preflight(path, "https://a.example")).await;
    assert_eq!(said.status, 204);
    assert!(!said.header("allow").is_empty());
    assert!(
        said.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
        "{:?}",
        said.headers
    );
}
