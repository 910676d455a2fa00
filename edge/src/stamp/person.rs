//! Whom an event is about. A client speaks for itself: the request says it. A server speaks for somebody else, and may
//! say for whom, in the fields `ip`, `user_agent`, `accept_language` and `referer`. With any of them, the server's own
//! request says nothing about the person any more: not its address, not its User-Agent.

use super::{Context, given};
use crate::draft::Draft;
use std::net::IpAddr;
use tracker_schemas::Kind;
use tracker_stream::fault::Refusal;

/// What is known of the person without asking it.
#[derive(Debug)]
pub struct Person {
    /// Address.
    pub ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
    /// `Referer`, as it was sent.
    pub referer: Option<String>,
}

/// Takes the person's fields out of a server's draft. A client's stay where they are, and become `params`: nobody can
/// speak for others without a secret key. So does an `ip` that is no address.
///
/// # Errors
/// A field that is no single value.
pub fn of(draft: &mut Draft<'_>, context: &Context<'_>) -> Result<Person, Refusal> {
    let of_request = Person {
        ip: context.ip,
        user_agent: given(context.user_agent),
        accept_language: given(context.accept_language),
        referer: given(context.referer),
    };
    if context.kind == Kind::Client {
        return Ok(of_request);
    }
    let ip = draft.get("ip").and_then(|field| field.as_text().trim().parse().ok());
    if ip.is_some() {
        draft.take("ip");
    }
    let said = Person {
        ip,
        user_agent: draft.text("user_agent")?,
        accept_language: draft.text("accept_language")?,
        referer: draft.text("referer")?,
    };
    Ok(if said.is_nobody() { of_request } else { said })
}

impl Person {
    fn is_nobody(&self) -> bool {
        self.ip.is_none()
            && self.user_agent.is_none()
            && self.accept_language.is_none()
            && self.referer.is_none()
    }
}
