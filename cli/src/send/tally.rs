//! What became of everything that was read.

use super::{
    excerpt,
    input::{Broken, Item},
    post::Posted,
};
use crate::{Failure, Out};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};
use tokio::time::Instant;

/// Where what was not accepted is written, if anywhere.
pub struct Rejects(Option<BufWriter<File>>);

impl Rejects {
    /// Makes the file anew.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let file = path.map(|path| File::create(path).map_err(Failure::io(path.display()))).transpose()?;
        Ok(Self(file.map(BufWriter::new)))
    }

    fn write(&mut self, line: u64, reason: &str, detail: &str, text: &str) -> Result<(), Failure> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        let line = json!({ "line": line, "reason": reason, "detail": detail, "text": text });
        writeln!(file, "{line}").map_err(Failure::io("--rejects"))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.0.as_mut().map_or(Ok(()), Write::flush).map_err(Failure::io("--rejects"))
    }
}

/// Counts.
#[derive(Default, Serialize)]
struct Counts {
    read: u64,
    sent: u64,
    accepted: u64,
    rejected: BTreeMap<String, u64>,
    broken: BTreeMap<&'static str, u64>,
    retries: u64,
    seconds: f64,
    /// For each reason, the words that came with it first.
    details: BTreeMap<String, String>,
}

/// The books of one run.
pub struct Tally {
    counts: Counts,
    rejects: Rejects,
    start: Instant,
}

impl Tally {
    /// Empty books.
    pub fn new(rejects: Rejects) -> Self {
        Self { counts: Counts::default(), rejects, start: Instant::now() }
    }

    /// Events that the edge keeps.
    pub const fn accepted(&self) -> u64 {
        self.counts.accepted
    }

    /// Everything that is not accepted.
    pub fn not_accepted(&self) -> u64 {
        self.counts.read - self.counts.accepted
    }

    /// Lines that are no events.
    ///
    /// # Errors
    /// Rejects that cannot be written.
    pub fn broken(&mut self, broken: &[Broken]) -> Result<(), Failure> {
        for Broken { line, reason, detail, text } in broken {
            self.counts.read += 1;
            *self.counts.broken.entry(reason).or_default() += 1;
            self.counts.details.entry((*reason).to_owned()).or_insert_with(|| detail.clone());
            self.rejects.write(*line, reason, detail, text)?;
        }
        Ok(())
    }

    /// Events with their verdicts.
    ///
    /// # Errors
    /// Rejects that cannot be written.
    pub fn posted(&mut self, items: &[Item], posted: &Posted) -> Result<(), Failure> {
        let (sent, refused) = (items.len() as u64, posted.refused.len() as u64);
        self.counts.read += sent;
        self.counts.sent += sent;
        self.counts.accepted += sent.saturating_sub(refused);
        self.counts.retries += posted.retries;
        for (index, (reason, detail)) in &posted.refused {
            *self.counts.rejected.entry(reason.clone()).or_default() += 1;
            self.counts.details.entry(reason.clone()).or_insert_with(|| detail.clone());
            if let Some(item) = items.get(*index) {
                self.rejects.write(item.line, reason, detail, excerpt(item))?;
            }
        }
        Ok(())
    }

    /// Prints the books, and finishes the rejects.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn print(&mut self, as_json: bool, out: &mut Out) -> Result<(), Failure> {
        self.rejects.flush()?;
        self.counts.seconds = self.start.elapsed().as_secs_f64();
        if as_json {
            return out.json(&self.counts);
        }
        let Counts { read, sent, accepted, rejected, broken, retries, seconds, details } = &self.counts;
        let rate = *read as f64 / seconds.max(0.001);
        out.line(format_args!(
            "{read} read, {sent} sent, {accepted} accepted in {seconds:.1} s ({rate:.0}/s)"
        ))?;
        let rejected = rejected.iter().map(|(reason, count)| ("rejected", reason.as_str(), *count));
        let broken = broken.iter().map(|(reason, count)| ("broken", *reason, *count));
        for (name, reason, count) in rejected.chain(broken) {
            let detail = details.get(reason).map_or("", String::as_str);
            out.line(format_args!("  {name} {reason}: {count} ({detail})"))?;
        }
        if *retries > 0 {
            out.line(format_args!("  {retries} requests were made again"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_books_close_and_the_rejects_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects.ndjson");
        let mut tally = Tally::new(Rejects::open(Some(&path)).unwrap());
        let items = [1, 2, 3].map(|line| Item { line, json: format!("{{\"n\":{line}}}") });
        let refused = HashMap::from([(1, ("invalid_uuid".to_owned(), "d".to_owned()))]);
        tally.posted(&items, &Posted { refused, retries: 2 }).unwrap();
        let broken = Broken { line: 4, reason: "no_time", detail: "t".to_owned(), text: "x".to_owned() };
        tally.broken(&[broken]).unwrap();
        assert_eq!((tally.accepted(), tally.not_accepted()), (2, 2));

        let counts = serde_json::to_value(&tally.counts).unwrap();
        assert_eq!([&counts["read"], &counts["sent"], &counts["retries"]], [4, 3, 2]);
        assert_eq!(
            (&counts["rejected"]["invalid_uuid"], &counts["broken"]["no_time"]),
            (&1.into(), &1.into())
        );

        tally.rejects.flush().unwrap();
        let rejects = std::fs::read_to_string(&path).unwrap();
        assert_eq!(rejects.lines().count(), 2);
        assert!(rejects.contains(r#""line":2"#) && rejects.contains(r#""text":"{\"n\":2}""#), "{rejects}");
    }
}
