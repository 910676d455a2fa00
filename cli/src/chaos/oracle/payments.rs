//! The table of payments, id by id and to the last cent.

use super::{Compared, events::compare_ids};
use crate::{
    Failure,
    chaos::load::{
        accounts::Accounts,
        draw::{Draw, Kind},
    },
};
use serde::Deserialize;
use std::collections::BTreeMap;
use tracker_processors::clickhouse::Client;
use uuid::Uuid;

/// Compares `payments` with what was accepted.
pub(super) async fn compare(client: &Client, draw: &Draw, accounts: &Accounts) -> Result<Compared, Failure> {
    let columns = BTreeMap::from([(Kind::Payment, &accounts.payments), (Kind::Probe, &accounts.probes)]);
    compare_ids(client, draw, ("payments", "id"), &columns).await
}

#[derive(Deserialize)]
struct Sum {
    currency: String,
    revenue: i64,
}

#[derive(Deserialize)]
struct Paid {
    id: Uuid,
}

/// The sums of the table, and those of what its ids stand for, exact in ten-thousandths; a line for each that differs.
pub(super) async fn sums(client: &Client, draw: &Draw) -> Result<Vec<String>, Failure> {
    let sql = "SELECT currency, toInt64(sum(revenue) * 10000) AS revenue FROM payments GROUP BY currency";
    let table: Vec<Sum> = client.rows(sql, &[]).await?;
    let mut found: BTreeMap<String, i64> = table.into_iter().map(|sum| (sum.currency, sum.revenue)).collect();
    let ids: Vec<Paid> = client.rows("SELECT DISTINCT id FROM payments", &[]).await?;
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for Paid { id } in ids {
        if let Some((kind @ (Kind::Payment | Kind::Probe), number)) = draw.named(id) {
            let (currency, units) = draw.amount(kind, number);
            *wanted.entry(currency).or_default() += units;
        }
    }
    let mut wrong = Vec::new();
    for (currency, wanted) in wanted {
        let sum = found.remove(currency).unwrap_or(0);
        if sum != wanted {
            wrong.push(format!("revenue in {currency}: {sum} ten-thousandths instead of {wanted}"));
        }
    }
    wrong.extend(
        found.into_iter().map(|(currency, sum)| format!("revenue in {currency}: {sum} that nobody paid")),
    );
    Ok(wrong)
}
