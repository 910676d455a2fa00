//! What clients of other products send, with something wrong: through everything, as it comes in.

use super::{
    bodies::is_sound,
    whole::{Asked, UNLIMITED, ask, is_told},
    *,
};
use crate::http::testing::{Tested, edge};
use tokio::runtime::Runtime;
use tracker_schemas::Event;

/// Each address with what its client posts there.
pub(super) const POSTS: [(&str, &str); 12] = [
    (
        "/v1/batch",
        r#"{"writeKey":"k","sentAt":"2026-01-31T12:00:00Z","context":{"ip":"8.8.8.8"},"batch":[{"type":"track","event":"a","messageId":"m","properties":{"revenue":1.5}},{"type":"page","name":"Docs","timestamp":"2026-01-31T11:59:59Z"}]}"#,
    ),
    (
        "/v1/t",
        r#"{"event":"a","anonymousId":"n","context":{"page":{"url":"https://a.example/?token=x"},"screen":{"width":390},"device":{"id":"d","advertisingId":"z"}}}"#,
    ),
    ("/v1/identify", r#"{"userId":"u","traits":{"email":"a@b.c","deep":{"phone":"+1"}}}"#),
    (
        "/batch/",
        r#"{"api_key":"k","sent_at":"2026-01-31T12:00:00Z","batch":[{"event":"$pageview","distinct_id":"d","properties":{"$current_url":"https://a.example/","$device_id":"v"}},{"event":"b","offset":500}]}"#,
    ),
    (
        "/e/",
        "data=eyJldmVudCI6ImEiLCJwcm9wZXJ0aWVzIjp7InRva2VuIjoiayIsImRpc3RpbmN0X2lkIjoiZCJ9fQ%3D%3D&ver=1",
    ),
    ("/i/v0/e/", r#"[{"event":"a","properties":{"token":"k","$set":{"email":"a@b.c"}}}]"#),
    (
        "/api/event",
        r#"{"n":"pageview","u":"https://a.example/?utm_source=m","d":"a.example,b.example","r":null,"w":390,"p":"{\"a\":1}","$":{"amount":"1.50","currency":"EUR"}}"#,
    ),
    (
        "/api/send",
        r#"{"type":"event","payload":{"website":"k","hostname":"a.example","url":"/x?y=z","screen":"390x844","language":"de","name":"a","data":{"b":[1,2]}}}"#,
    ),
    (
        "/api/send",
        r#"[{"payload":{"name":"a","timestamp":1700000000}},{"type":"identify","payload":{"id":"u"}}]"#,
    ),
    (
        "/mp/collect",
        r#"{"client_id":"1.2","timestamp_micros":"1700000000000000","user_data":{"sha256_email_address":["ab"]},"consent":{"ad_user_data":"DENIED"},"events":[{"name":"a","params":{"session_id":"1","page_location":"https://a.example/","engagement_time_msec":100}}]}"#,
    ),
    ("/g/collect", "en=page_view&dl=https%3A%2F%2Fa.example%2F&_et=5\nen=a&ep.b=c&epn.d=1.5"),
    ("/g/collect", ""),
];

const QUERIES: [&str; 5] = [
    "",
    "measurement_id=G-1&api_secret=s",
    "v=2&tid=G-1&cid=1.2&en=a&sr=390x844&npa=1",
    "ip=1&_=1700000000000&ver=1.0&compression=gzip-js&token=k",
    "sent_at=1700000000000",
];

/// A request of any product's client with something wrong in it, and now and then the body of another one.
fn posts() -> impl Strategy<Value = Asked> {
    let bodies = POSTS.iter().map(|(_, body)| body.as_bytes().to_vec()).collect();
    let of = |(path, body): (&'static str, &'static str)| {
        let own = spoilt(vec![body.as_bytes().to_vec()]);
        own.prop_map(move |body| (path, body))
    };
    let path = select(&POSTS[..]).prop_map(|(path, _)| path);
    let others = (path.clone(), prop_oneof![spoilt(bodies), soup(40).prop_map(String::into_bytes)]);
    let post = prop_oneof![3 => select(&POSTS[..]).prop_flat_map(of), 1 => others];
    let query =
        prop_oneof![3 => select(&QUERIES[..]).prop_map(str::to_owned), 1 => "[a-z0-9&=%_.$;+-]{0,40}"];
    let header = (select(&["authorization", "cookie", "user-agent", "content-type", "origin"][..]), soup(5));
    (post, query, proptest::option::of(header)).prop_map(|((path, body), query, header)| Asked {
        method: "POST",
        target: format!("{path}?{query}"),
        headers: header.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
        body,
    })
}

/// It is answered and counted, and what is kept is sound.
pub(super) fn ends_well(runtime: &Runtime, tested: &Tested, asked: &Asked) -> Result<(), TestCaseError> {
    let Some(answered) = runtime.block_on(ask(tested, asked)) else { return Ok(()) };
    is_told(tested, asked, &answered)?;
    let headers: usize = asked.headers.iter().map(|(_, value)| value.len()).sum();
    let sent = asked.target.len() + asked.body.len() + headers;
    for event in &answered.kept {
        let event: &Event = event;
        is_sound(event, event.fact.params.as_ref().map(|params| params.0.as_str()), sent)?;
    }
    Ok(())
}

#[test]
fn whatever_another_products_client_sends_is_answered_and_counted_and_what_is_kept_is_sound() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tested = edge(UNLIMITED);
    every(posts(), |asked| ends_well(&runtime, &tested, &asked));
}
