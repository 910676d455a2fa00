//! What is told of a run.

use super::{
    load::accounts::{Accounts, Known},
    oracle::{Compared, Judgement},
    part::Part,
};
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, fmt, time::Duration};

/// How long things took.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Spans {
    /// From the first event to the last answer.
    #[serde(serialize_with = "seconds")]
    pub sent: Duration,
    /// From then until nothing changed any more.
    #[serde(serialize_with = "seconds")]
    pub settled: Duration,
    /// All of it.
    #[serde(serialize_with = "seconds")]
    pub whole: Duration,
}

/// Half of them were quicker than the first, 99 of 100 quicker than the second: milliseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half.
    pub p50: u64,
    /// 99 of 100.
    pub p99: u64,
}

impl Quantiles {
    /// Of measured times, in any order.
    #[must_use]
    pub fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let at =
            |percent: usize| times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
        Self { p50: at(50), p99: at(99) }
    }
}

/// A run.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Report {
    /// What decided load and blows.
    pub seed: u64,
    /// The course with a name that it was, if it was one.
    pub scenario: Option<&'static str>,
    /// What was measured besides.
    pub measured: BTreeMap<String, f64>,
    /// Events with an answer of success.
    pub accepted: u64,
    /// Events that were refused, as they had to be.
    pub refused: u64,
    /// Requests made again.
    pub retries: u64,
    /// Answers that said to: 503 and the like.
    pub unkept: u64,
    /// `kill -9`s by part.
    #[serde(serialize_with = "by_name")]
    pub kills: BTreeMap<Part, u64>,
    /// Other blows.
    pub blows: u64,
    /// Accepted and stored nowhere.
    pub lost: u64,
    /// Rows beyond the first of an id.
    pub doubled: u64,
    /// What the oracle saw.
    pub judgement: Judgement,
    /// Why the books do not close; empty: they do.
    pub books: Vec<String>,
    /// How long payments took to be answered, milliseconds.
    pub payments_ms: Quantiles,
    /// The most memory that each process held, bytes.
    pub peak_memory: BTreeMap<String, u64>,
    /// Programs that ended by themselves, and how.
    pub own_ends: Vec<String>,
    /// Every program ended with 0 when it was told to.
    pub ended_well: bool,
    /// How long it took.
    pub spans: Spans,
}

impl Report {
    /// What accounts and oracle say.
    #[must_use]
    pub fn of(seed: u64, accounts: &Accounts, judgement: Judgement) -> Self {
        Self {
            seed,
            accepted: accounts.events.count(Known::Accepted),
            refused: accounts.bad.count(Known::Refused),
            lost: judgement.lost(),
            doubled: judgement.doubled(),
            judgement,
            ..Self::default()
        }
    }

    /// Notes how long payments took.
    pub fn payments(&mut self, took: Vec<u64>) {
        self.payments_ms = Quantiles::of(took);
    }

    /// Notes what was measured.
    pub fn measure(&mut self, what: impl Into<String>, number: f64) {
        self.measured.insert(what.into(), (number * 10.0).round() / 10.0);
    }

    /// Notes what should have been otherwise.
    pub fn require(&mut self, met: bool, otherwise: impl FnOnce() -> String) {
        if !met {
            self.judgement.wrong.push(otherwise());
        }
    }

    /// Nothing was lost, doubled or wrong, and the books close.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.judgement.is_well() && self.books.is_empty() && self.ended_well
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms (half), {} ms (99 of 100)", self.p50, self.p99)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scenario) = self.scenario {
            writeln!(f, "scenario {scenario}")?;
        }
        let kills: u64 = self.kills.values().sum();
        let by_part: Vec<String> = self.kills.iter().map(|(part, count)| format!("{part} {count}")).collect();
        writeln!(
            f,
            "seed {}: {} events accepted, {} refused as they had to be",
            self.seed, self.accepted, self.refused
        )?;
        writeln!(f, "{kills} kill -9 ({}), {} other blows", by_part.join(", "), self.blows)?;
        writeln!(f, "{} requests made again, {} answers that said to", self.retries, self.unkept)?;
        let Judgement { events, payments, dead_letters, views, wrong } = &self.judgement;
        for (name, table) in [("events", events), ("payments", payments), ("dead letters", dead_letters)] {
            tell(f, name, table)?;
        }
        let all = [
            ("views", views),
            ("else", wrong),
            ("books", &self.books),
            ("ended by themselves", &self.own_ends),
        ];
        for (name, lines) in all {
            writeln!(f, "{name}: {}", if lines.is_empty() { "well" } else { "" })?;
            lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        let memory: Vec<String> =
            self.peak_memory.iter().map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20)).collect();
        writeln!(f, "most memory held: {}", memory.join(", "))?;
        writeln!(f, "payments answered in {}", self.payments_ms)?;
        self.measured.iter().try_for_each(|(what, number)| writeln!(f, "{what}: {number}"))?;
        let Spans { sent, settled, whole } = self.spans;
        let [sent, settled, whole] = [sent, settled, whole].map(|span| span.as_secs_f64());
        writeln!(f, "sent in {sent:.1} s, settled {settled:.1} s later, {whole:.1} s in all")?;
        let verdict = if self.is_well() { "nothing lost, nothing twice" } else { "NOT WELL" };
        write!(f, "{verdict}: {} lost, {} doubled", self.lost, self.doubled)
    }
}

fn tell(f: &mut fmt::Formatter<'_>, name: &str, table: &Compared) -> fmt::Result {
    let Compared { accepted, in_doubt, stored, lost, doubled, strangers, shown } = table;
    writeln!(
        f,
        "{name}: {accepted} accepted, {in_doubt} in doubt, {stored} stored, {lost} lost, {doubled} doubled, {strangers} strange"
    )?;
    shown.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((span.as_secs_f64() * 10.0).round() / 10.0)
}

fn by_name<S: Serializer>(kills: &BTreeMap<Part, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(kills.iter().map(|(part, count)| (part.name(), count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        assert_eq!(Quantiles::of((1..=200).rev().collect()), Quantiles { p50: 100, p99: 198 });
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }

    #[test]
    fn a_run_is_well_only_when_everything_is() {
        let well = Report { ended_well: true, ..Report::default() };
        assert!(well.is_well());
        assert!(!Report { books: vec!["open".to_owned()], ..well.clone() }.is_well());
        let lost = Judgement { events: Compared { lost: 1, ..Compared::default() }, ..Judgement::default() };
        let lost = Report { judgement: lost, ..well };
        assert!(!lost.is_well());
        assert!(lost.to_string().contains("NOT WELL"));
    }
}
