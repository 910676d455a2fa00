//! How a command ends when it does not end well.

use std::{
    io::{self, Write},
    process::ExitCode,
};
use tracker_stack::Trouble;
use tracker_stream::{config::Mistakes, fault::Fault, process};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Wrong settings.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// The world is wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The local broker or database is.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// What was to be judged could not be looked at: not the same as judged and found wrong.
    #[error(transparent)]
    Unseen(Fault),
    /// A file, or standard output.
    #[error("{0}")]
    Io(String),
    /// What is wrong has been printed already.
    #[error("")]
    Told,
    /// Nobody reads the output any more: `tracker tap … | head`.
    #[error("")]
    Gone,
}

impl From<process::Failure> for Failure {
    fn from(failure: process::Failure) -> Self {
        match failure {
            process::Failure::Mistakes(mistakes) => mistakes.into(),
            process::Failure::Fault(fault) => fault.into(),
        }
    }
}

impl Failure {
    /// A failure to read or write `what`.
    pub fn io(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Gone,
            _ => Self::Io(format!("{what}: {error}")),
        }
    }

    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Gone => 0,
            Self::Fault(_) | Self::Trouble(_) | Self::Io(_) | Self::Told => 1,
            Self::Mistakes(_) | Self::Usage(_) | Self::Unseen(_) => 2,
        }
    }

    /// Says it to standard error, and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        for line in self.to_string().lines() {
            // Where even standard error is gone, the exit code still says it.
            let _unseen = writeln!(io::stderr(), "tracker: {line}");
        }
        ExitCode::from(self.code())
    }
}
