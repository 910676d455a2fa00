//! What the broker does, and what the client is told of it.

use super::*;
use crate::http::testing::wait_for;

#[rstest]
#[case::down(Broker::Down, "unacknowledged")]
#[case::hanging(Broker::Hanging, "produce_timeout")]
#[tokio::test(start_paused = true)]
async fn without_the_broker_nothing_is_a_success(#[case] broker: Broker, #[case] fault: &str) {
    let tested = edge_with("", broker);
    for body in [r#"{"ename":"a"}"#, r#"[{"ename":"a"},{"ename":"b"}]"#, r#"[{},{"ename":"b"}]"#] {
        let said = tested.post("/tr/v1/tr/", body).await;
        assert_eq!(said.error(), (503, fault.to_owned()));
        assert_eq!(said.header("retry-after"), "5");
    }
    let paid = tested.ask(server("POST", "/tr/v1/ltv/").body(r#"{"revenue":1}"#)).await;
    assert_eq!(paid.error(), (503, fault.to_owned()));
    assert_eq!(tested.get("/ready").await.status, 503);
    assert_eq!(tested.get("/health").await.status, 200);
}

#[tokio::test]
async fn an_edge_whose_topic_is_missing_says_so_in_its_readiness() {
    let tested = edge_with("", Broker::Empty);
    assert_eq!(tested.get("/ready").await.status, 200);
    assert_eq!(
        tested.post("/tr/v1/tr/", r#"{"ename":"a"}"#).await.error(),
        (503, "topic_missing".to_owned())
    );
    let ready = tested.get("/ready").await;
    assert_eq!((ready.status, ready.body.contains("test.events is missing")), (503, true), "{}", ready.body);
}

#[tokio::test]
async fn a_batch_that_the_broker_took_in_part_says_which() {
    let tested = edge_with("", Broker::Failing);
    let said = tested.post("/tr/v1/tr/", r#"[{"ename":"a"},{},{"ename":"b"}]"#).await;
    let json = said.json();
    assert_eq!((said.status, &json["accepted"]), (200, &json!(1)));
    assert_eq!(json["rejected"][0]["reason"], "missing_name");
    assert_eq!(json["rejected"][1]["reason"], "unacknowledged");
    assert_eq!(names(&tested), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_began_goes_on_when_it_goes_away() {
    let tested = edge_with("", Broker::Slow);
    let asked = tested.post("/tr/v1/tr/", r#"{"ename":"a"}"#);
    assert!(tokio::time::timeout(Duration::from_millis(10), asked).await.is_err());
    let kept = wait_for("it is kept", || !names(&tested).is_empty());
    tokio::time::timeout(Duration::from_secs(10), kept).await.expect("it was given up");
}

#[tokio::test]
async fn a_payment_that_no_broker_takes_is_refused_and_not_to_be_sent_again() {
    let tested = edge("");
    let body = format!(r#"{{"revenue":1,"note":"{}"}}"#, "x".repeat(1_040_000));
    let said = tested.ask(server("POST", "/tr/v1/ltv/").body(body)).await;
    assert_eq!(said.error(), (413, "event_too_large".to_owned()));
}
