//! Standard output. Everything that a command prints for its caller goes through here, so that a reader who has
//! gone ends the command quietly and a full disk does not pass unseen.

use crate::Failure;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{BufWriter, Write},
};

/// Where a command prints.
pub struct Out {
    to: BufWriter<Box<dyn Write + Send>>,
}

impl Out {
    /// Standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// Anything else: a test's buffer.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self { to: BufWriter::new(Box::new(writer)) }
    }

    /// Prints a line at once.
    ///
    /// # Errors
    /// As [`Out::push`].
    pub fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        self.push(line)?;
        self.flush()
    }

    /// Prints a value as one line of JSON.
    ///
    /// # Errors
    /// As [`Out::push`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::Io(error.to_string()))?;
        self.line(text)
    }

    /// Prints a line, some time before the next [`Out::flush`]: for many lines.
    ///
    /// # Errors
    /// [`Failure::Gone`] when nobody reads any more; [`Failure::Io`] when it cannot be written.
    pub fn push(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.to, "{line}").map_err(Failure::io("standard output"))
    }

    /// Prints what was pushed.
    ///
    /// # Errors
    /// As [`Out::push`].
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(Failure::io("standard output"))
    }
}
