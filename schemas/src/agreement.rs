//! A consent.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::{JsonText, Timestamp},
};
use uuid::Uuid;

record! {
    /// What a visitor consented to, from one moment on. Holds no whole address, and nothing that a refusal would forbid.
    pub struct Agreement as AgreementView {
        /// Id of the consent: the client's, else a UUIDv7 of the edge. A repeated id is the same consent.
        pub id: Uuid,
        /// Visitor who gave or withdrew it.
        pub vid: Uuid,
        /// User, where the site knows it.
        pub uid: Option<Uuid>,
        /// Tenant.
        pub oid: Option<Uuid>,
        /// Sub-tenant.
        pub org: Option<String>,
        /// Application.
        pub app: Option<String>,
        /// Release of the application.
        pub rel: Option<String>,
        /// Consent bits from now on: 1 necessary, 256 preferences, 1024 statistics, 4096 marketing. Less what an opt-out clears.
        pub cflags: i64,
        /// `Sec-GPC: 1` or `DNT: 1` was sent with it.
        pub opt_out: bool,
        /// Law under which it was asked for, as the site names it: GDPR, CCPA, …
        pub regulation: Option<String>,
        /// Whose law that is, as the site names it.
        pub jurisdiction: Option<String>,
        /// What was chosen in detail, by regulation, purpose or document: JSON text.
        pub compliances: Option<JsonText>,
        /// ISO 3166-1 alpha-2, upper-cased.
        pub country: Option<String>,
        /// Region or state.
        pub region: Option<String>,
        /// Language in which it was asked for, as `en-US`.
        pub culture: Option<String>,
        /// IANA time zone.
        pub tz: Option<String>,
        /// Page on which it was asked for, without fragment and without secret-looking query values.
        pub url: Option<String>,
        /// What asked for it, as the site names it.
        pub source: Option<String>,
        /// Client address, always truncated: /24 or /48.
        pub ip: Option<String>,
        /// Everything else that the client sent and a consent may keep: the text of a JSON object.
        pub params: Option<JsonText>,
        /// Client time, if within 30 days before receipt and not after it; else receipt time. The latest of a visitor holds.
        pub created_at: Timestamp,
        /// When the edge had read it.
        pub received_at: Timestamp,
        /// Host that was asked, lower-cased, without port.
        pub host: Option<String>,
        /// Base-36 FNV-1a-32 of `host`.
        pub hhash: Option<String>,
        /// Name of the edge node.
        pub edge: String,
        /// Version of the schema that the edge wrote.
        pub schema: i32,
    }
}

impl Record for Agreement {
    const TOPIC: Topic = Topic::Agreements;
}
