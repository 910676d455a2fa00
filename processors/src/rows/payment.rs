//! Rows of `payments`.

use super::{
    cell::{Id, Instant, Money},
    row,
};
use tracker_schemas::Payment;
use uuid::Uuid;

row! {
    /// A payment as the table `payments` takes it.
    PaymentRow of Payment in "payments"
    own {
        id: Id,
        uid: Id,
        vid: Id,
        sid: Id,
        oid: Id,
        org: String,
        tid: Id,
        invid: Id,
        orid: Id,
        product_id: Id,
        updater: Id,
        owner: Id,
        product: String,
        pcat: String,
        man: String,
        model: String,
        duration: String,
        currency: String,
        country: String,
        region: String,
        rcode: String,
        campaign_id: String,
        qty: Option<Money>,
        price: Option<Money>,
        discount: Option<Money>,
        revenue: Money,
        margin: Option<Money>,
        cost: Option<Money>,
        tax: Option<Money>,
        tax_rate: Option<Money>,
        commission: Option<Money>,
        referral: Option<Money>,
        fees: Option<Money>,
        subtotal: Option<Money>,
        total: Option<Money>,
        payment: Option<Money>,
        starts: Option<Instant>,
        ends: Option<Instant>,
        invoiced_at: Option<Instant>,
        paid_at: Option<Instant>,
        params: String,
        created_at: Instant,
        received_at: Instant,
        host: String,
        edge: String,
        schema: i32,
    }
    placed {
        partition: i32,
        offset: i64,
        produced_at: Instant,
    }
    stamped {
        token: String,
    }
}

/// What tells a payment from every other: its tenant and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PaymentKey {
    /// Tenant; zero where there is none.
    pub oid: Uuid,
    /// Payment id.
    pub id: Uuid,
}

impl PaymentRow {
    /// What tells it from every other.
    #[must_use]
    pub const fn key(&self) -> PaymentKey {
        PaymentKey { oid: self.oid.uuid(), id: self.id.uuid() }
    }

    /// The same row with the token of the insert that stores it.
    #[must_use]
    pub fn stamped(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }
}
