use super::*;
use crate::draft::Field;
use proptest::prelude::*;
use rstest::rstest;

const LIMITS: Limits = Limits { event_bytes: 1024, events: 3, key_bytes: 16, depth: 4, path_bytes: 256 };

fn decode(body: &[u8]) -> Batch<'_> {
    super::body(body, Format::Json, &LIMITS).unwrap()
}

/// The fields of a body that is one event, as `key=text` or `key:json`.
fn fields(body: &str) -> Vec<String> {
    decode(body.as_bytes()).drafts.remove(0).unwrap().into_iter().map(shown).collect()
}

fn shown((key, field): (std::borrow::Cow<'_, str>, Field<'_>)) -> String {
    match field {
        Field::Text(text) => format!("{key}={text}"),
        Field::Json(json) => format!("{key}:{json}"),
    }
}

fn refusals(batch: &Batch<'_>) -> Vec<Option<&'static str>> {
    batch.drafts.iter().map(|draft| draft.as_ref().err().map(|refusal| refusal.reason)).collect()
}

#[rstest]
#[case(None, Format::Json)]
#[case(Some("text/plain;charset=UTF-8"), Format::Json)]
#[case(Some("application/json"), Format::Json)]
#[case(Some("Application/X-NDJSON; charset=utf-8"), Format::Ndjson)]
#[case(Some("application/jsonl"), Format::Ndjson)]
fn the_format_of_a_content_type(#[case] content_type: Option<&str>, #[case] expected: Format) {
    assert_eq!(Format::of(content_type), expected);
}

#[test]
fn one_object_is_a_single_event() {
    let batch = decode(br#"  {"ename":"view"}  "#);
    assert!(batch.single);
    assert_eq!(refusals(&batch), [None]);
}

#[test]
fn values_keep_their_letters_and_keys_lose_their_case() {
    let fields = fields(r#"{"B":1.50,"a":"A\u00e9\n","c":[1e400, 12345678901234567890],"d":null,"b":2.0}"#);
    assert_eq!(fields, ["a=Aé\n", "b:2.0", "c:[1e400, 12345678901234567890]", "d:null"]);
}

#[test]
fn each_element_of_an_array_has_its_own_verdict() {
    let batch = decode(br#"[{"ename":"a"}, 5, {"ename":"\ud800"}]"#);
    assert!(!batch.single);
    assert_eq!(refusals(&batch), [None, Some("not_an_object"), Some("invalid_text")]);
}

#[test]
fn an_empty_array_holds_no_event() {
    assert!(decode(b"[]").drafts.is_empty());
}

#[test]
fn each_line_has_its_own_verdict() {
    let lines = b"{\"ename\":\"a\"}\r\n\n{\"ename\":\n{\"ename\":\"\xff\"}\n";
    let batch = body(lines, Format::Ndjson, &LIMITS).unwrap();
    assert_eq!(refusals(&batch), [None, Some("malformed"), Some("invalid_utf8")]);
    assert!(!batch.single);
}

#[rstest]
#[case::nothing(b"", "malformed")]
#[case::a_number(b"5", "malformed")]
#[case::a_broken_array(b"[{\"a\":1},", "malformed")]
#[case::an_array_and_more(b"[{}] x", "malformed")]
#[case::no_utf8(b"{\"a\":\"\xc3\x28\"}", "invalid_utf8")]
#[case::too_many(b"[1,2,3,4]", "too_many_events")]
fn what_spoils_a_body(#[case] bytes: &[u8], #[case] expected: &str) {
    assert_eq!(body(bytes, Format::Json, &LIMITS).unwrap_err().reason, expected);
}

#[test]
fn too_many_lines_spoil_a_body() {
    let refusal = body(b"{}\n{}\n{}\n{}", Format::Ndjson, &LIMITS).unwrap_err();
    assert_eq!(refusal.reason, "too_many_events");
}

#[rstest]
#[case::broken(r#"{"a":1"#, "malformed")]
#[case::more_after_it(r#"{"a":1} {"a":2}"#, "malformed")]
#[case::nan(r#"{"a":NaN}"#, "malformed")]
#[case::nul(r#"{"a":"\u0000"}"#, "invalid_text")]
#[case::nul_in_a_key(r#"{"a\u0000":1}"#, "invalid_text")]
#[case::half_a_surrogate_pair(r#"{"a":"\ud83d"}"#, "invalid_text")]
#[case::half_a_pair_below(r#"{"params":{"a":"\udc00"}}"#, "invalid_text")]
#[case::nul_below(r#"{"params":["\u0000"]}"#, "invalid_text")]
#[case::half_a_pair_in_a_key_below(r#"{"params":{"\udc00":1}}"#, "invalid_text")]
#[case::a_long_key(r#"{"a23456789012345678":1}"#, "key_too_long")]
#[case::a_long_key_below(r#"{"p":{"a23456789012345678" : 1}}"#, "key_too_long")]
#[case::deep(r#"{"p":[[[[1]]]]}"#, "too_deep")]
#[case::deep_objects(r#"{"p":{"a":{"b":{"c":{}}}}}"#, "too_deep")]
fn what_spoils_an_event(#[case] event: &str, #[case] expected: &str) {
    let batch = decode(event.as_bytes());
    assert_eq!(refusals(&batch), [Some(expected)]);
    assert!(batch.single, "it is answered as one event");
}

#[test]
fn an_event_that_is_too_long_is_refused_alone() {
    let body = format!(r#"[{{"a":"{}"}},{{}}]"#, "x".repeat(1024));
    assert_eq!(refusals(&decode(body.as_bytes())), [Some("event_too_large"), None]);
}

#[rstest]
#[case::as_deep_as_allowed(r#"{"p":[[[1]]]}"#)]
#[case::side_by_side(r#"{"p":[[],[],[{}],{},[]]}"#)]
#[case::brackets_in_texts(r#"{"p":["[[[[[[","\"]]{{{{{","\\"]}"#)]
#[case::a_long_text_is_no_key(r#"{"p":["a23456789012345678",1]}"#)]
#[case::a_whole_surrogate_pair(r#"{"p":["\ud83d\ude00"],"q":"\ud83d\ude00"}"#)]
fn what_is_within_the_limits(#[case] event: &str) {
    assert_eq!(refusals(&decode(event.as_bytes())), [None]);
}

#[test]
fn a_million_brackets_end_in_a_refusal_and_not_in_the_stack() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    let limits = Limits { event_bytes: usize::MAX, ..LIMITS };
    let batch = body(deep.as_bytes(), Format::Json, &limits).unwrap();
    assert_eq!(refusals(&batch), [Some("too_deep")]);
    let open = "[".repeat(1_000_000);
    assert_eq!(body(open.as_bytes(), Format::Json, &limits).unwrap_err().reason, "malformed");
}

#[rstest]
#[case::object(r#"{"params":"{\"a\":1.0}"}"#, r#"params:{"a":1.0}"#)]
#[case::no_json(r#"{"params":"{a:NaN}"}"#, "params={a:NaN}")]
#[case::too_deep(r#"{"params":"{\"a\":[[[]]]}"}"#, r#"params={"a":[[[]]]}"#)]
#[case::other_fields_are_text(r#"{"app":"{}"}"#, "app={}")]
fn params_may_be_json_text(#[case] event: &str, #[case] expected: &str) {
    assert_eq!(fields(event), [expected]);
}

fn url_fields(path: &str, query: &str) -> Result<Vec<String>, &'static str> {
    let draft = url(path, query, &LIMITS).map_err(|refusal| refusal.reason)?;
    Ok(draft.into_iter().map(shown).collect())
}

#[rstest]
#[case::pairs("/ename/View/Etyp/page", "", &["ename=View", "etyp=page"])]
#[case::without_the_first_slash("ename/view", "", &["ename=view"])]
#[case::a_dangling_key("/ename/view/app", "", &["ename=view"])]
#[case::a_slash_at_the_end("/ename/view/", "", &["ename=view"])]
#[case::an_empty_value("/app//ename/view", "", &["app=", "ename=view"])]
#[case::a_doubled_slash("//ename/view", "", &["ename=view"])]
#[case::escapes("/a%20b/%C3%A9%2Fx+y", "", &["a b=é/x+y"])]
#[case::the_last_of_a_path("/a/1/a/2", "", &["a=2"])]
#[case::query("", "ename=view&app=My+App%21", &["app=My App!", "ename=view"])]
#[case::the_first_of_a_query("", "a=1&A=2", &["a=1"])]
#[case::utm_is_stripped("", "utm_source=News&UTM_Medium=mail", &["medium=mail", "source=News"])]
#[case::the_query_wins("/ename/path", "ename=query", &["ename=query"])]
#[case::a_key_alone("", "debug&=x&", &["debug="])]
#[case::equals_in_a_value("", "a=b=c", &["a=b=c"])]
#[case::numbers_stay_text("", "n=1e3", &["n=1e3"])]
#[case::json_params("", "params=%7B%22a%22%3A1%7D", &["params:{\"a\":1}"])]
#[case::a_json_list("", "tags=[%22a%22]", &["tags:[\"a\"]"])]
#[case::a_broken_escape("", "a=%zz", &["a=%zz"])]
#[case::nothing("", "", &[])]
fn urls(#[case] path: &str, #[case] query: &str, #[case] expected: &[&str]) {
    assert_eq!(url_fields(path, query).unwrap(), expected);
}

#[rstest]
#[case::nul("/a/%00", "", "invalid_text")]
#[case::no_utf8("", "a=%ff", "invalid_text")]
#[case::a_long_key("", "a23456789012345678=1", "key_too_long")]
fn what_spoils_a_url(#[case] path: &str, #[case] query: &str, #[case] expected: &str) {
    assert_eq!(url_fields(path, query).unwrap_err(), expected);
}

#[test]
fn a_url_has_a_limit() {
    let long = "x".repeat(2000);
    assert_eq!(url_fields(&long, "").unwrap_err(), "path_too_long");
    assert_eq!(url_fields("", &long).unwrap_err(), "event_too_large");
}

#[test]
fn cookies_carry_the_ids() {
    let vid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    let header = format!("theme=dark; vid={vid}; sid=6ba7b8119dad11d180b400c04fd430c8; vid=x");
    let found: Vec<String> = cookies(&header).into_iter().map(shown).collect();
    assert_eq!(found, ["sid=6ba7b8119dad11d180b400c04fd430c8".to_owned(), format!("vid={vid}")]);
}

#[rstest]
#[case::no_uuid("vid=abc; sid=", &[])]
#[case::the_zero_uuid("vid=00000000-0000-0000-0000-000000000000", &[])]
#[case::a_hash("ehash=0a1b", &["ehash=0a1b"])]
#[case::an_address_is_no_hash("ehash=a@b.c", &[])]
#[case::others("theme=dark;;=;x", &[])]
#[case::bits("CookieConsent=1025", &["cflags:1025"])]
#[case::need_not_be_asked("CookieConsent=-1", &["cflags:5377"])]
#[case::declined("CookieConsent=0", &["cflags:1"])]
#[case::negative("CookieConsent=-7", &[])]
#[case::cookiebot(
    "CookieConsent={stamp:%27a%2Bb==%27%2Cnecessary:true%2Cpreferences:false%2Cstatistics:true%2Cmarketing:false%2Cver:1}",
    &["cflags:1025"]
)]
#[case::only_its_own_answers_count(
    "CookieConsent={necessary:true%2Cmarketing:false%2Cconsentmode:{marketing:true}}",
    &["cflags:1"]
)]
#[case::all_refused("CookieConsent={necessary:false,marketing:false}", &["cflags:0"])]
#[case::no_answer("CookieConsent={stamp:1}", &[])]
#[case::no_consent_at_all("CookieConsent=yes", &[])]
fn cookies_that_say_something(#[case] header: &str, #[case] expected: &[&str]) {
    let found: Vec<String> = cookies(header).into_iter().map(shown).collect();
    assert_eq!(found, expected);
}

