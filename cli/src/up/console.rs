//! The terminal, to which several programs speak at once: whole lines.

use std::{fmt::Display, io::Write};

pub(super) struct Console;

impl Console {
    /// Prints a line. When nobody reads any more, the programs go on: they are worth more than their words.
    pub(super) fn say(line: impl Display) {
        let _unread = writeln!(std::io::stdout().lock(), "{line}");
    }
}
