//! A payment.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::{Decimal, JsonText, Timestamp},
};
use uuid::Uuid;

record! {
    /// One line item of a payment; a refund has a negative revenue.
    pub struct Payment as PaymentView {
        /// Payment id: makes a retry harmless.
        pub id: Uuid,
        /// User id.
        pub uid: Option<Uuid>,
        /// Visitor id.
        pub vid: Option<Uuid>,
        /// Session id.
        pub sid: Option<Uuid>,
        /// Tenant.
        pub oid: Option<Uuid>,
        /// Sub-tenant.
        pub org: Option<String>,
        /// Message thread.
        pub tid: Option<Uuid>,
        /// Invoice.
        pub invid: Option<Uuid>,
        /// Order.
        pub orid: Option<Uuid>,
        /// Product id.
        pub product_id: Option<Uuid>,
        /// Who changed it last.
        pub updater: Option<Uuid>,
        /// Who owns it.
        pub owner: Option<Uuid>,
        /// Product name.
        pub product: Option<String>,
        /// Product category.
        pub pcat: Option<String>,
        /// Manufacturer.
        pub man: Option<String>,
        /// Model.
        pub model: Option<String>,
        /// Duration of what was bought, in the seller's words.
        pub duration: Option<String>,
        /// ISO 4217 code, upper-cased; USD when not given.
        pub currency: String,
        /// ISO 3166-1 alpha-2, upper-cased.
        pub country: Option<String>,
        /// Region or state.
        pub region: Option<String>,
        /// Referral code.
        pub rcode: Option<String>,
        /// Campaign.
        pub campaign_id: Option<String>,
        /// Quantity.
        pub qty: Option<Decimal>,
        /// Price of one.
        pub price: Option<Decimal>,
        /// Discount.
        pub discount: Option<Decimal>,
        /// Revenue; negative for a refund.
        pub revenue: Decimal,
        /// Margin.
        pub margin: Option<Decimal>,
        /// Cost.
        pub cost: Option<Decimal>,
        /// Tax.
        pub tax: Option<Decimal>,
        /// Tax rate.
        pub tax_rate: Option<Decimal>,
        /// Commission.
        pub commission: Option<Decimal>,
        /// Referral fee.
        pub referral: Option<Decimal>,
        /// Fees.
        pub fees: Option<Decimal>,
        /// Subtotal.
        pub subtotal: Option<Decimal>,
        /// Total.
        pub total: Option<Decimal>,
        /// What was paid.
        pub payment: Option<Decimal>,
        /// Start of what was bought.
        pub starts: Option<Timestamp>,
        /// End of what was bought.
        pub ends: Option<Timestamp>,
        /// When it was invoiced.
        pub invoiced_at: Option<Timestamp>,
        /// When it was paid.
        pub paid_at: Option<Timestamp>,
        /// Everything else that the client sent: the text of a JSON object.
        pub params: Option<JsonText>,
        /// Client time, if within 30 days before and 1 hour after receipt; else receipt time.
        pub created_at: Timestamp,
        /// When the edge had read it.
        pub received_at: Timestamp,
        /// Host that was asked, lower-cased, without port.
        pub host: Option<String>,
        /// Name of the edge node.
        pub edge: String,
        /// Version of the schema that the edge wrote.
        pub schema: i32,
    }
}

impl Record for Payment {
    const TOPIC: Topic = Topic::Payments;
}
