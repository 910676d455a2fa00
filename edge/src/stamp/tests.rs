mod hashes;
mod urls;

use super::testing::{NEW, NOON, context};
use super::*;
use crate::{
    decode::{self, Format, Limits},
    draft::Field,
    reason,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const LIMITS: Limits =
    Limits { event_bytes: 1 << 20, events: 10, key_bytes: 128, depth: 16, path_bytes: 8192 };
const TENANT: Uuid = Uuid::NAMESPACE_DNS;

fn stamp_with(text: &str, context: &Context<'_>) -> Result<Event, Refusal> {
    let draft = decode::body(text.as_bytes(), Format::Json, &LIMITS)?.drafts.remove(0)?;
    event(draft, context)
}

fn stamp(text: &str) -> Event {
    stamp_with(text, &context()).unwrap()
}

/// The event as JSON, with an `ename` and the members of `more`.
fn stamped(more: &str) -> Value {
    serde_json::to_value(stamp(&format!(r#"{{"ename":"view",{more}}}"#))).unwrap()
}

fn params(more: &str) -> Value {
    stamped(more)["params"].clone()
}

fn refused(more: &str) -> &'static str {
    stamp_with(&format!(r#"{{"ename":"view",{more}}}"#), &context()).unwrap_err().reason
}

#[test]
fn an_event_is_stamped_with_what_the_request_says() {
    let context = Context {
        kind: Kind::Server,
        ip: Some("192.0.2.77".parse().unwrap()),
        host: Some("TR.sfpl.io:443"),
        user_agent: Some("Mozilla/5.0"),
        accept_language: Some(" en-US "),
        referer: Some("https://u:p@a.example/x?token=1&q=2#top"),
        opt_out: true,
        tenant: Some(TENANT),
        ..context()
    };
    let event = stamp_with(r#"{"ename":"view"}"#, &context).unwrap();
    assert_eq!(event.fact.eid, NEW);
    assert_eq!(event.fact.oid, Some(TENANT));
    assert_eq!(event.fact.kind, Kind::Server);
    assert_eq!((event.fact.received_at, event.fact.created_at), (NOON, NOON));
    assert_eq!(event.fact.host.as_deref(), Some("tr.sfpl.io"));
    assert_eq!(event.fact.hhash.as_deref(), Some("f4owns"));
    assert_eq!((event.fact.edge.as_str(), event.fact.schema), ("edge-1", history::version(Topic::Events)));
    assert_eq!(event.ip.as_deref(), Some("192.0.2.77"));
    assert_eq!(event.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(event.accept_language.as_deref(), Some("en-US"));
    assert_eq!(event.referer.as_deref(), Some("https://a.example/x?q=2"));
    assert!(event.opt_out);
    assert_eq!(event.fact.params, None);
}

const PERSON: &str = r#"{"ename":"view","ip":"192.0.2.1","user_agent":"Mozilla/5.0","accept_language":"de","referer":"https://a.example/?token=1"}"#;

#[test]
fn a_server_may_say_for_whom_it_speaks() {
    let ip = Some("198.51.100.9".parse().unwrap());
    let server = Context { kind: Kind::Server, ip, user_agent: Some("curl/8"), ..context() };
    let event = stamp_with(PERSON, &server).unwrap();
    assert_eq!((event.ip.as_deref(), event.user_agent.as_deref()), (Some("192.0.2.1"), Some("Mozilla/5.0")));
    assert_eq!(
        (event.accept_language.as_deref(), event.referer.as_deref()),
        (Some("de"), Some("https://a.example/"))
    );
    assert_eq!(event.fact.params, None);
    let event = stamp_with(r#"{"ename":"view","ip":"192.0.2.1"}"#, &server).unwrap();
    assert_eq!((event.ip.as_deref(), event.user_agent), (Some("192.0.2.1"), None), "not the server's own");
    let event = stamp_with(r#"{"ename":"view","ip":"unknown"}"#, &server).unwrap();
    assert_eq!((event.ip.as_deref(), event.user_agent.as_deref()), (Some("198.51.100.9"), Some("curl/8")));
    assert_eq!(event.fact.params.unwrap().0, r#"{"ip":"unknown"}"#);
}

#[test]
fn a_client_speaks_for_nobody_but_itself() {
    let event = stamp(PERSON);
    assert_eq!((event.ip, event.user_agent, event.accept_language, event.referer), (None, None, None, None));
    assert!(event.fact.params.unwrap().0.contains("\"user_agent\":\"Mozilla/5.0\""));
}

#[rstest]
#[case("localhost", "d4md6")]
#[case("example.com", "imdezq")]
#[case("tr.sfpl.io", "f4owns")]
fn hhash_is_the_predecessors(#[case] host: &str, #[case] expected: &str) {
    assert_eq!(origin::hhash(host), expected);
}

#[rstest]
#[case(Some("LocalHost:8080"), Some("localhost"))]
#[case(Some("[::1]:8080"), Some("[::1]"))]
#[case(Some(" a.example "), Some("a.example"))]
#[case(Some(":80"), None)]
#[case(None, None)]
fn hosts(#[case] header: Option<&str>, #[case] expected: Option<&str>) {
    assert_eq!(origin::host(header).as_deref(), expected);
}

#[rstest]
#[case("192.0.2.77", false, "192.0.2.77")]
#[case("192.0.2.77", true, "192.0.2.0")]
#[case("2001:db8:1:2:3:4:5:6", false, "2001:db8:1:2:3:4:5:6")]
#[case("2001:db8:1:2:3:4:5:6", true, "2001:db8:1::")]
#[case("::ffff:192.0.2.77", true, "192.0.2.0")]
fn addresses(#[case] ip: &str, #[case] anonymize: bool, #[case] expected: &str) {
    assert_eq!(origin::address(ip.parse().unwrap(), anonymize), expected);
}

#[rstest]
#[case::name(r#"{"ename":"Buy Now"}"#, Some("buy now"), None)]
#[case::category(r#"{"ETYP":"Page"}"#, None, Some("page"))]
#[case::content_stands_in(r#"{"content":"Banner A"}"#, Some("banner a"), None)]
#[case::content_does_not_replace(r#"{"ename":"x","content":"Banner A"}"#, Some("x"), None)]
#[case::a_number(r#"{"ename":404}"#, Some("404"), None)]
fn names(#[case] event: &str, #[case] ename: Option<&str>, #[case] etyp: Option<&str>) {
    let fact = stamp(event).fact;
    assert_eq!((fact.ename.as_deref(), fact.etyp.as_deref()), (ename, etyp));
}

#[rstest]
#[case("{}")]
#[case(r#"{"ename":"","etyp":null}"#)]
#[case(r#"{"url":"https://a.example/?utm_content=x"}"#)]
fn an_event_needs_a_name(#[case] event: &str) {
    assert_eq!(stamp_with(event, &context()).unwrap_err().reason, "missing_name");
}

/// Every text field of the contract, and its column.
#[rstest]
fn texts_keep_their_case(
    #[values(
        "org",
        "app",
        "rel",
        "ptyp",
        "relation",
        "url",
        "last",
        "ref",
        "rcode",
        "aff",
        "source",
        "medium",
        "campaign",
        "term",
        "content",
        "xid",
        "split",
        "arm_id",
        "mcid",
        "sink",
        "outcome",
        "region",
        "city",
        "zip",
        "tz",
        "device",
        "os",
        "browser",
        "culture",
        "gaid",
        "idfa",
        "msid",
        "fbid",
        "ehash",
        "chash",
        "uhash",
        "gclid",
        "fbclid",
        "msclkid",
        "ttclid",
        "li_fat_id",
        "twclid"
    )]
    key: &str,
) {
    let event = stamped(&format!(r#""{key}":"Some/Text""#));
    assert_eq!(event[key], "Some/Text");
    assert_eq!(event["params"], Value::Null, "what has a column is in no params");
}

#[rstest]
fn ids_are_uuids(
    #[values("eid", "vid", "sid", "uid", "oid", "tid", "rid", "auth_id", "invoice_id", "mid")] key: &str,
) {
    let event = stamped(&format!(r#""{key}":"6ba7b8109dad11d180b400c04fd430c8""#));
    assert_eq!(event[key], TENANT.to_string());
    assert_eq!(event["params"], Value::Null);
}

#[rstest]
fn other_ids_than_those_of_people_are_refused(
    #[values("eid", "oid", "tid", "rid", "auth_id", "invoice_id", "mid")] key: &str,
) {
    assert_eq!(refused(&format!(r#""{key}":"order-17""#)), "invalid_uuid");
    assert_eq!(refused(&format!(r#""{key}":17"#)), "invalid_uuid");
    assert_eq!(refused(&format!(r#""{key}":{{}}"#)), "invalid_type");
}

#[rstest]
fn a_person_named_by_a_text_has_an_id_within_the_tenant(#[values("vid", "sid", "uid")] key: &str) {
    let text = format!(r#"{{"ename":"view","oid":"{TENANT}","{key}":"bob@x"}}"#);
    let event = serde_json::to_value(stamp(&text)).unwrap();
    assert_eq!(event[key], Uuid::new_v5(&TENANT, b"bob@x").to_string());
    assert_eq!(event["params"], json!({ key: "bob@x" }));
    assert_eq!(params(&format!(r#""{key}":17"#)), json!({ key: 17 }), "its type is kept as well");
}

#[test]
fn the_key_gives_the_tenant_and_allows_no_other() {
    let context = Context { tenant: Some(TENANT), ..context() };
    let own = format!(r#"{{"ename":"view","oid":"{TENANT}"}}"#);
    assert_eq!(stamp_with(&own, &context).unwrap().fact.oid, Some(TENANT));
    let other = format!(r#"{{"ename":"view","oid":"{}"}}"#, Uuid::NAMESPACE_URL);
    assert_eq!(stamp_with(&other, &context).unwrap_err().reason, "tenant_mismatch");
}

#[rstest]
#[case::ver(r#""ver":"3""#, "ver", json!(3))]
#[case::score(r#""score":"0.5""#, "score", json!(0.5))]
#[case::duration(r#""duration":1500"#, "duration", json!(1500))]
#[case::cflags(r#""cflags":1025"#, "cflags", json!(1025))]
#[case::lat(r#""lat":-33.86"#, "lat", json!(-33.86))]
#[case::lon(r#""lon":"151.2""#, "lon", json!(151.2))]
#[case::w(r#""w":1280"#, "w", json!(1280))]
#[case::viewport_width(r#""vp_w":"1280""#, "w", json!(1280))]
#[case::viewport_height(r#""vp_h":720"#, "h", json!(720))]
#[case::country(r#""country":"de""#, "country", json!("DE"))]
#[case::tags(r#""tags":"a,b""#, "tags", json!(["a", "b"]))]
#[case::audience(r#""audience":["A","b"]"#, "audience", json!(["A", "b"]))]
#[case::audience_tags(r#""audience_tags":["x"]"#, "audience_tags", json!(["x"]))]
#[case::content_tags(r#""content_tags":"x""#, "content_tags", json!(["x"]))]
#[case::targets(r#""targets":{"btn":[1]}"#, "targets", json!({"btn": [1]}))]
#[case::targets_as_text(r#""targets":"btn""#, "targets", json!("btn"))]
#[case::targets_as_json_text(r#""targets":"[1]""#, "targets", json!([1]))]
fn typed_fields(#[case] sent: &str, #[case] key: &str, #[case] expected: Value) {
    let event = stamped(sent);
    assert_eq!(event[key], expected);
    assert_eq!(event["params"], Value::Null);
}

#[rstest]
#[case(r#""app":{}"#, "invalid_type")]
#[case(r#""tags":{}"#, "invalid_type")]
#[case(r#""ver":"new""#, "invalid_number")]
#[case(r#""ver":2147483648"#, "out_of_range")]
#[case(r#""score":1e400"#, "invalid_number")]
#[case(r#""cflags":-1"#, "out_of_range")]
#[case(r#""lat":90.01"#, "out_of_range")]
#[case(r#""lon":-180.01"#, "out_of_range")]
fn a_mistyped_field_refuses_its_event(#[case] sent: &str, #[case] expected: &str) {
    assert_eq!(refused(sent), expected);
}

#[test]
fn a_number_for_a_text_is_its_text_so_the_predecessors_worst_event_is_harmless() {
    assert_eq!(stamped(r#""app":1"#)["app"], "1");
}

#[test]
fn an_alias_that_is_not_needed_is_kept() {
    assert_eq!(params(r#""w":1280,"vp_w":1000"#), json!({"vp_w": 1000}));
}

#[rstest]
#[case::unknown_fields_keep_their_types(
    r#""A":1.5,"b":"1","c":true,"d":null"#,
    r#"{"a":1.5,"b":"1","c":true,"d":null}"#
)]
#[case::numbers_keep_their_letters(
    r#""n":12345678901234567890.10,"e":1E400"#,
    r#"{"e":1E400,"n":12345678901234567890.10}"#
)]
#[case::params_alone_stay_verbatim(r#""params":{"B": 1.0, "a":[ ]}"#, r#"{"B": 1.0, "a":[ ]}"#)]
#[case::both_are_merged(r#""params":{"B":1},"a":2"#, r#"{"B":1,"a":2}"#)]
#[case::no_name_hides_another(r#""params":{"a":1,"a_":3},"a":2"#, r#"{"a":1,"a_":3,"a__":2}"#)]
#[case::json_text(r#""params":"{\"a\":1.0}","b":2"#, r#"{"a":1.0,"b":2}"#)]
#[case::text_that_is_no_json(r#""params":"{a:NaN}""#, r#"{"params":"{a:NaN}"}"#)]
#[case::an_array(r#""params":[1],"b":2"#, r#"{"b":2,"params":[1]}"#)]
#[case::a_name_that_needs_quotes(r#""a\"b":1"#, r#"{"a\"b":1}"#)]
#[case::an_unbelievable_time(r#""created_at":1000"#, r#"{"created_at":1000}"#)]
#[case::what_a_column_cuts(r#""duration":1.5"#, r#"{"duration":1.5}"#)]
#[case::texts_that_look_like_times(r#""t":1700000000,"s":"NaN""#, r#"{"s":"NaN","t":1700000000}"#)]
fn everything_else_is_in_params(#[case] sent: &str, #[case] expected: &str) {
    let event = stamp(&format!(r#"{{"ename":"view",{sent}}}"#));
    assert_eq!(event.fact.params.unwrap().0, expected);
}

#[rstest]
#[case(r#""params":{}"#)]
#[case(r#""params":null"#)]
#[case(r#""params":"""#)]
fn no_params_are_none(#[case] sent: &str) {
    assert_eq!(stamp(&format!(r#"{{"ename":"view",{sent}}}"#)).fact.params, None);
}

#[test]
fn values_of_a_query_are_never_reinterpreted() {
    let draft = decode::url("/ename/view", "n=1e3&b=true&z=007", &LIMITS).unwrap();
    let event = event(draft, &context()).unwrap();
    assert_eq!(event.fact.params.unwrap().0, r#"{"b":"true","n":"1e3","z":"007"}"#);
}

#[test]
fn cookies_path_query_and_body_are_merged_in_that_order() {
    let id = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
    let header = format!("vid={}; sid={}; ehash=c", id(1), id(1));
    let mut draft = decode::cookies(&header);
    let query = format!("sid={}&app=query&uid={}", id(2), id(2));
    draft.overlay(decode::url("/app/path/org/path", &query, &LIMITS).unwrap());
    let body = format!(r#"{{"ename":"view","uid":"{}","app":null}}"#, id(3));
    draft.overlay(decode::body(body.as_bytes(), Format::Json, &LIMITS).unwrap().drafts.remove(0).unwrap());
    let fact = event(draft, &context()).unwrap().fact;
    let ids = [fact.vid, fact.sid, fact.uid].map(|id| id.unwrap().to_string());
    assert_eq!(ids, [id(1), id(2), id(3)]);
    let texts = [fact.ehash, fact.org, fact.app].map(Option::unwrap);
    assert_eq!(texts, ["c", "path", "query"]);
}

#[test]
fn every_tag_is_in_the_list_once() {
    let mut tags: Vec<_> = reason::ALL.iter().map(|reason| reason.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), reason::ALL.len());
    assert!(tags.iter().all(|tag| {
        tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    }));
}

fn any_field() -> impl Strategy<Value = Field<'static>> {
    let json = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1.5",
        "1e999",
        "{}",
        "[]",
        "[1,\"a\"]",
        "{\"a\":{}}",
    ]);
    prop_oneof![
        json.prop_map(|json| Field::Json(json.into())),
        "\\PC{0,12}".prop_map(|text| Field::Text(text.into())),
        "https?://[a-z@:]{0,8}/[a-z?&=#%+]{0,20}".prop_map(|text| Field::Text(text.into())),
    ]
}

proptest! {
    #[test]
    fn any_draft_is_stamped_or_refused_with_a_tag(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "ename", "etyp", "content", "eid", "vid", "sid", "uid", "oid", "email", "cell", "url", "last", "source",
                "lat", "w", "vp_w", "cflags", "ver", "score", "duration", "tags", "targets", "params", "created_at", "zz",
            ]),
            any_field(),
            0..8,
        )
    ) {
        let mut draft = Draft::new();
        for (key, field) in fields {
            draft.set(key, field);
        }
        match event(draft, &context()) {
            Ok(event) => {
                let fact = event.fact;
                prop_assert!(fact.ename.is_some() || fact.etyp.is_some());
                let params = fact.params.map_or("{}".to_owned(), |params| params.0);
                prop_assert!(decode::members(&params).is_ok(), "{params}");
                prop_assert!(fact.url.is_none_or(|url| !url.contains('#')));
            }
            Err(refusal) => prop_assert!(reason::of(refusal.reason).is_some()),
        }
    }
}
