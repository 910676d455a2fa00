//! What is sent: every event, payment and mistake of a seed, by its number. Pure, and the same each time, so that
//! nothing has to be remembered but what became of it.

use crate::send::sample::Random;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

/// What an id names. It stands in the id, with the number, so that a row found in a table says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An event.
    Event,
    /// An event that has to be refused.
    Bad,
    /// A payment.
    Payment,
    /// A payment that measures how long one takes.
    Probe,
    /// A visitor.
    Visitor,
    /// A session.
    Session,
    /// A user.
    User,
    /// An order.
    Order,
    /// A message thread.
    Thread,
    /// A tenant.
    Tenant,
}

const KINDS: [Kind; 10] = [
    Kind::Event,
    Kind::Bad,
    Kind::Payment,
    Kind::Probe,
    Kind::Visitor,
    Kind::Session,
    Kind::User,
    Kind::Order,
    Kind::Thread,
    Kind::Tenant,
];

/// Everything that a seed sends.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    seed: u64,
    /// Milliseconds since the epoch when the run began: events happened up to four weeks before.
    base_ms: i64,
}

/// One event of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The event of this number.
    Event(u64),
    /// Something that has to be refused.
    Bad(u64),
}

/// How a block is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Events of one request; 1: each alone, as an object.
    pub batch: usize,
    /// As a server, with the secret key.
    pub server: bool,
}

/// New events of one block.
pub const BLOCK: u64 = 100;
/// New payments of one block.
pub const PAYMENTS: u64 = 3;

/// What is sent together, more or less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How.
    pub shape: Shape,
    /// Events, some of them for the second time, and mistakes.
    pub items: Vec<Item>,
    /// Payments, some of them for the second time.
    pub payments: Vec<u64>,
    /// Whether a body that is no JSON is sent too.
    pub garbage: bool,
}

const FOUR_WEEKS: u64 = 28 * 24 * 60 * 60 * 1000;
const CURRENCIES: [&str; 3] = ["EUR", "USD", "JPY"];

impl Draw {
    /// Of a seed, at a time.
    #[must_use]
    pub const fn new(seed: u64, base_ms: i64) -> Self {
        Self { seed, base_ms }
    }

    /// The id of the thing of that number.
    #[must_use]
    pub fn id(&self, kind: Kind, number: u64) -> Uuid {
        let seed = u128::from(self.random(Kind::Tenant, u64::MAX).below(1 << 32));
        let noise = u128::from(self.random(kind, number).below(1 << 16));
        let raw = seed << 96 | noise << 80 | (kind as u128) << 64 | u128::from(number & ((1 << 48) - 1));
        Builder::from_u128(raw)
            .with_version(uuid::Version::Custom)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }

    /// What an id names; `None`: it is none of this seed.
    #[must_use]
    pub fn named(&self, id: Uuid) -> Option<(Kind, u64)> {
        let raw = id.as_u128();
        let kind = *KINDS.get(usize::try_from(raw >> 64 & 0xfff).ok()?)?;
        let number = u64::try_from(raw & ((1 << 48) - 1)).ok()?;
        (self.id(kind, number) == id).then_some((kind, number))
    }

    fn random(&self, kind: Kind, number: u64) -> Random {
        Random::new(
            self.seed.rotate_left(17) ^ (kind as u64) << 56 ^ number.wrapping_mul(0xd134_2543_de82_ef95),
        )
    }

