//! From a draft to payments: one for each line item, every amount exact, each with its own verdict. Never rounds,
//! and never lets an amount of the whole order count once for each item.

use crate::{
    decode::{Limits, object},
    draft::{Draft, Field},
    reason,
    stamp::Context,
};
use serde_json::value::RawValue;
use tracker_schemas::Payment;
use tracker_stream::fault::Refusal;

mod item;
#[cfg(test)]
mod tests;

use item::Item;

/// Fields of an order that are of no item: an id would make all items one, and amounts would count many times.
/// They go to the `params` of each item, as `order_total` and so on.
const OF_THE_ORDER: [&str; 17] = [
    "id",
    "qty",
    "price",
    "discount",
    "revenue",
    "amt",
    "amount",
    "margin",
    "cost",
    "tax",
    "tax_rate",
    "commission",
    "referral",
    "fees",
    "subtotal",
    "total",
    "payment",
];

/// Bytes that what is common may grow to when each item has its copy.
const MOST_COPIED: usize = 8 << 20;

/// Reads the payments of one body: `payments: [{…}]` with what is common to them, or one line item at the top. All
/// that stands at the top is common, where an item does not say otherwise, except amounts and the id.
///
/// A payment needs no owner: money without uid, vid, order and invoice still counts for its tenant, and to refuse
/// it would be to lose it. An `Idempotency-Key`, or the id of the order, makes the ids of items that have none.
///
/// # Errors
/// `payments` is no array, holds too many items, or what is common is too much for so many; a payment without line
/// items that is too long.
pub fn payments(
    mut draft: Draft<'_>,
    idempotency_key: Option<&str>,
    limits: &Limits,
    context: &Context<'_>,
) -> Result<Vec<Result<Payment, Refusal>>, Refusal> {
    let refuse = || reason::INVALID_TYPE.refuse("`payments` is an array of line items");
    let header = idempotency_key.map(str::trim).filter(|key| !key.is_empty());
    let array = match draft.take("payments").filter(|field| !field.is_blank()) {
        None => {
            check_size(draft.bytes(), limits)?;
            let item = Item { draft, order: Draft::new(), retry: header.map(|key| format!("{key}/0")) };
            return Ok(vec![item.payment(context)]);
        }
        Some(Field::Text(_)) => return Err(refuse()),
        Some(Field::Json(array)) => array,
    };
    let items: Vec<&RawValue> = serde_json::from_str(&array).map_err(|_| refuse())?;
    if items.len() > limits.events {
        let detail = format!("send at most {} payments in one request", limits.events);
        return Err(reason::TOO_MANY_EVENTS.refuse(detail));
    }
    let mut order = Draft::new();
    for name in OF_THE_ORDER {
        if let Some(field) = draft.take(name) {
            order.set(format!("order_{name}"), field);
        }
    }
    if (draft.bytes() + order.bytes()).saturating_mul(items.len()) > MOST_COPIED {
        return Err(
            reason::EVENT_TOO_LARGE.refuse("what is common to the payments is too long for so many items")
        );
    }
    let order_id = order.get("order_id").map(|id| id.as_text().to_owned());
    let key = header.map(str::to_owned).or(order_id);
    let verdicts = items.into_iter().enumerate().map(|(index, json)| {
        let mut all = draft.clone();
        all.overlay(object(json.get(), limits)?);
        check_size(all.bytes() + order.bytes(), limits)?;
        let retry = key.as_ref().map(|key| format!("{key}/{index}"));
        Item { draft: all, order: order.clone(), retry }.payment(context)
    });
    Ok(verdicts.collect())
}

/// One payment is one message, as one event is: the broker takes no longer ones.
fn check_size(bytes: usize, limits: &Limits) -> Result<(), Refusal> {
    let most = limits.event_bytes;
    let refuse = || reason::EVENT_TOO_LARGE.refuse(format!("a payment has at most {most} bytes"));
    if bytes > most { Err(refuse()) } else { Ok(()) }
}
