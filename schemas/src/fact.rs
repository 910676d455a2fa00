//! What was said about an event, and stays as it moves from topic to topic.

use crate::{
    record::record,
    value::{JsonText, Kind, Timestamp},
};
use uuid::Uuid;

record! {
    /// The fields that an [`Event`](crate::Event) and an [`Enriched`](crate::Enriched) share. In Avro they stand
    /// flat, as the first fields of both records, so a datum of either begins with them.
    pub struct Fact as FactView {
        /// Event id: given by the client, else a UUIDv7 of the edge. A repeated id is the same event.
        pub eid: Uuid,
        /// Visitor id, the very id that the cookie carries.
        pub vid: Option<Uuid>,
        /// Session id.
        pub sid: Option<Uuid>,
        /// User id.
        pub uid: Option<Uuid>,
        /// Tenant.
        pub oid: Option<Uuid>,
        /// Message thread.
        pub tid: Option<Uuid>,
        /// Related object; its kind is `relation`.
        pub rid: Option<Uuid>,
        /// Author of the content.
        pub auth_id: Option<Uuid>,
        /// Invoice.
        pub invoice_id: Option<Uuid>,
        /// Message.
        pub mid: Option<Uuid>,
        /// Sub-tenant.
        pub org: Option<String>,
        /// Application.
        pub app: Option<String>,
        /// Release of the application.
        pub rel: Option<String>,
        /// Page type.
        pub ptyp: Option<String>,
        /// Kind of the related object.
        pub relation: Option<String>,
        /// Event name, lower-cased. One of `ename` and `etyp` is always there.
        pub ename: Option<String>,
        /// Event category, lower-cased.
        pub etyp: Option<String>,
        /// Page, without fragment and without secret-looking query values.
        pub url: Option<String>,
        /// Previous page, cleaned like `url`.
        pub last: Option<String>,
        /// Referring user.
        pub r#ref: Option<String>,
        /// Referral code.
        pub rcode: Option<String>,
        /// Affiliate.
        pub aff: Option<String>,
        /// Google Ads click id.
        pub gclid: Option<String>,
        /// Meta click id.
        pub fbclid: Option<String>,
        /// Microsoft Ads click id.
        pub msclkid: Option<String>,
        /// TikTok click id.
        pub ttclid: Option<String>,
        /// LinkedIn click id.
        pub li_fat_id: Option<String>,
        /// X click id.
        pub twclid: Option<String>,
        /// UTM source.
        pub source: Option<String>,
        /// UTM medium.
        pub medium: Option<String>,
        /// UTM campaign.
        pub campaign: Option<String>,
        /// UTM term.
        pub term: Option<String>,
        /// UTM content.
        pub content: Option<String>,
        /// Experiment.
        pub xid: Option<String>,
        /// Variant of the experiment.
        pub split: Option<String>,
        /// Version of the experiment.
        pub ver: Option<i32>,
        /// Arm of the bandit.
        pub arm_id: Option<String>,
        /// Meta-campaign.
        pub mcid: Option<String>,
        /// Goal.
        pub sink: Option<String>,
        /// Funnel score.
        pub score: Option<f64>,
        /// Success counter.
        pub outcome: Option<String>,
        /// Milliseconds since the last action.
        pub duration: Option<i64>,
        /// Consent bits as the client signalled them: 1 necessary, 256 preferences, 1024 statistics, 4096 marketing. Null: no signal.
        pub cflags: Option<i64>,
        /// Latitude, degrees.
        pub lat: Option<f64>,
        /// Longitude, degrees.
        pub lon: Option<f64>,
        /// ISO 3166-1 alpha-2, upper-cased.
        pub country: Option<String>,
        /// Region or state.
        pub region: Option<String>,
        /// City.
        pub city: Option<String>,
        /// Postal code.
        pub zip: Option<String>,
        /// IANA time zone.
        pub tz: Option<String>,
        /// Device family.
        pub device: Option<String>,
        /// Operating system family.
        pub os: Option<String>,
        /// Browser family.
        pub browser: Option<String>,
        /// Language and region, as `en-US`.
        pub culture: Option<String>,
        /// Viewport width, pixels.
        pub w: Option<i64>,
        /// Viewport height, pixels.
        pub h: Option<i64>,
        /// Google advertising id.
        pub gaid: Option<String>,
        /// Apple advertising id.
        pub idfa: Option<String>,
        /// Microsoft advertising id.
        pub msid: Option<String>,
        /// Meta browser id.
        pub fbid: Option<String>,
        /// Keyed hash of the e-mail address.
        pub ehash: Option<String>,
        /// Keyed hash of the phone number.
        pub chash: Option<String>,
        /// Keyed hash of the user name.
        pub uhash: Option<String>,
        /// Audiences of the visitor.
        pub audience: Vec<String>,
        /// Tags of the audience.
        pub audience_tags: Vec<String>,
        /// Tags of the content.
        pub content_tags: Vec<String>,
        /// Free tags.
        pub tags: Vec<String>,
        /// Components touched: JSON text.
        pub targets: Option<JsonText>,
        /// Everything else that the client sent: the text of a JSON object.
        pub params: Option<JsonText>,
        /// Client time, if within 30 days before and 1 hour after receipt; else receipt time.
        pub created_at: Timestamp,
        /// When the edge had read the event.
        pub received_at: Timestamp,
        /// Whether a client or a server sent it.
        pub kind: Kind,
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
