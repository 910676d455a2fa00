//! The database is kept like the files of `schema/`.
//!
//! [`check`] lets ClickHouse itself say what the files mean: it creates their objects in a scratch database, compares both
//! object by object and column by column, and drops the scratch database, with those that a killed check left. Nothing is parsed here, so nothing is missed
//! that only the server knows. [`apply`] creates what is missing and changes what can be changed without touching a
//! stored row; where anything needs a person it changes nothing at all. A new materialised view begins with what is
//! stored from then on.
//!
//! Needs the right to create and drop databases.

mod compare;
mod files;
mod inspect;
mod scratch;
#[cfg(test)]
mod tests;

pub use files::{FILES, SchemaFile};

use super::Client;
use compare::{Gap, Mend, compare};
use inspect::inspect;
use serde::Serialize;
use std::fmt;
use tracker_stream::fault::Fault;

/// One thing that the database has otherwise than the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaDifference {
    /// Table or view.
    pub table: String,
    /// `column url`, `engine`, `settings`, `query`, `target`; empty: the table or view itself.
    pub part: String,
    /// What it is, and what is wanted.
    pub problem: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.part.is_empty() { "" } else { ", " };
        write!(f, "{}{dot}{}: {}; {}", self.table, self.part, self.problem, self.mend)
    }
}

/// Everything that differs; empty: the database is as the files say.
///
/// # Errors
/// No answer, or a right that is missing.
pub async fn check(client: &Client) -> Result<Vec<SchemaDifference>, Fault> {
    Ok(gaps(client).await?.into_iter().map(|(_, gap)| difference(gap)).collect())
}

/// Rounds of an apply. One is enough unless a change brings another to light, such as a column of two wrong properties.
const ROUNDS: usize = 4;

/// Makes the database like the files, and says what was done; empty: there was nothing to do. Every change is noted in
/// the table `schema_history`.
///
/// # Errors
/// `schema_by_hand` when something differs that cannot be changed safely (nothing was changed); no answer; a missing right.
pub async fn apply(client: &Client) -> Result<Vec<String>, Fault> {
    let mut log = Vec::new();
    let database = client.database();
    if inspect(client, database).await?.is_empty() {
        client.server().execute(&format!("CREATE DATABASE IF NOT EXISTS {database}"), &[]).await?;
    }
    for _ in 0..ROUNDS {
        let gaps = gaps(client).await?;
        let (safe, by_hand): (Vec<_>, Vec<_>) =
            gaps.into_iter().partition(|(_, gap)| matches!(gap.mend, Mend::Apply { .. }));
        if !by_hand.is_empty() {
            let lines: Vec<String> =
                by_hand.into_iter().map(|(_, gap)| difference(gap).to_string()).collect();
            return Err(Fault::new("schema_by_hand", lines.join("\n")));
        }
        if safe.is_empty() {
            return Ok(log);
        }
        for (file, gap) in safe {
            let Mend::Apply { sql, done } = gap.mend else { continue };
            client.execute(&sql, &[]).await?;
            note(client, file, &done).await?;
            log.push(done);
        }
    }
    Err(Fault::new(
        "schema_unsettled",
        "the database still differs from the files: see `tracker schema check`",
    ))
}

/// What differs, each with the file that wants it, in the order of the files.
async fn gaps(client: &Client) -> Result<Vec<(&'static str, Gap)>, Fault> {
    let wanted = scratch::wanted(client).await?;
    let found = inspect(client, client.database()).await?;
    let mut gaps = Vec::new();
    for statement in files::statements(client.database()) {
        let Some(object) = wanted.get(&statement.object) else { continue };
        let these = compare(client.database(), &statement, object, found.get(&statement.object));
        gaps.extend(these.into_iter().map(|gap| (statement.file, gap)));
    }
    Ok(gaps)
}

/// Notes a change. Nothing can be noted before the table of notes is there: it is the first file.
async fn note(client: &Client, file: &str, change: &str) -> Result<(), Fault> {
    let sha256 = FILES.iter().find(|known| known.name == file).map(SchemaFile::sha256).unwrap_or_default();
    let sql = "INSERT INTO schema_history (applied_at, file, sha256, change, version)
        SELECT now64(3), {file:String}, {sha256:String}, {change:String}, {version:String}";
    let params = [
        ("file", file),
        ("sha256", sha256.as_str()),
        ("change", change),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    client.execute(sql, &params).await
}

fn difference(gap: Gap) -> SchemaDifference {
    let mend = match gap.mend {
        Mend::Apply { .. } => "run `tracker schema apply`".to_owned(),
        Mend::ByHand(hint) => format!("by hand: {hint}"),
    };
    SchemaDifference { table: gap.object, part: gap.part, problem: gap.problem, mend }
}
