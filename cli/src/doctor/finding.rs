//! One thing that was looked at.

use serde::Serialize;
use std::fmt;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// To be mended.
    Wrong,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about: settings, keys, geoip, disk, broker, topics, groups, clickhouse, schema, clock, programs.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What is so.
    pub what: String,
    /// What mends it; empty where nothing needs to.
    pub mend: String,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, what: impl fmt::Display) -> Self {
        Self { check, verdict: Verdict::Good, what: what.to_string(), mend: String::new() }
    }

    /// Worth knowing.
    pub fn note(check: &'static str, what: impl fmt::Display, mend: impl fmt::Display) -> Self {
        Self { check, verdict: Verdict::Note, what: what.to_string(), mend: mend.to_string() }
    }

    /// To be mended.
    pub fn wrong(check: &'static str, what: impl fmt::Display, mend: impl fmt::Display) -> Self {
        Self { check, verdict: Verdict::Wrong, what: what.to_string(), mend: mend.to_string() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Wrong => "WRONG",
        };
        write!(f, "{verdict:5}  {:10}  {}", self.check, self.what)?;
        if self.mend.is_empty() { Ok(()) } else { write!(f, "\n{:19}→ {}", "", self.mend) }
    }
}
