//! Hostile input, to what takes texts of strangers apart: never a panic, and never more than there was.
//!
//! `PROPTEST_CASES`, which proptest reads by itself, makes it more cases; and [`guided`] is for a fuzzer: `make fuzz-guided`.

#![cfg_attr(fuzzing, expect(dead_code, reason = "a fuzzer has no use for the properties"))]

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
use std::{fmt::Debug, sync::LazyLock};
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

/// The names in a User-Agent are short ones, and it has one verdict.
fn agent_is_named(agents: &Agents, text: &str) -> Result<(), TestCaseError> {
    let agent = agents.identify(Some(text));
    let names = [&agent.device, &agent.os, &agent.browser];
    prop_assert!(
        names.into_iter().flatten().all(|name| name.len() <= 600 && !name.trim().is_empty()),
        "{agent:?}"
    );
    let verdict = agent.verdict(Kind::Client);
    prop_assert_eq!(verdict, agent.program.map(Program::tag));
    Ok(())
}

/// A language is a tag of its kind.
fn language_is_tag(header: &str) -> Result<(), TestCaseError> {
    let tag = culture::preferred(header).unwrap_or_default();
    prop_assert!(
        tag.len() <= 35 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        "{tag}"
    );
    Ok(())
}

/// What is made of a page, the one before it, a source and a header is not more than they are.
fn origin_is_short(
    referrers: &Referrers,
    [url, last, source, referer]: [&str; 4],
) -> Result<(), TestCaseError> {
    let most = url.len() + last.len() + source.len() + referer.len();
    let said = |text: &str| Some(text.to_owned());
    let fact = Fact { url: said(url), last: said(last), source: said(source), ..Fact::default() };
    let origin = referrers.origin(&fact, Some(referer));
    let texts = [&origin.referrer, &origin.search_term];
    // A replacement character is longer than the byte it stands for, and a known name than its host.
    prop_assert!(texts.into_iter().flatten().all(|text| text.len() <= 3 * most + 64), "{origin:?}");
    Ok(())
}

#[test]
fn user_agents_of_any_words() {
    let agents = Agents::new(100);
    every(soup(), |text| agent_is_named(&agents, &text));
}

#[test]
fn languages_of_any_words() {
    every(soup(), |header| language_is_tag(&header));
}

#[test]
fn referrers_of_any_words() {
    let referrers = Referrers::new();
    every((soup(), soup(), soup(), soup()), |(url, last, source, referer)| {
        origin_is_short(&referrers, [&url, &last, &source, &referer])
    });
}

/// All of it, with bytes that a fuzzer makes up: a line each for page, the one before it, source and header; the first is a
/// User-Agent and a list of languages too.
pub fn guided(bytes: &[u8]) {
    static AGENTS: LazyLock<Agents> = LazyLock::new(|| Agents::new(100));
    static REFERRERS: LazyLock<Referrers> = LazyLock::new(Referrers::new);
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let lines: [&str; 4] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let verdict = agent_is_named(&AGENTS, lines[0])
        .and_then(|()| language_is_tag(lines[0]))
        .and_then(|()| origin_is_short(&REFERRERS, lines));
    if let Err(error) = verdict {
        panic!("{error}");
    }
}

#[test]
fn every_seed_of_a_fuzzer_ends_well() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/agents");
    let files: Vec<_> = std::fs::read_dir(seeds).unwrap().map(|file| file.unwrap()).collect();
    assert!(!files.is_empty());
    files.into_iter().for_each(|file| guided(&std::fs::read(file.path()).unwrap()));
}
