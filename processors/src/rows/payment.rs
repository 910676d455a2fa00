//! Rows of `payments`.

use super::{
    TableRow,
    cell::{Id, Instant, Money, Text},
    packed::put_text,
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
        org: Text,
        tid: Id,
        invid: Id,
        orid: Id,
        product_id: Id,
        updater: Id,
        owner: Id,
        product: Text,
        pcat: Text,
        man: Text,
        model: Text,
        duration: Text,
        currency: Text,
        country: Text,
        region: Text,
        rcode: Text,
        campaign_id: Text,
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
        params: Text,
        created_at: Instant,
        received_at: Instant,
        host: Text,
        edge: Text,
        schema: i32,
    }
    placed {
        partition: i32,
        offset: i64,
        produced_at: Instant,
    }
    stamped {
        token: Text = "",
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
    pub fn key(&self) -> PaymentKey {
        let id = |name| Id::unpack(self.0.cell(Self::COLUMNS, name));
        PaymentKey { oid: id("oid"), id: id("id") }
    }

    /// The same row with the token of the insert that stores it.
    #[must_use]
    pub fn stamped(&self, token: &str) -> Self {
        Self(self.0.stamped(|row| put_text(token.as_bytes(), row)))
    }
}
