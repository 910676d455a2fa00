//! Whom an event is about. A client speaks for itself: the request says it. A server speaks for somebody else, and may
//! say for whom: its fields `ip`, `user_agent`, `accept_language` and `referer` stand before what its request says.

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
    let mut person = Person {
        ip: context.ip,
        user_agent: given(context.user_agent),
        accept_language: given(context.accept_language),
        referer: given(context.referer),
    };
    if context.kind == Kind::Server {
        if let Some(ip) = draft.get("ip").and_then(|field| field.as_text().trim().parse().ok()) {
            draft.take("ip");
            person.ip = Some(ip);
        }
        person.user_agent = draft.text("user_agent")?.or(person.user_agent);
        person.accept_language = draft.text("accept_language")?.or(person.accept_language);
        person.referer = draft.text("referer")?.or(person.referer);
    }
    Ok(person)
}
