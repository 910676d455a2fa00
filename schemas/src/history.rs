//! Every schema that was ever written to a topic, oldest first, so that old messages stay readable.
//!
//! A change of an `.avsc` file adds a copy to `history/<topic>/`; a test fails until it does, and another
//! until both versions read each other.

use crate::topic::Topic;

/// The texts of all versions of a topic's schema, the present one last.
#[must_use]
pub const fn of(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Events => &[include_str!("../history/events/1.avsc")],
        Topic::Enriched | Topic::Messages => &[include_str!("../history/enriched/1.avsc")],
        Topic::Payments => &[include_str!("../history/payments/1.avsc")],
        Topic::Agreements => &[include_str!("../history/agreements/1.avsc")],
        Topic::Redirects => &[include_str!("../history/redirects/1.avsc")],
        Topic::DeadLetters => {
            &[include_str!("../history/dead_letters/1.avsc"), include_str!("../history/dead_letters/2.avsc")]
        }
        Topic::Ledger => &[include_str!("../history/ledger/1.avsc")],
        Topic::Erasures => &[include_str!("../history/erasures/1.avsc")],
        Topic::Redrives => &[include_str!("../history/redrives/1.avsc")],
    }
}

/// The number of the present version, counted from 1.
#[must_use]
pub const fn version(topic: Topic) -> i32 {
    of(topic).len() as i32
}
