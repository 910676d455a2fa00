//! Hostile input, to every decoder. Whatever is sent ends in a verdict: never a panic, never a status of 500, never
//! more than the limit; and each refusal has a reason of the one list, and is counted.
//!
//! Random bytes find little: most cases are what a client would send with a few things wrong, or words of the
//! decoder's own language in any order. What is known to be nasty stands in tables, in `nasties`.

#![cfg_attr(fuzzing, expect(dead_code, unused_imports, reason = "a fuzzer has no use for the properties"))]

mod bodies;
mod encodings;
pub mod guided;
mod heads;
mod inlets;
#[cfg(test)]
mod nasties;
mod onward;
mod sockets;
mod urls;
mod whole;

use crate::{decode::Limits, reason};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::fmt::Debug;
use tracker_stream::fault::Refusal;

/// What one property tries: 256 cases, or as many as `PROPTEST_CASES` says, which proptest reads by itself; and so many
/// times that. `make test` runs 50,000 cases in all, `make fuzz` more than a million.
const SHARE: u32 = 11;

/// The limits of a default edge.
const LIMITS: Limits =
    Limits { event_bytes: 256 << 10, events: 1000, key_bytes: 128, depth: 16, path_bytes: 8 << 10 };

/// Tries a property on many cases.
fn every<S: Strategy>(cases: S, holds: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: Debug,
{
    let base = Config { failure_persistence: None, ..Config::default() };
    let config = Config { cases: base.cases.saturating_mul(SHARE), ..base };
    if let Err(error) = TestRunner::new(config).run(&cases, holds) {
        panic!("{error}");
    }
}

#[test]
fn the_properties_have_50_000_cases_together() {
    let sources = [
        include_str!("hostile/bodies.rs"),
        include_str!("hostile/encodings.rs"),
        include_str!("hostile/heads.rs"),
        include_str!("hostile/inlets.rs"),
        include_str!("hostile/onward.rs"),
        include_str!("hostile/sockets.rs"),
        include_str!("hostile/urls.rs"),
        include_str!("hostile/whole.rs"),
    ];
    let properties: usize = sources.iter().map(|source| source.matches("    every(").count()).sum();
    assert!(properties as u32 * SHARE * 256 >= 50_000, "{properties} properties");
}

/// The refusal is one that users are told of.
fn is_known(refusal: &Refusal) -> bool {
    reason::of(refusal.reason).is_some()
}

fn all_known<T>(verdict: &Result<T, Refusal>) -> bool {
    verdict.as_ref().err().is_none_or(is_known)
}

/// What a wrong byte is made of.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "d800",
    "\"a\":",
    "null",
    "true",
    "-",
    "-0",
    "1e999",
    "1e-999",
    "99999999999999999999999999",
    "0.1e+1",
    "NaN",
    "\u{0}",
    "é",
    "\u{1f600}",
    "\u{202e}",
    "\n",
    "\r\n",
    "\r\nset-cookie: a=b",
    " ",
    "\t",
    "%",
    "%00",
    "%ff",
    "%0d%0a",
    "%u0041",
    "&",
    "=",
    ";",
    "/",
    "//",
    "\\\\",
    "?",
    "#",
    "@",
    "+",
    "*",
    "'",
    "<script>",
    "../",
    "http://",
    "javascript:",
    "[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "\"ename\":\"a\"",
    "\"params\":",
    "\"vid\":",
    "\"payments\":[",
    "\"revenue\":\"1.0\"",
    "\"created_at\":",
    "ename",
    "vid",
    "sid",
    "utm_",
    "utm_source",
    "CookieConsent",
    "params",
    "__proto__",
    "token",
    "for=",
    "by=",
    "host=",
    "proto=https",
    "unknown",
    "_hidden",
    "127.0.0.1",
    "10.0.0.1",
    "[::1]",
    "::ffff:10.0.0.1",
    "0x7f.1",
    "256.1.1.1",
    ":65536",
];

/// Words in any order.
fn soup(most: usize) -> impl Strategy<Value = String> {
    let token =
        prop_oneof![8 => select(TOKENS).prop_map(str::to_owned), 1 => ".{0,3}", 1 => Just("a".repeat(200))];
    vec(token, 0..most).prop_map(|tokens| tokens.concat())
}

/// Something wrong that is done to what was right.
#[derive(Debug, Clone)]
enum Wrong {
    Byte(u8),
    Token(&'static str),
    Cut(u8),
    Repeat(u8),
}

/// One of these, with a few things wrong.
fn spoilt(right: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let wrong = prop_oneof![
        any::<u8>().prop_map(Wrong::Byte),
        select(TOKENS).prop_map(Wrong::Token),
        any::<u8>().prop_map(Wrong::Cut),
        any::<u8>().prop_map(Wrong::Repeat),
    ];
    (select(right), vec((any::<Index>(), wrong), 0..5)).prop_map(|(mut bytes, wrongs)| {
        for (at, wrong) in wrongs {
            let at = at.index(bytes.len() + 1);
            let end = |length: u8| (at + usize::from(length)).min(bytes.len());
            match wrong {
                Wrong::Byte(byte) => bytes.get_mut(at).into_iter().for_each(|old| *old = byte),
                Wrong::Token(token) => drop(bytes.splice(at..at, token.bytes())),
                Wrong::Cut(length) => drop(bytes.drain(at..end(length))),
                Wrong::Repeat(length) => {
                    let again = bytes[at..end(length)].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        bytes
    })
}

/// Events and payments as clients send them.
fn right() -> Vec<Vec<u8>> {
    let vid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    [
        r#"{"ename":"view"}"#.to_owned(),
        format!(
            r#"{{"ename":"view","vid":"{vid}","url":"https://a.example/x?utm_source=m&gclid=1#f","cflags":5377,"lat":1.5}}"#
        ),
        r#"{"ename":"A","params":{"a":[1,2.50,{"b":null}],"c":"é\n"},"tags":["x","y"],"created_at":1700000000000}"#
            .to_owned(),
        r#"{"ename":"a","email":"a@b.c","duration":"12.5","w":1e3,"score":0.1,"targets":"[1]","x":{"y":{"z":[]}}}"#
            .to_owned(),
        r#"[{"ename":"a"},{"ename":"b","oid":"x"},5,{}]"#.to_owned(),
        "{\"ename\":\"a\"}\n{\"ename\":\"b\"}\n\nnull\n".to_owned(),
        format!(
            r#"{{"uid":"{vid}","currency":"EUR","payments":[{{"id":"{vid}","revenue":"19.9000","qty":2}},{{"amt":-1}}]}}"#
        ),
        r#"{"revenue":12.5,"paid_at":"2026-01-31T12:00:00Z","tax":"0.10"}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec()
}
