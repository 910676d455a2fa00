//! What a client is told of its messages, and whether it may go on. The bad-frame rule stands here.

use super::Closing;
use crate::{
    answer::{self, Answer, Denied, Ended, Rejected, Taken, UNKEPT},
    collect::Route,
    reason,
};
use serde::Serialize;
use tracker_stream::fault::Refusal;

/// Whether a client is told of each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// It has asked to be: `?ack=1`.
    Each,
    /// It has not.
    None,
}

/// What follows from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// What is said of it.
    pub line: Option<String>,
    /// The end, if it has come to that.
    pub close: Option<Closing>,
}

/// How one connection has behaved so far.
#[derive(Debug)]
pub struct Conduct {
    answers: Answers,
    /// Messages that have ended.
    messages: u64,
    bad: usize,
    most_bad: usize,
}

/// One line to a client that wants to know.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Accepted {
        ack: u64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        rejected: Vec<Rejected>,
    },
    Denied {
        error: &'static str,
        detail: &'a str,
        frame: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

impl Conduct {
    /// Nothing was sent yet; so many messages may be bad.
    #[must_use]
    pub const fn new(answers: Answers, most_bad: usize) -> Self {
        Self { answers, messages: 0, bad: 0, most_bad }
    }

    /// What follows from what became of the next message. Messages end in the order in which they were sent.
    ///
    /// A client that is not told of each must still learn that something was not kept which it might send again: its
    /// connection is closed. For a message that is wrong it is not: sent again, it would be wrong again.
    pub fn after(&mut self, taken: Result<Taken, Denied>) -> Next {
        self.messages += 1;
        let unkept = unkept(&taken);
        let outcome = taken.and_then(|taken| answer::events(taken, Route::Socket));
        let is_bad = matches!(&outcome, Err(Denied::Refused(refusal)) if is_undecodable(refusal));
        self.bad += usize::from(is_bad);
        let close = match (is_bad, self.answers, unkept) {
            (true, ..) if self.bad > self.most_bad => Some(Closing::BAD),
            (_, Answers::None, Some(tag)) => Some(Closing::later(tag)),
            _ => None,
        };
        let line = (self.answers == Answers::Each).then(|| self.line(outcome));
        Next { line, close }
    }

    fn line(&self, outcome: Result<Answer, Denied>) -> String {
        let frame = self.messages;
        let denied = |error, detail, retry_after| Line::Denied { error, detail, frame, retry_after };
        let line = match &outcome {
            Ok(Answer::Several { rejected, .. }) => Line::Accepted { ack: frame, rejected: rejected.clone() },
            Ok(_) => Line::Accepted { ack: frame, rejected: Vec::new() },
            Err(Denied::Refused(refusal)) => denied(refusal.reason, &refusal.detail, None),
            Err(Denied::Limited(limited)) => {
                let wait = limited.wait.as_secs() + u64::from(limited.wait.subsec_nanos() > 0);
                denied(reason::RATE_LIMITED.tag, "wait as many seconds as retry_after says", Some(wait))
            }
            Err(wrong @ (Denied::Unkept(_) | Denied::Items { .. })) => denied(wrong.tag(), UNKEPT, None),
        };
        serde_json::to_string(&line).unwrap_or_default() // texts and numbers always serialise
    }
}

/// Why something of a message was not kept that would have been another time.
fn unkept(taken: &Result<Taken, Denied>) -> Option<&'static str> {
    match taken {
        Ok(taken) => taken.fates.iter().find_map(|fate| match fate {
            Ended::Unkept(fault) => Some(fault.tag),
            Ended::Kept(_) | Ended::Refused(_) => None,
        }),
        Err(denied @ (Denied::Unkept(_) | Denied::Limited(_))) => Some(denied.tag()),
        Err(Denied::Refused(_) | Denied::Items { .. }) => None,
    }
}

/// Whether a message could not be read at all, whatever it meant to say.
fn is_undecodable(refusal: &Refusal) -> bool {
    let undecodable = [
        reason::MALFORMED,
        reason::INVALID_UTF8,
        reason::BROKEN_ENCODING,
        reason::BODY_TOO_LARGE,
        reason::INFLATES_TOO_FAR,
    ];
    undecodable.iter().any(|reason| reason.tag == refusal.reason)
}
