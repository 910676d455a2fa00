//! Golden examples: one story a file, in `examples/<topic>/<case>.json`, as the record's JSON form.
//!
//! They are embedded so that the tests of every crate start from the same stories. No production code reads them.

use crate::{record::Record, topic::Topic};
use serde::de::DeserializeOwned;

macro_rules! stories {
    ($topic:literal: $($case:literal,)*) => {
        &[$(($case, include_str!(concat!("../examples/", $topic, "/", $case, ".json")))),*]
    };
}

/// A story for each thing that may be said of an event.
const EVENTS: &[(&str, &str)] = stories! { "events":
    "ai_referrer",
    "bot",
    "campaign_click_id",
    "click",
    "client_position",
    "consent_denied",
    "email_campaign",
    "every_field",
    "experiment",
    "gpc_opt_out",
    "ipv6",
    "late_client_clock",
    "minimal",
    "mobile",
    "no_signal_elsewhere",
    "no_signal_opt_in_country",
    "no_signal_unknown_country",
    "page_view",
    "partner_referrer",
    "search_referrer",
    "server_event",
    "social_referrer",
    "thread_message",
    "unicode",
};

/// Name and text of each example of a topic, by name.
#[must_use]
pub const fn of(topic: Topic) -> &'static [(&'static str, &'static str)] {
    match topic {
        Topic::Events => EVENTS,
        Topic::Enriched | Topic::Messages => stories! { "enriched":
            "bot",
            "consent_denied",
            "every_field",
            "page_view",
        },
        Topic::Payments => stories! { "payments":
            "every_field",
            "exact_decimals",
            "minimal",
            "multi_currency_order_eur",
            "multi_currency_order_jpy",
            "order",
            "refund",
            "subscription",
        },
        Topic::Agreements => stories! { "agreements":
            "every_field",
            "minimal",
            "withdrawal",
        },
        Topic::Redirects => stories! { "redirects":
            "plain",
            "tenant_campaign",
        },
        Topic::DeadLetters => stories! { "dead_letters":
            "refused_row",
            "undecodable_event",
        },
        Topic::Ledger => stories! { "ledger":
            "edge_second",
            "loaded_range",
        },
        Topic::Erasures => stories! { "erasures":
            "user_of_a_tenant",
            "visitor",
        },
        Topic::Redrives => stories! { "redrives":
            "edited_event",
        },
    }
}

/// Name and value of each example of a record's topic: `all::<Event>()`.
#[must_use]
pub fn all<R: Record + DeserializeOwned>() -> Vec<(&'static str, R)> {
    of(R::TOPIC).iter().map(|(case, text)| (*case, parse(case, text))).collect()
}

/// One example by its name: `one::<Event>("page_view")`.
///
/// # Panics
/// When there is no such example: a test asked for a story that nobody wrote.
#[must_use]
pub fn one<R: Record + DeserializeOwned>(case: &str) -> R {
    match of(R::TOPIC).iter().find(|(name, _)| *name == case) {
        Some((_, text)) => parse(case, text),
        None => panic!("there is no example `{case}` of {}", R::TOPIC),
    }
}

fn parse<R: DeserializeOwned>(case: &str, text: &str) -> R {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("example `{case}`: {error}"))
}
