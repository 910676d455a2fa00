//! How `topics` and `schema` tell what they did and what differs.

use crate::{Failure, Out};
use serde::Serialize;
use serde_json::json;
use std::fmt::Display;

/// What is kept in order, and how to tell of it.
pub struct Telling<'a> {
    /// In words, after "all": `topics`.
    pub of: &'static str,
    /// JSON, for scripts.
    pub json: bool,
    /// Where to.
    pub out: &'a mut Out,
}

impl Telling<'_> {
    /// What was done, a line each.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn done(mut self, done: &[String]) -> Result<(), Failure> {
        if self.json {
            return self.out.json(&json!({ "done": done }));
        }
        self.lines(done)
    }

    /// What differs, a line each.
    ///
    /// # Errors
    /// [`Failure::Told`] when something does.
    pub fn differences<D: Display + Serialize>(mut self, found: &[D]) -> Result<(), Failure> {
        if self.json {
            self.out.json(&json!({ "differences": found }))?;
        } else {
            self.lines(found)?;
        }
        if found.is_empty() { Ok(()) } else { Err(Failure::Told) }
    }

    fn lines<L: Display>(&mut self, lines: &[L]) -> Result<(), Failure> {
        if lines.is_empty() {
            return self.out.line(format_args!("all {} are as they should be", self.of));
        }
        lines.iter().try_for_each(|line| self.out.line(line))
    }
}
