use super::{refused::Asked, *};
use crate::{
    answer::{Denied, Ended, Taken},
    collect::Route,
    config::MicroConfig,
    keep::{Keep, Kept},
    links::{Links, Table},
    request::{Request, Scheme},
};
use http::{HeaderMap, Method};
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;
use tracker_schemas::{Encoder, Event, Redirect, Timestamp, examples};
use tracker_stream::{
    envelope::Headers,
    fault::{Fault, Refusal},
    kafka::Outgoing,
};
use uuid::Uuid;

fn store(most: usize) -> Arc<Store> {
    Arc::new(Store::new(MicroConfig { most, bytes: 1 << 20 }))
}

fn good(id: u128, test: Option<&str>, record: &str) -> Good {
    let record = RawValue::from_string(record.to_owned()).unwrap();
    let test_id = test.map(str::to_owned);
    Good {
        topic: "t.events".into(),
        key: id.to_string(),
        at: Timestamp(0),
        test_id,
        record,
        id: Uuid::from_u128(id),
    }
}

fn keys(store: &Store, test: Option<&str>) -> Vec<String> {
    store.good(test).iter().map(|good| good.key.clone()).collect()
}

fn request(query: &str) -> Request {
    Request {
        peer: ([127, 0, 0, 1], 1).into(),
        scheme: Scheme::Http,
        method: Method::POST,
        pairs: String::new(),
        query: query.to_owned(),
        headers: HeaderMap::new(),
    }
}

fn refused(reason: &'static str) -> Ended {
    Ended::Refused(Refusal::new(reason, "change it"))
}

/// What the store tells of the refusals of such a request.
fn told(store: &Store, query: &str, body: &str, taken: &Result<Taken, Denied>) -> Vec<Value> {
    let (request, mut seen) = (request(query), Seen::wanted());
    seen.note(body.as_bytes());
    store.note(&Asked { request: &request, route: Route::Client, seen: &seen, at: Timestamp(0) }, taken);
    store.bad(None).iter().map(|bad| serde_json::to_value(bad.as_ref()).unwrap()).collect()
}

#[test]
fn the_newest_are_kept_and_the_others_counted() {
    let store = store(2);
    (1..=3).for_each(|id| store.accept(good(id, None, "{}")));
    assert_eq!(keys(&store, None), ["2", "3"]);
    let fell_out = FellOut { good: 1, bad: 0 };
    assert_eq!(store.counts(None), Counts { total: 2, good: 2, bad: 0, fell_out });
}

#[test]
fn bytes_are_a_bound_too_whatever_the_number() {
    let store = store(1000);
    let long = format!("\"{}\"", "x".repeat(300_000));
    (1..=5).for_each(|id| store.accept(good(id, None, &long)));
    assert_eq!(keys(&store, None), ["3", "4", "5"]);
    store.accept(good(6, None, &format!("\"{}\"", "x".repeat(2 << 20))));
    assert_eq!(keys(&store, None).len(), 0, "what is longer than all room is not kept either");
    assert_eq!(store.counts(None).fell_out.good, 6);
    store.accept(good(7, None, &long));
    assert_eq!(keys(&store, None), ["7"]);
}

#[test]
fn a_name_that_is_given_later_needs_room_too() {
    let store = store(1000);
    let long = format!("\"{}\"", "x".repeat(520_000));
    (1..=2).for_each(|id| store.accept(good(id, None, &long)));
    assert_eq!(keys(&store, None), ["1", "2"]);
    let kept = vec![Ended::Kept(Uuid::from_u128(2))];
    let query = format!("test_id={}", "t".repeat(20_000));
    told(&store, &query, "", &Ok(Taken { fates: kept, single: true }));
    assert_eq!(keys(&store, None), ["2"]);
    assert_eq!(store.counts(None).fell_out.good, 1);
}

#[test]
fn a_test_sees_counts_and_forgets_its_own_alone() {
    let store = store(10);
    store.accept(good(1, Some("a"), "{}"));
    store.accept(good(2, Some("b"), "{}"));
    store.accept(good(3, None, "{}"));
    assert_eq!(keys(&store, Some("a")), ["1"]);
    assert_eq!(store.counts(Some("b")).total, 1);
    assert_eq!(store.reset(Some("a")).total, 0);
    assert_eq!(keys(&store, None), ["2", "3"]);
    store.reset(None);
    assert_eq!(store.counts(None).total, 0);
}

