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
        let Counts { read, sent, accepted, rejected, broken, retries, seconds } = &self.counts;
        let rate = *read as f64 / seconds.max(0.001);
        out.line(format_args!(
            "{read} read, {sent} sent, {accepted} accepted in {seconds:.1} s ({rate:.0}/s)"
        ))?;
        for (name, reasons) in [
            ("rejected", rejected.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()),
            ("broken", broken.iter().map(|(reason, count)| (*reason, *count)).collect::<Vec<_>>()),
        ] {
            for (reason, count) in reasons {
                out.line(format_args!("  {name} {reason}: {count}"))?;
            }
        }
        if *retries > 0 {
            out.line(format_args!("  {retries} requests were made again"))?;
        }
        Ok(())
    }
}
