//! The table of events, and that of dead letters, id by id.

use super::Compared;
use crate::{
    Failure,
    chaos::{
        count::count,
        load::{
            accounts::{Accounts, Column, Known},
            draw::{Draw, Kind},
        },
    },
};
use serde::Deserialize;
use std::collections::BTreeMap;
use tracker_processors::clickhouse::Client;
use uuid::Uuid;

#[derive(Deserialize)]
struct Found {
    id: Uuid,
    rows: u64,
}

/// Ids asked for at once, about.
const PAGE: u64 = 250_000;

/// Compares `events` with what was accepted.
pub(super) async fn compare(client: &Client, draw: &Draw, accounts: &Accounts) -> Result<Compared, Failure> {
    let columns = BTreeMap::from([(Kind::Event, &accounts.events)]);
    let mut compared = compare_ids(client, draw, ("events", "eid"), &columns).await?;
    // Doubles are merged away in time, but a view has counted every row that was ever stored.
    let counted = count(client, "SELECT sum(events) AS n FROM dailies", &[]).await?;
    compared.doubled = compared.doubled.max(counted.saturating_sub(compared.stored));
    Ok(compared)
}

/// Compares the ids of a table with columns of accounts.
pub(super) async fn compare_ids(
    client: &Client,
    draw: &Draw,
    (table, id): (&str, &str),
    columns: &BTreeMap<Kind, &Column>,
) -> Result<Compared, Failure> {
    let known = |known| columns.values().map(|column| column.count(known)).sum();
    let mut compared =
        Compared { accepted: known(Known::Accepted), in_doubt: known(Known::InDoubt), ..Compared::default() };
    let mut found: BTreeMap<Kind, Vec<bool>> = BTreeMap::new();
    let rows = count(client, &format!("SELECT count() AS n FROM {table}"), &[]).await?;
    let pages = rows / PAGE + 1;
    for page in 0..pages {
        let sql = format!(
            "SELECT {id} AS id, count() AS rows FROM {table} WHERE sipHash64({id}) % {pages} = {page} GROUP BY {id}"
        );
        for Found { id, rows } in client.rows(&sql, &[]).await? {
            compared.stored += 1;
            compared.doubled += rows - 1;
            if rows > 1 {
                compared.show(|| format!("{id} {rows} times"));
            }
            let named = draw.named(id).and_then(|(kind, number)| Some((kind, number, columns.get(&kind)?)));
            match named {
                Some((kind, number, column))
                    if matches!(column.known(number), Known::Accepted | Known::InDoubt) =>
                {
                    mark(found.entry(kind).or_default(), number);
                }
                _ => {
                    compared.strangers += 1;
                    compared.show(|| format!("{id} was refused or never sent"));
                }
            }
        }
    }
    for (kind, column) in columns {
        let seen = found.remove(kind).unwrap_or_default();
        let is_there =
            |number: &u64| usize::try_from(*number).ok().and_then(|place| seen.get(place)) == Some(&true);
        for number in column.numbers(Known::Accepted).filter(|number| !is_there(number)) {
            compared.lost += 1;
            compared.show(|| format!("{} lost", draw.id(*kind, number)));
        }
    }
    Ok(compared)
}

fn mark(seen: &mut Vec<bool>, number: u64) {
    let Ok(place) = usize::try_from(number) else { return };
    if seen.len() <= place {
        seen.resize(place + 1, false);
    }
    if let Some(slot) = seen.get_mut(place) {
        *slot = true;
    }
}

/// Compares `dead_letters` with what was put on the topic unread: a letter is one by where its message stood.
pub(super) async fn compare_dead(client: &Client, accounts: &Accounts) -> Result<Compared, Failure> {
    #[derive(Deserialize)]
    struct Letter {
        key: String,
        places: u64,
        rows: u64,
    }
    let sql = "SELECT key, uniqExact(topic, partition, offset) AS places, count() AS rows FROM dead_letters GROUP BY key";
    let mut compared = Compared { accepted: accounts.unreadable.len() as u64, ..Compared::default() };
    let letters: Vec<Letter> = client.rows(sql, &[]).await?;
    let mut missing = accounts.unreadable.clone();
    for Letter { key, places, rows } in letters {
        compared.stored += 1;
        compared.doubled += rows - places;
        if rows > places {
            compared.show(|| format!("dead letter {key} {rows} times, from {places} messages"));
        }
        if !missing.remove(&key) {
            compared.strangers += 1;
            compared.show(|| format!("dead letter {key} was never sent"));
        }
    }
    compared.lost = missing.len() as u64;
    for key in missing {
        compared.show(|| format!("dead letter {key} lost"));
    }
    Ok(compared)
}
