//! Hostile input, to what takes texts of strangers apart: never a panic, and never more than there was.
//!
//! `PROPTEST_CASES`, which proptest reads by itself, makes it more cases: `make fuzz`.

use super::{
    agent::{Agents, Program},
    culture,
    referrer::Referrers,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::fmt::Debug;
use tracker_schemas::{Fact, Kind};

/// So many times 256 cases each, or times `PROPTEST_CASES`.
const SHARE: u32 = 11;

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

const WORDS: &[&str] = &[
    "Mozilla/5.0 (",
    "Windows NT 10.0",
    "iPhone; CPU iPhone OS 17_5 like Mac OS X",
    "Android 14; SM-S918B Build/",
    ") ",
    "AppleWebKit/537.36",
    "Chrome/126.0.0.0",
    "Mobile",
    "Safari/",
    "HeadlessChrome/",
    "Googlebot/2.1",
    "bot",
    "curl/8",
    "((((((",
    ";",
    "/",
    ".",
    "99999999999999999999",
    "_",
    "\u{0}",
    "é",
    "\u{1f600}",
    "\r\n",
    "\\",
    "$1",
    "(?:",
    "en-US",
    "q=",
    "q=1e999",
    "-",
    ",",
    "*",
    "zh-Hans-CN",
    "http://",
    "https://www.google.com/search?q=",
    "%",
    "%00",
    "%ff",
    "?",
    "#",
    "@",
    "&",
    "=",
    ":",
    "[::1]",
    "xn--",
    "utm_source",
    "gclid",
    "facebook",
    "cpc",
    "..",
    "\u{202e}",
];

fn soup() -> impl Strategy<Value = String> {
    let word =
        prop_oneof![6 => select(WORDS).prop_map(str::to_owned), 1 => ".{0,4}", 1 => Just("A".repeat(600))];
    vec(word, 0..12).prop_map(|words| words.concat())
}

#[test]
fn user_agents_of_any_words() {
    let agents = Agents::new(100);
    every(soup(), |text| {
        let agent = agents.identify(Some(&text));
        let names = [&agent.device, &agent.os, &agent.browser];
        prop_assert!(
            names.into_iter().flatten().all(|name| name.len() <= 600 && !name.trim().is_empty()),
            "{agent:?}"
        );
        let verdict = agent.verdict(Kind::Client);
        prop_assert_eq!(verdict, agent.program.map(Program::tag));
        Ok(())
    });
}

#[test]
fn languages_of_any_words() {
    every(soup(), |header| {
        let tag = culture::preferred(&header).unwrap_or_default();
        prop_assert!(
            tag.len() <= 35 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{tag}"
        );
        Ok(())
    });
}

#[test]
fn referrers_of_any_words() {
    let referrers = Referrers::new();
    every((soup(), soup(), soup(), soup()), |(url, last, source, referer)| {
        let most = url.len() + last.len() + source.len() + referer.len();
        let fact = Fact { url: Some(url), last: Some(last), source: Some(source), ..Fact::default() };
        let origin = referrers.origin(&fact, Some(&referer));
        let texts = [&origin.referrer, &origin.search_term];
        // A replacement character is longer than the byte it stands for, and a known name than its host.
        prop_assert!(texts.into_iter().flatten().all(|text| text.len() <= 3 * most + 64), "{origin:?}");
        Ok(())
    });
}
