//! A progress bar, on a terminal only.

use super::tally::Tally;
use indicatif::{ProgressBar, ProgressStyle};

/// The bar.
pub struct Progress(ProgressBar);

impl Progress {
    /// Of so many bytes; without a number there is no end to tell.
    pub fn new(bytes: Option<u64>) -> Self {
        let (bar, template) = match bytes {
            // indicatif draws to standard error, and nothing where that is no terminal.
            Some(bytes) => (ProgressBar::new(bytes), "{wide_bar} {percent:>3}%  {msg}  {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner}  {msg}  {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So many bytes further.
    pub fn advance(&self, bytes: u64, tally: &Tally) {
        self.0.inc(bytes);
        self.0.set_message(match tally.not_accepted() {
            0 => format!("{} accepted", tally.accepted()),
            others => format!("{} accepted, {others} not", tally.accepted()),
        });
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