#[test]
fn the_query_names_what_does_not_name_itself() {
    let store = store(10);
    store.accept(good(1, Some("own"), "{}"));
    store.accept(good(2, None, "{}"));
    store.accept(good(3, None, "{}"));
    let kept = [1, 2].map(|id| Ended::Kept(Uuid::from_u128(id))).to_vec();
    told(&store, "test_id=asked", "", &Ok(Taken { fates: kept, single: false }));
    assert_eq!(keys(&store, Some("own")), ["1"]);
    assert_eq!(keys(&store, Some("asked")), ["2"]);
}

#[test]
fn what_was_wrong_is_shown_with_its_reason_and_its_part_of_the_body() {
    let store = store(10);
    let body = r#"[{"ename":"a"},{"rid":"no","test_id":"t"},{"x":2.50}]"#;
    let fates =
        vec![Ended::Kept(Uuid::nil()), refused("invalid_uuid"), Ended::Unkept(Fault::new("away", ""))];
    let shown = told(&store, "test_id=q", body, &Ok(Taken { fates, single: false }));
    let expected = json!([{
        "reason": "invalid_uuid", "detail": "change it", "route": "tr", "at": "1970-01-01T00:00:00.000Z",
        "test_id": "t", "method": "POST", "path": "", "query": "test_id=q",
        "input": { "rid": "no", "test_id": "t" },
    }]);
    assert_eq!(Value::from(shown), expected);
}

#[test]
fn a_request_that_was_refused_as_a_whole_is_shown_as_it_came() {
    let store = store(10);
    let malformed = Err(Denied::Refused(Refusal::new("malformed", "no JSON")));
    let shown = told(&store, "test_id=q", "{\"a\":", &malformed);
    assert_eq!((&shown[0]["input"], &shown[0]["test_id"]), (&json!("{\"a\":"), &json!("q")));
    let unread = told(&store, "", "", &malformed);
    assert_eq!((&unread[1]["input"], &unread[1]["test_id"]), (&Value::Null, &Value::Null));
    let full = Err(Denied::Unkept(Fault::new("inflight_full", "")));
    assert_eq!(told(&store, "", "", &full).len(), 2, "what may be sent again was not refused");
}

#[tokio::test]
async fn what_is_shown_was_read_from_the_bytes_that_would_have_been_produced() {
    let store = store(10);
    let event: Event = examples::one("every_field");
    let encoder = Encoder::single_object();
    let message = |payload| Outgoing {
        topic: "t.events".into(),
        key: b"k".to_vec(),
        payload,
        headers: Headers::new(),
        timestamp_ms: 7,
    };
    let keep = InMemory::of::<Event>(&store);
    let verdicts = keep.keep(&[message(encoder.encode(&event)), message(b"rubbish".to_vec())]).await;
    assert_eq!(verdicts[0], Ok(Kept::Memory));
    assert_eq!(verdicts[1].as_ref().unwrap_err().tag, "unreadable");
    let [shown] = &store.good(None)[..] else { panic!("one") };
    assert_eq!((shown.topic.as_ref(), shown.key.as_str(), shown.at), ("t.events", "k", Timestamp(7)));
    assert_eq!(serde_json::from_str::<Event>(shown.record.get()).unwrap(), event);
}

#[tokio::test]
async fn a_link_can_be_followed_as_soon_as_it_is_kept() {
    let (store, links) = (store(10), Arc::new(Links::default()));
    links.replace(Table::default());
    let link: Redirect = examples::one("plain");
    let message = Outgoing {
        topic: "t.redirects".into(),
        key: link.address.clone().into_bytes(),
        payload: Encoder::single_object().encode(&link),
        headers: Headers::new(),
        timestamp_ms: 7,
    };
    assert_eq!(InMemory::of_links(&store, Arc::clone(&links)).keep(&[message]).await, [Ok(Kept::Memory)]);
    assert_eq!(links.find(&link.address).unwrap().urlto, link.urlto);
    assert_eq!(store.counts(None).good, 1);
}
