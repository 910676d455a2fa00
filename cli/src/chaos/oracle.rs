//! The oracle: compares what the client knows with every table and view. It asks the database directly and counts
//! without FINAL: what was stored twice is a fault, also when it would be merged away.

mod books;
mod events;
mod evidence;
mod payments;
mod settle;
mod views;

pub use books::books;
pub use settle::settle;

use super::{
    lab::Lab,
    load::{accounts::Accounts, draw::Draw},
};
use crate::Failure;
use serde::Serialize;

/// Ids shown of each fault, at most.
const SHOWN: usize = 20;

/// What the oracle saw of one table.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Ids that were accepted.
    pub accepted: u64,
    /// Ids that had no definite answer: each may be there, once.
    pub in_doubt: u64,
    /// Ids in the table.
    pub stored: u64,
    /// Accepted and not there.
    pub lost: u64,
    /// Rows beyond the first of an id.
    pub doubled: u64,
    /// Refused, or never sent, and there all the same.
    pub strangers: u64,
    /// Some of them, with where the topics have them.
    pub shown: Vec<String>,
}

impl Compared {
    /// Nothing is lost, doubled or strange.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.strangers == 0
    }

    fn show(&mut self, what: impl FnOnce() -> String) {
        if self.shown.len() < SHOWN {
            self.shown.push(what());
        }
    }
}

/// What it saw of all.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Table `events`.
    pub events: Compared,
    /// Table `payments`.
    pub payments: Compared,
    /// Table `dead_letters`.
    pub dead_letters: Compared,
    /// Each view that differs from what its table says, and how.
    pub views: Vec<String>,
    /// What else is wrong: sums, bad events that were taken.
    pub wrong: Vec<String>,
}

impl Judgement {
    /// Nothing at all is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let tables = [&self.events, &self.payments, &self.dead_letters];
        tables.iter().all(|table| table.is_well()) && self.views.is_empty() && self.wrong.is_empty()
    }

    /// Ids that were accepted and are nowhere.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.events.lost + self.payments.lost + self.dead_letters.lost
    }

    /// Rows that are there once too often.
    #[must_use]
    pub fn doubled(&self) -> u64 {
        self.events.doubled + self.payments.doubled + self.dead_letters.doubled
    }
}

/// Compares everything.
///
/// # Errors
/// A database that does not answer.
pub async fn judge(lab: &Lab, draw: &Draw, accounts: &Accounts) -> Result<Judgement, Failure> {
    let client = lab.client()?;
    let mut judgement = Judgement {
        events: events::compare(&client, draw, accounts).await?,
        payments: payments::compare(&client, draw, accounts).await?,
        dead_letters: events::compare_dead(&client, accounts).await?,
        views: views::compare(&client).await?,
        wrong: payments::sums(&client, draw).await?,
    };
    for number in accounts.bad.numbers(super::load::accounts::Known::Accepted).take(SHOWN) {
        judgement
            .wrong
            .push(format!("a bad event was accepted: {}", draw.event(super::load::draw::Item::Bad(number))));
    }
    if accounts.garbage_taken > 0 {
        judgement.wrong.push(format!("{} bodies that are no JSON were accepted", accounts.garbage_taken));
    }
    evidence::gather(lab, &mut judgement).await;
    Ok(judgement)
}
