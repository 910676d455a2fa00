//! Whom a request is about. A library in a browser speaks for the person before it; one on a server speaks for somebody
//! else, and says for whom or not at all. What it says of that person is believed without a secret key, unlike in
//! Tracker's own format: these products have public keys only, and it gains a stranger nothing, for every event may
//! name its own country, device and consent as well.

use crate::{
    draft::{Draft, Field},
    request::Request,
    stamp::Context,
};
use http::header;
use std::net::IpAddr;

/// Whom the request itself tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// The person: its address, User-Agent and cookies are theirs, where the event says nothing else.
    Own,
    /// A server: nothing of it is the person's.
    Others,
}

/// The voice of an interface for servers. Pages may call it as well: a browser then names its origin.
pub fn of_server(request: &Request) -> Voice {
    if request.headers.contains_key(header::ORIGIN) { Voice::Own } else { Voice::Others }
}

/// What an event says of the person.
#[derive(Debug)]
pub struct Person {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Person {
    /// Takes it out of a draft. An `ip` that is no address stays.
    pub fn take(draft: &mut Draft<'_>) -> Self {
        let ip = draft.get("ip").and_then(|field| field.as_text().trim().parse().ok());
        if ip.is_some() {
            draft.take("ip");
        }
        let user_agent = draft.take("user_agent").map(|field| Field::into_text(field).into_owned());
        Self { ip, user_agent }
    }

    /// What is known of the person then, over what the request says.
    #[must_use]
    pub fn over<'a>(&'a self, request: &Context<'a>, voice: Voice) -> Context<'a> {
        let (ip, user_agent) = (self.ip, self.user_agent.as_deref());
        match voice {
            Voice::Own => {
                Context { ip: ip.or(request.ip), user_agent: user_agent.or(request.user_agent), ..*request }
            }
            Voice::Others => Context { ip, user_agent, accept_language: None, referer: None, ..*request },
        }
    }
}
