//! `tracker sample-log`: a realistic access log, to try Tracker with. The same seed gives the same lines, in every
//! version: the random numbers are our own.
//!
//! Visitors come in sessions, from search engines, networks, assistants, campaigns or nowhere, some of them often and
//! most of them once; they walk through pages, load their parts, and some buy. Robots fetch what they want. A few lines
//! are broken, as they are in every log.

mod random;
mod sites;
mod visitor;

use crate::{Failure, Out};
pub(crate) use random::Random;
use sites::{BROKEN, ROBOTS, SITES};
use std::fmt::Write;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tracker_schemas::Timestamp;
use tracker_stream::clock;
use visitor::Visitor;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Lines.
    #[arg(long, default_value_t = 10_000)]
    lines: u64,
    /// The same seed gives the same log.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Visitors.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    visitors: u32,
    /// Sites, 1 to 4. With one, the lines do not begin with it: the plain Combined format.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    sites: u8,
    /// Lines of a hundred thousand that are broken.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    broken: u32,
    /// Time of the last line [default: now].
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Days before it at which the log begins.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

const AFTER: &str = "\
Example:
  tracker sample-log --lines 200000 > access.log
  tracker send --file access.log";

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "must be a time such as 2026-11-24T08:00:00Z".to_owned())
}

/// Prints the log.
///
/// # Errors
/// Output that cannot be written.
pub fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let until = arguments.until.unwrap_or_else(|| Timestamp(clock::now_ms()));
    let plan = Plan {
        lines: arguments.lines,
        seed: arguments.seed,
        visitors: arguments.visitors,
        sites: usize::from(arguments.sites),
        broken: arguments.broken,
        from: Timestamp(until.0 - i64::from(arguments.days) * 86_400_000),
        until,
    };
    lines(&plan).try_for_each(|line| out.push(line))
}

/// What a log is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Lines.
    pub lines: u64,
    /// The same seed gives the same log.
    pub seed: u64,
    /// Visitors.
    pub visitors: u32,
    /// Sites, 1 to 4; with one, the lines do not begin with it.
    pub sites: usize,
    /// Lines of a hundred thousand that are broken.
    pub broken: u32,
    /// Time of the first line.
    pub from: Timestamp,
    /// Time of the last line.
    pub until: Timestamp,
}

/// The lines of a log.
pub fn lines(plan: &Plan) -> impl Iterator<Item = String> {
    let mut random = Random::new(plan.seed);
    let mut visitors: Vec<Visitor> =
        (0..plan.visitors).map(|_| Visitor::new(&mut random, plan.sites)).collect();
    let plan = plan.clone();
    (0..plan.lines).map(move |number| {
        let span = u64::try_from(plan.until.0 - plan.from.0).unwrap_or(0);
        let passed = u128::from(span) * u128::from(number + 1) / u128::from(plan.lines);
        let at = Timestamp(plan.from.0 + i64::try_from(passed).unwrap_or(0));
        if random.below(100_000) < u64::from(plan.broken) {
            return random.pick(BROKEN).replace("TIME", &clf(at));
        }
        let request = if random.percent(8) {
            robot(&mut random, plan.sites)
        } else {
            // The square makes some visitors come often and most of them rarely.
            let (one, other) =
                (random.below(u64::from(plan.visitors)), random.below(u64::from(plan.visitors)));
            let chosen = usize::try_from(one * other / u64::from(plan.visitors.max(1))).unwrap_or(0);
            match visitors.get_mut(chosen) {
                Some(visitor) => visitor.request(&mut random, at),
                None => robot(&mut random, plan.sites),
            }
        };
        request.line(at, plan.sites > 1)
    })
}

/// One request, as a server writes it down.
struct Request {
    site: &'static str,
    ip: String,
    method: &'static str,
    target: String,
    status: u16,
    bytes: u64,
    referer: String,
    agent: &'static str,
}

impl Request {
    fn line(&self, at: Timestamp, with_site: bool) -> String {
        let Self { site, ip, method, target, status, bytes, referer, agent } = self;
        let mut line = String::with_capacity(300);
        if with_site {
            let _infallible = write!(line, "{site}:443 ");
        }
        let referer = if referer.is_empty() { "-" } else { referer };
        let at = clf(at);
        let _infallible = write!(
            line,
            "{ip} - - [{at}] \"{method} {target} HTTP/2.0\" {status} {bytes} \"{referer}\" \"{agent}\""
        );
        line
    }
}

/// A request of a robot.
fn robot(random: &mut Random, sites: usize) -> Request {
    let (ip, agent) = random.pick(ROBOTS);
    let site = random.pick(SITES.get(..sites).unwrap_or(SITES));
    let target = if random.percent(10) { "/robots.txt" } else { random.pick(site.pages) };
    let status = if random.percent(5) { 404 } else { 200 };
    Request {
        site: site.host,
        ip: ip.to_owned(),
        method: if random.percent(5) { "HEAD" } else { "GET" },
        target: target.to_owned(),
        status,
        bytes: 500 + random.below(40_000),
        referer: String::new(),
        agent,
    }
}

/// The time as access logs write it.
fn clf(at: Timestamp) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    let at = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(FORMAT).unwrap_or_default()
}

#[cfg(test)]
mod tests;