    /// A block's contents.
    #[must_use]
    pub fn block(&self, number: u64) -> Block {
        let mut random = Random::new(self.seed ^ 0xb10c ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
        let (first, payment) = (number * BLOCK, number * PAYMENTS);
        let mut items: Vec<Item> = (first..first + BLOCK).map(Item::Event).collect();
        let place = |random: &mut Random, items: &[Item]| {
            usize::try_from(random.below(items.len() as u64 + 1)).unwrap_or(0)
        };
        for index in 0..random.below(4) {
            let bad = place(&mut random, &items);
            items.insert(bad, Item::Bad(number * 4 + index));
        }
        for _ in 0..random.below(6) {
            // Of the last blocks mostly, which may be under way still; now and then of any.
            let near = random.percent(80);
            let reach = if near { first.min(8 * BLOCK) } else { first };
            let again = place(&mut random, &items);
            items.insert(again, Item::Event(first + BLOCK - 1 - random.below(reach + BLOCK)));
        }
        let mut payments: Vec<u64> = (payment..payment + PAYMENTS).collect();
        if random.percent(30) {
            payments.push(random.below(payment + PAYMENTS));
        }
        let batch = [100, 100, 100, 25, 25, 10, 5].get(usize::try_from(random.below(7)).unwrap_or(0));
        let batch = if random.percent(3) { 1 } else { batch.copied().unwrap_or(100) };
        Block {
            shape: Shape { batch, server: random.percent(60) },
            items,
            payments,
            garbage: random.percent(5),
        }
    }

    /// What is sent of an item.
    #[must_use]
    pub fn event(&self, item: Item) -> Value {
        match item {
            Item::Event(number) => self.good(number),
            Item::Bad(number) => self.bad(number),
        }
    }

    fn good(&self, number: u64) -> Value {
        let mut random = self.random(Kind::Event, number);
        let name = random.pick(&["page_view", "click", "scroll", "search", "signup"]);
        let mut event = json!({
            "eid": self.id(Kind::Event, number),
            "oid": self.id(Kind::Tenant, random.below(3)),
            "ename": name,
            "cflags": 5377,
            "vid": self.id(Kind::Visitor, random.below(4000)),
            "sid": self.id(Kind::Session, random.below(12_000)),
            "url": format!("https://shop.example/p/{}?q={number}", random.below(300)),
            "created_at": self.base_ms.saturating_sub_unsigned(random.below(FOUR_WEEKS)),
            "params": { "n": number },
        });
        if let Some(fields) = event.as_object_mut() {
            if random.percent(10) {
                fields.insert("tid".to_owned(), json!(self.id(Kind::Thread, random.below(200))));
            }
            if random.percent(20) {
                fields.insert("uid".to_owned(), json!(self.id(Kind::User, random.below(900))));
            }
            if random.percent(30) {
                fields.insert("last".to_owned(), json!("https://www.google.com/"));
            }
        }
        event
    }

    fn bad(&self, number: u64) -> Value {
        let id = self.id(Kind::Bad, number);
        match number % 4 {
            0 => json!({ "eid": id }),
            1 => json!({ "eid": id, "ename": "bad", "oid": "no uuid" }),
            2 => json!({ "eid": id, "ename": "bad", "score": "many" }),
            _ => json!({ "eid": id, "ename": "bad\u{0}" }),
        }
    }

    /// What is sent of a payment, or of a probe.
    #[must_use]
    pub fn payment(&self, kind: Kind, number: u64) -> Value {
        let (currency, units) = self.amount(kind, number);
        let mut random = self.random(kind, number ^ 1 << 47);
        let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
        json!({
            "id": self.id(kind, number),
            "oid": self.id(Kind::Tenant, random.below(3)),
            "uid": self.id(Kind::User, random.below(900)),
            "vid": self.id(Kind::Visitor, random.below(4000)),
            "orid": self.id(Kind::Order, number / 2),
            "currency": currency,
            "revenue": format!("{sign}{}.{:04}", units / 10_000, units % 10_000),
        })
    }

    /// Currency and revenue of a payment, in ten-thousandths; some are refunds.
    #[must_use]
    pub fn amount(&self, kind: Kind, number: u64) -> (&'static str, i64) {
        let mut random = self.random(kind, number);
        let currency = random.pick(&CURRENCIES);
        let units = i64::try_from(random.below(5_000_000)).unwrap_or(0) + 1;
        (currency, if random.percent(10) { -units } else { units })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const DRAW: Draw = Draw::new(42, 1_790_000_000_000);

    #[test]
    fn an_id_says_what_it_names_and_whose_it_is() {
        for kind in KINDS {
            for number in [0, 1, 999_999, (1 << 48) - 1] {
                assert_eq!(DRAW.named(DRAW.id(kind, number)), Some((kind, number)));
            }
        }
        assert_eq!(DRAW.named(Draw::new(43, 0).id(Kind::Event, 5)), None);
        assert_eq!(DRAW.named(Uuid::now_v7()), None);
    }

    #[test]
    fn the_blocks_hold_every_event_and_payment_and_some_twice() {
        let blocks: Vec<Block> = (0..200).map(|number| DRAW.block(number)).collect();
        let events: Vec<u64> = blocks
            .iter()
            .flat_map(|block| &block.items)
            .filter_map(|item| if let Item::Event(number) = item { Some(*number) } else { None })
            .collect();
        let once: HashSet<u64> = events.iter().copied().collect();
        assert_eq!(once, (0..200 * BLOCK).collect());
        assert!(events.len() > once.len() + 200);
        let payments: Vec<u64> = blocks.iter().flat_map(|block| block.payments.clone()).collect();
        let once: HashSet<u64> = payments.iter().copied().collect();
        assert_eq!(once, (0..200 * PAYMENTS).collect());
        assert!(payments.len() > once.len());
        assert!(
            blocks.iter().any(|block| block.shape.batch == 1) && blocks.iter().any(|block| block.garbage)
        );
    }

    #[test]
    fn what_is_sent_again_is_the_same() {
        assert_eq!(DRAW.event(Item::Event(7)), DRAW.event(Item::Event(7)));
        assert_eq!(DRAW.payment(Kind::Payment, 7), DRAW.payment(Kind::Payment, 7));
        assert_ne!(DRAW.payment(Kind::Payment, 7), DRAW.payment(Kind::Payment, 8));
    }

    #[test]
    fn a_revenue_is_its_amount() {
        for number in 0..100 {
            let (_, units) = DRAW.amount(Kind::Payment, number);
            let sent = DRAW.payment(Kind::Payment, number);
            let revenue: f64 = sent["revenue"].as_str().unwrap().parse().unwrap();
            assert!((revenue * 10_000.0 - units as f64).abs() < 0.5, "{sent}");
        }
    }
}
