//! An event as the edge accepted it.

use crate::{
    fact::Fact,
    record::{Record, record},
    topic::Topic,
};

record! {
    /// A client or server event, stamped. Holds the raw client address: private.
    pub struct Event as EventView {
        /// What was said.
        #[serde(flatten)]
        pub fact: Fact,
        /// Client address. Truncated already when `anonymize_at_edge` is on.
        pub ip: Option<String>,
        /// `Sec-GPC: 1` or `DNT: 1` was sent.
        pub opt_out: bool,
        /// User-Agent header.
        pub user_agent: Option<String>,
        /// Accept-Language header.
        pub accept_language: Option<String>,
        /// Referer header, cleaned like `url`.
        pub referer: Option<String>,
    }
}

impl Record for Event {
    const TOPIC: Topic = Topic::Events;
}
