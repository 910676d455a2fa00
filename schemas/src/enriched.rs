//! An event after enrichment and the consent filter.

use crate::{
    fact::Fact,
    record::{Record, record},
    topic::Topic,
    value::Timestamp,
};

record! {
    /// What data teams read and what ClickHouse stores.
    pub struct Enriched as EnrichedView {
        /// What was said, with geography and device filled in and without what consent does not allow.
        #[serde(flatten)]
        pub fact: Fact,
        /// When enrichment had it.
        pub enriched_at: Timestamp,
        /// Consent bits in force: the signal, else the default of the jurisdiction, less what an opt-out clears.
        pub consent: i64,
        /// Truncated client address: /24 or /48.
        pub ip: Option<String>,
        /// Keyed hash of the address under a daily salt, 16 bytes hex.
        pub iphash: Option<String>,
        /// Autonomous system number.
        pub asn: Option<i64>,
        /// Organisation of the autonomous system.
        pub as_org: Option<String>,
        /// User-Agent header.
        pub user_agent: Option<String>,
        /// desktop, mobile, tablet, tv or bot.
        pub device_type: Option<String>,
        /// Whether a program, not a person, sent it.
        pub bot: bool,
        /// Which rule said so.
        pub bot_reason: Option<String>,
        /// direct, search, social, ai, email, paid, referral, internal or campaign.
        pub channel: String,
        /// Name of the search engine, network, assistant, or the referring host.
        pub referrer: Option<String>,
        /// What was searched for, where the referrer tells.
        pub search_term: Option<String>,
    }
}

impl Record for Enriched {
    const TOPIC: Topic = Topic::Enriched;
}
