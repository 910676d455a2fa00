//! A payment is stored once, whenever its id comes again: days later, from another edge, from another partition.
//!
//! Every row carries the token of the insert that stored it. Before a range is written, the table is asked which payments
//! of it are stored: those that another insert stored are dropped as [`DUPLICATE`], and so is each repeat within the
//! range. Those that an insert of this very token stored stay: the range is then being repeated, and its insert must be
//! the same, so that what died between the table and its views is completed.
//!
//! A tenant's ids are its own: the same id of another tenant is another payment.
//!
//! The topic is keyed by payment id, so that one partition has all repeats of an id, and within a process partitions take
//! turns. One door is left: partitions were added, two copies of an id were unread in two of them, and two processes store
//! them in the same moment. Then the table has both until ClickHouse merges them into one; lifetime values count one.

use crate::{
    clickhouse::{Client, within},
    rows::{PaymentKey, PaymentRow},
};
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracker_stream::{
    envelope::PlannedRange,
    fault::{Fault, WriteError},
    lane::{Sift, Sink},
    strategy::Pressure,
};
use uuid::Uuid;

/// Why a payment is dropped whose id is stored already: the same tag as that of a repeated event.
pub use tracker_stream::transact::DUPLICATE;

/// Payments asked after at once: as many as a batch has.
const ASKED: usize = 1000;
/// How long an answer may take: a ClickHouse that says nothing is not there.
const ANSWER: Duration = Duration::from_secs(30);

/// The table `payments`, in which each id stands once.
#[derive(Clone)]
pub struct Once {
    client: Client,
    /// Whose turn it is. Where partitions were added, repeats of an id may stand in two of them, and both would find
    /// nothing if they asked at once.
    turn: Arc<Mutex<()>>,
}

impl Once {
    /// Over the client of the process.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, turn: Arc::default() }
    }

    /// Which of `keys` are stored, and by whom.
    async fn stored(&self, keys: &[PaymentKey], token: &str) -> Result<Stored, Fault> {
        let mut stored = Stored::new();
        for keys in keys.chunks(ASKED) {
            let list: Vec<String> =
                keys.iter().map(|PaymentKey { oid, id }| format!("('{oid}','{id}')")).collect();
            let sql = format!(
                "SELECT oid, id, token = {{token:String}} AS ours FROM payments WHERE (oid, id) IN ({})",
                list.join(",")
            );
            let named = [("token", token)];
            for Found { oid, id, ours } in within(ANSWER, self.client.rows::<Found>(&sql, &named)).await? {
                let by = if ours { By::ThisInsert } else { By::Another };
                let known = stored.entry(PaymentKey { oid, id }).or_insert(by);
                *known = (*known).min(by);
            }
        }
        Ok(stored)
    }
}

#[derive(Deserialize)]
struct Found {
    oid: Uuid,
    id: Uuid,
    #[serde(deserialize_with = "bit")]
    ours: bool,
}

/// ClickHouse writes what a comparison gives as 0 or 1.
fn bit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    u8::deserialize(deserializer).map(|bit| bit != 0)
}

/// Who stored a payment. Where both did, this insert did: it must be the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    ThisInsert,
    Another,
}

type Stored = HashMap<PaymentKey, By>;

/// For each of `keys`, in order, whether it is a repeat. The same for the same range, however often it is asked.
fn repeats(keys: &[PaymentKey], stored: &Stored) -> Vec<Option<&'static str>> {
    let mut met = HashSet::with_capacity(keys.len());
    keys.iter()
        .map(|key| {
            let is_repeat = !met.insert(*key) || stored.get(key) == Some(&By::Another);
            is_repeat.then_some(DUPLICATE)
        })
        .collect()
}

impl Sift<PaymentRow> for Once {
    type Turn = OwnedMutexGuard<()>;

    async fn turn(&self) -> Self::Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    async fn sift(
        &self,
        range: &PlannedRange,
        items: &[PaymentRow],
    ) -> Result<Vec<Option<&'static str>>, Fault> {
        let keys: Vec<PaymentKey> = items.iter().map(PaymentRow::key).collect();
        let stored = self.stored(&keys, &range.token()).await?;
        Ok(repeats(&keys, &stored))
    }
}

impl Sink<PaymentRow> for Once {
    async fn write(&self, range: &PlannedRange, items: &[PaymentRow]) -> Result<(), WriteError> {
        let token = range.token();
        let rows: Vec<PaymentRow> = items.iter().map(|row| row.stamped(&token)).collect();
        self.client.insert(&rows, &token).await
    }

    fn pressure(&self, fault: Option<&Fault>) -> Pressure {
        Sink::<PaymentRow>::pressure(&self.client, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(oid: u128, id: u128) -> PaymentKey {
        PaymentKey { oid: Uuid::from_u128(oid), id: Uuid::from_u128(id) }
    }

    const KEPT: Option<&str> = None;
    const DROPPED: Option<&str> = Some(DUPLICATE);

    #[test]
    fn what_another_insert_stored_is_dropped_and_the_rest_is_kept() {
        let stored = Stored::from([(key(1, 1), By::Another)]);
        assert_eq!(repeats(&[key(1, 1), key(1, 2)], &stored), [DROPPED, KEPT]);
    }

    #[test]
    fn a_repeat_within_the_range_is_dropped() {
        assert_eq!(repeats(&[key(1, 1), key(1, 2), key(1, 1)], &Stored::new()), [KEPT, KEPT, DROPPED]);
    }

    #[test]
    fn the_same_id_of_another_tenant_is_another_payment() {
        let stored = Stored::from([(key(1, 1), By::Another)]);
        assert_eq!(repeats(&[key(2, 1), key(3, 1)], &stored), [KEPT, KEPT]);
    }

    #[test]
    fn a_range_that_is_repeated_is_the_same_again() {
        let keys = [key(1, 1), key(1, 2), key(1, 1), key(1, 3)];
        let before = Stored::from([(key(1, 3), By::Another)]);
        let first = repeats(&keys, &before);
        let mut after = before;
        let kept = keys.iter().zip(&first).filter(|(_, verdict)| verdict.is_none());
        after.extend(kept.map(|(key, _)| (*key, By::ThisInsert)));
        assert_eq!(repeats(&keys, &after), first);
    }

    #[test]
    fn who_stored_it_first_does_not_matter_where_this_insert_did_too() {
        assert_eq!(By::Another.min(By::ThisInsert), By::ThisInsert);
    }
}
