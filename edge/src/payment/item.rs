//! One line item.

use crate::{
    draft::Draft,
    reason,
    stamp::{Context, conceal, gather, host, tenant},
};
use tracker_schemas::{Decimal, Payment, Topic, history};
use tracker_stream::fault::Refusal;
use uuid::Uuid;

/// One line item as it was sent.
pub struct Item<'a> {
    /// Its fields, and those that it shares with the others.
    pub draft: Draft<'a>,
    /// What was said of the whole order alone: for `params`.
    pub order: Draft<'a>,
    /// What names this item when it has no id and is sent again.
    pub retry: Option<String>,
}

impl Item<'_> {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn payment(mut self, context: &Context<'_>) -> Result<Payment, Refusal> {
        let mut payment = Payment::default();
        ids(&mut self.draft, self.retry.as_deref(), context, &mut payment)?;
        amounts(&mut self.draft, &mut payment)?;
        describe(&mut self.draft, &mut payment)?;
        conceal(&mut self.draft, context)?;
        payment.created_at = self.draft.created_at(context.received_at);
        payment.params = gather(self.draft, self.order);

        payment.received_at = context.received_at;
        payment.host = host(context.host);
        context.node.clone_into(&mut payment.edge);
        payment.schema = history::version(Topic::Payments);
        Ok(payment)
    }
}

/// Takes the ids. An `id` that is no UUID names one, as order numbers do; so a retry of it is the same payment.
fn ids(
    draft: &mut Draft<'_>,
    retry: Option<&str>,
    context: &Context<'_>,
    payment: &mut Payment,
) -> Result<(), Refusal> {
    payment.oid = tenant(draft, context)?;
    let namespace = payment.oid.unwrap_or_default();
    let repeated = || retry.map(|name| Uuid::new_v5(&namespace, name.as_bytes()));
    payment.id = draft.named("id", namespace)?.or_else(repeated).unwrap_or_else(context.new_id);
    payment.uid = draft.named("uid", namespace)?;
    payment.vid = draft.named("vid", namespace)?;
    payment.sid = draft.named("sid", namespace)?;
    payment.tid = draft.uuid("tid")?;
    payment.invid = draft.uuid("invid")?;
    payment.orid = draft.uuid("orid")?;
    payment.product_id = draft.uuid("product_id")?;
    payment.updater = draft.uuid("updater")?;
    payment.owner = draft.uuid("owner")?;
    Ok(())
}

/// Takes the amounts.
fn amounts(draft: &mut Draft<'_>, payment: &mut Payment) -> Result<(), Refusal> {
    payment.revenue = revenue(draft)?;
    payment.currency = currency(draft)?;
    payment.qty = draft.decimal("qty")?;
    payment.price = draft.decimal("price")?;
    payment.discount = draft.decimal("discount")?;
    payment.margin = draft.decimal("margin")?;
    payment.cost = draft.decimal("cost")?;
    payment.tax = draft.decimal("tax")?;
    payment.tax_rate = draft.decimal("tax_rate")?;
    payment.commission = draft.decimal("commission")?;
    payment.referral = draft.decimal("referral")?;
    payment.fees = draft.decimal("fees")?;
    payment.subtotal = draft.decimal("subtotal")?;
    payment.total = draft.decimal("total")?;
    payment.payment = draft.decimal("payment")?;
    Ok(())
}

/// `revenue`, else `amt`, else `amount`. One that is not needed is a field like any unknown one.
fn revenue(draft: &mut Draft<'_>) -> Result<Decimal, Refusal> {
    for key in ["revenue", "amt", "amount"] {
        if let Some(revenue) = draft.decimal(key)? {
            return Ok(revenue);
        }
    }
    Err(reason::MISSING_REVENUE
        .refuse("a payment needs `revenue` (or `amt`, or `amount`); a refund's is negative"))
}

fn currency(draft: &mut Draft<'_>) -> Result<String, Refusal> {
    let Some(code) = draft.text("currency")? else { return Ok("USD".to_owned()) };
    let code = code.trim();
    if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        return Ok(code.to_ascii_uppercase());
    }
    Err(reason::INVALID_CURRENCY.refuse("`currency` is an ISO 4217 code, as EUR"))
}

/// Takes the texts and times.
fn describe(draft: &mut Draft<'_>, payment: &mut Payment) -> Result<(), Refusal> {
    payment.org = draft.text("org")?;
    payment.product = draft.text("product")?;
    payment.pcat = draft.text("pcat")?;
    payment.man = draft.text("man")?;
    payment.model = draft.text("model")?;
    payment.duration = draft.text("duration")?;
    payment.country = draft.text("country")?.map(|country| country.to_uppercase());
    payment.region = draft.text("region")?;
    payment.rcode = draft.text("rcode")?;
    payment.campaign_id = draft.text("campaign_id")?;
    payment.starts = draft.time("starts")?;
    payment.ends = draft.time("ends")?;
    payment.invoiced_at = draft.time("invoiced_at")?;
    payment.paid_at = draft.time("paid_at")?;
    Ok(())
}
