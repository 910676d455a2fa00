//! Two kinds of error, told apart by whose fault it is. They never turn into each other.

use std::error::Error;

/// This datum is wrong: it gets a fate with this reason, and the stream goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// One tag per reason, snake_case: the same in the metric, the log, the dead letter and the JSON body.
    pub reason: &'static str,
    /// What was wrong, and what to change.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its reason and its detail.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// The world is wrong: wait, retry, or stop. No offset moves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{tag}: {detail}")]
pub struct Fault {
    /// One tag per kind, snake_case.
    pub tag: &'static str,
    /// What happened, and where one can look.
    pub detail: String,
}

impl Fault {
    /// A fault with its tag and its detail.
    pub fn new(tag: &'static str, detail: impl Into<String>) -> Self {
        Self { tag, detail: detail.into() }
    }
}

/// The words of an error with its causes: a refused connection says so only at the end of the chain. Some errors end with
/// the words of their cause already.
#[must_use]
pub fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

/// Why a sink did not take what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The world: the same is tried again, until it is taken.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What it was given: a batch is cut in halves until the one row is found.
    #[error(transparent)]
    Content(#[from] Refusal),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Said {
        words: &'static str,
        #[source]
        cause: Option<Box<Said>>,
    }

    fn said(words: &'static str, cause: Option<Said>) -> Said {
        Said { words, cause: cause.map(Box::new) }
    }

    #[test]
    fn every_cause_is_told_once() {
        let chain = said("cannot connect", Some(said("tcp: refused", Some(said("refused", None)))));
        assert_eq!(in_full(&chain), "cannot connect: tcp: refused");
    }
}
