//! How `tracker dead redrive` tells what it did.

use super::plan::Outcome;
use crate::{Failure, Out};
use serde_json::json;
use uuid::Uuid;

/// Counts, and tells each as it comes.
#[derive(Debug, Default)]
pub struct Report {
    /// A line of JSON for each letter.
    json: bool,
    /// Nothing was sent.
    dry_run: bool,
    pub(super) sent: usize,
    pub(super) before: usize,
    pub(super) stored: usize,
    pub(super) refused: usize,
}

impl Report {
    /// Nothing has been told yet.
    pub fn new(json: bool, dry_run: bool) -> Self {
        Self { json, dry_run, ..Self::default() }
    }

    /// Tells what became of a letter: to people only what went wrong.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn tell(&mut self, id: Uuid, outcome: &Outcome, out: &mut Out) -> Result<(), Failure> {
        let (count, word, detail) = match outcome {
            Outcome::Send(message) if self.dry_run => (&mut self.sent, "would_be_sent", &*message.topic),
            Outcome::Send(message) => (&mut self.sent, "sent", &*message.topic),
            Outcome::SentBefore => (&mut self.before, "sent_before", ""),
            Outcome::Stored => (&mut self.stored, "stored", ""),
            Outcome::Refused(why) => (&mut self.refused, "refused", why.as_str()),
        };
        *count += 1;
        if self.json {
            out.push(json!({ "id": id, "outcome": word, "detail": detail }))
        } else if let Outcome::Refused(why) = outcome {
            out.push(format_args!("{id}: {why}"))
        } else {
            Ok(())
        }
    }

    /// Tells the counts.
    ///
    /// # Errors
    /// [`Failure::Told`] when a letter was refused.
    pub fn end(&self, out: &mut Out) -> Result<(), Failure> {
        if !self.json {
            let did = if self.dry_run { "would be sent again" } else { "sent again" };
            let rest = [
                (self.before, "had been sent before"),
                (self.stored, "left alone: their events are stored by now"),
                (self.refused, "refused"),
            ];
            let rest = rest.iter().filter(|(count, _)| *count > 0);
            let rest: String = rest.map(|(count, what)| format!(", {count} {what}")).collect();
            out.push(format_args!("{} {did}{rest}", self.sent))?;
        }
        out.flush()?;
        if self.refused == 0 { Ok(()) } else { Err(Failure::Told) }
    }
}