/// Texts that are nearly JSON.
fn hostile() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "d800",
        "0000",
        "\"a\":",
        "\"params\":",
        "1e999",
        "null",
        "\u{0}",
        "é",
        "\n",
        "%ff",
        "&",
        "=",
        "/",
        "true",
        "-",
        " ",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn all_tagged<T>(verdict: &Result<T, Refusal>) -> bool {
    verdict.as_ref().err().is_none_or(|refusal| reason::of(refusal.reason).is_some())
}

proptest! {
    #[test]
    fn hostile_bytes_end_in_verdicts(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Json, Format::Ndjson] {
            let batch = body(&bytes, format, &LIMITS);
            prop_assert!(all_tagged(&batch));
            prop_assert!(batch.into_iter().flat_map(|batch| batch.drafts).all(|draft| all_tagged(&draft)));
        }
    }

    #[test]
    fn hostile_texts_end_in_verdicts(text in hostile()) {
        for format in [Format::Json, Format::Ndjson] {
            let batch = body(text.as_bytes(), format, &LIMITS);
            prop_assert!(all_tagged(&batch));
            prop_assert!(batch.into_iter().flat_map(|batch| batch.drafts).all(|draft| all_tagged(&draft)));
        }
        prop_assert!(all_tagged(&url(&text, &text, &LIMITS)));
        let _ = cookies(&text);
    }

    #[test]
    fn what_serde_json_reads_is_read_the_same(value in any_object()) {
        let limits = Limits { event_bytes: usize::MAX, depth: 64, key_bytes: 64, ..LIMITS };
        let text = value.to_string();
        let draft = json::object(&text, &limits).unwrap();
        let mut read = serde_json::Map::new();
        for (key, field) in draft {
            let mut json = String::new();
            field.write_json(&mut json);
            read.insert(key.into_owned(), serde_json::from_str(&json).unwrap());
        }
        prop_assert_eq!(serde_json::Value::Object(read), value);
    }
}

fn any_object() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[^\0]{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[^\0]{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-z\"\\\\é]{1,6}", value, 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}
