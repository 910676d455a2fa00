//! What names a person is hashed.

use super::*;

/// HMAC-SHA-256 with the key 0x07 × 32, computed with another program (OpenSSL).
#[rstest]
#[case(r#""email":" Ann@Example.com ""#, "ehash", "ann@example.com")]
#[case(r#""cell":"+1 (555) 010-99""#, "chash", "155501099")]
#[case(r#""cell":155501099"#, "chash", "155501099")]
#[case(r#""uname":"Ann""#, "uhash", "ann")]
fn what_names_a_person_is_hashed_and_never_kept(#[case] sent: &str, #[case] key: &str, #[case] hashed: &str) {
    let known = [
        ("ann@example.com", "61b55fab9c26d32d104ec34ed67a68f9042c022638ba102c71aeabc6b760fe1d"),
        ("155501099", "32c5b4c3d4f095c514ed896a8728cd27e48bff9178bfd3e764c7891d7f87fe32"),
        ("ann", "b86f6e0b902d4113864ea164a4f647306a18288ba8c712410eee9873923fabfb"),
    ];
    let expected = known.iter().find(|(plain, _)| *plain == hashed).unwrap().1;
    let event = stamped(sent);
    assert_eq!(event[key], expected);
    assert_eq!(event["params"], Value::Null);
    assert!(!event.to_string().to_lowercase().contains(r#"ann@"#));
}

#[test]
fn the_hash_of_what_was_sent_beats_a_hash_that_was_sent() {
    let event = stamped(r#""email":"ann@example.com","ehash":"cookie""#);
    assert_eq!(event["ehash"], "61b55fab9c26d32d104ec34ed67a68f9042c022638ba102c71aeabc6b760fe1d");
    assert_eq!(event["params"], json!({"ehash": "cookie"}));
    assert_eq!(stamped(r#""email":" ","ehash":"cookie""#)["ehash"], "cookie");
}

#[rstest]
#[case::email(r#""params":{"a":1.0,"Email":"Ann@Example.com"}"#, "ehash", "ann@example.com", json!({"a": 1.0}))]
#[case::cell(r#""params":{"CELL":155501099,"b":"x"}"#, "chash", "155501099", json!({"b": "x"}))]
#[case::uname_as_json_text(r#""params":"{\"uname\":\" Ann \"}""#, "uhash", "ann", Value::Null)]
#[case::an_escaped_name(
    r#""params":{"\u0065mail":"ann@example.com"}"#,
    "ehash",
    "ann@example.com",
    Value::Null
)]
#[case::the_first_of_two(r#""params":{"uname":"ann","UNAME":"bob"}"#, "uhash", "ann", Value::Null)]
#[case::a_hash_that_was_sent(r#""uhash":"h","params":{"uname":"ann"}"#, "uhash", "", Value::Null)]
#[case::a_name_that_was_sent(r#""uname":"ann","params":{"uname":"bob"}"#, "uhash", "ann", Value::Null)]
#[case::nothing_said(r#""params":{"email":null,"b":2}"#, "ehash", "", json!({"b": 2}))]
fn what_names_a_person_in_params_is_hashed_as_well(
    #[case] sent: &str,
    #[case] key: &str,
    #[case] plain: &str,
    #[case] left: Value,
) {
    let name = ["email", "cell", "uname"].into_iter().find(|name| name.get(..1) == key.get(..1)).unwrap();
    let event = stamped(sent);
    if !plain.is_empty() {
        assert_eq!(event[key], stamped(&format!(r#""{name}":"{plain}""#))[key]);
    }
    assert_eq!(event["params"], left);
    assert!(!event.to_string().to_lowercase().contains("ann") && !event.to_string().contains("bob"));
}

#[test]
fn a_nested_value_in_params_is_hashed_as_its_text_and_refuses_nothing() {
    let event = stamped(r#""params":{"email":["ann@example.com"]}"#);
    assert_eq!(event["ehash"].as_str().map(str::len), Some(64));
    assert_eq!(event["params"], Value::Null);
}

#[rstest]
#[case::user(r#""uid":"Ann@Example.com""#, "uid")]
#[case::visitor(r#""vid":" ann@example.com ""#, "vid")]
fn an_address_that_serves_as_an_id_is_one_and_is_not_kept(#[case] sent: &str, #[case] key: &str) {
    let event = stamped(sent);
    assert_eq!(event["ehash"], "61b55fab9c26d32d104ec34ed67a68f9042c022638ba102c71aeabc6b760fe1d");
    assert_eq!((event[key].is_string(), &event["params"]), (true, &Value::Null));
    let with_another = stamped(&format!(r#"{sent},"email":"joe@example.com""#));
    assert_ne!(with_another["ehash"], event["ehash"], "what was sent as an address is the address");
    assert_eq!(with_another["params"], Value::Null);
}
