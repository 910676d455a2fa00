//! When is it over? When every accepted id is there and nothing has changed for a while; or when nothing changes and
//! something is missing.

use crate::{
    Failure,
    chaos::{
        lab::Lab,
        load::accounts::{Accounts, Known},
    },
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
/// Nothing may come late for so long, once all is there.
const QUIET: Duration = Duration::from_secs(4);
/// Longer than any wait of the lanes: a breaker of 30 s, a transaction of a minute, a session that has to end.
const GIVEN_UP: Duration = Duration::from_secs(150);

#[derive(Deserialize, PartialEq, Eq, Debug, Clone, Copy, Default)]
struct Seen {
    events: u64,
    event_rows: u64,
    payments: u64,
    payment_rows: u64,
    letters: u64,
    letter_rows: u64,
}

const SQL: &str = "SELECT
    (SELECT uniqExact(eid) FROM events) AS events, (SELECT count() FROM events) AS event_rows,
    (SELECT uniqExact(id) FROM payments) AS payments, (SELECT count() FROM payments) AS payment_rows,
    (SELECT uniqExact(key) FROM dead_letters) AS letters, (SELECT count() FROM dead_letters) AS letter_rows";

/// Waits; how long it took until the last change.
///
/// # Errors
/// A database that cannot be asked at all.
pub async fn settle(lab: &Lab, accounts: &Accounts) -> Result<Duration, Failure> {
    let client = lab.client()?;
    let wanted = Seen {
        events: accounts.events.count(Known::Accepted),
        payments: accounts.payments.count(Known::Accepted) + accounts.probes.count(Known::Accepted),
        letters: accounts.unreadable.len() as u64,
        ..Seen::default()
    };
    let began = Instant::now();
    let (mut last, mut changed) = (Seen::default(), began);
    loop {
        let seen: Vec<Seen> = client.rows(SQL, &[]).await.unwrap_or_default();
        if let Some(seen) = seen.first().copied()
            && seen != last
        {
            (last, changed) = (seen, Instant::now());
        }
        let all = last.events >= wanted.events
            && last.payments >= wanted.payments
            && last.letters >= wanted.letters;
        let patience = if all { QUIET } else { GIVEN_UP };
        if changed.elapsed() >= patience {
            return Ok(changed - began);
        }
        sleep(LOOK).await;
    }
}
