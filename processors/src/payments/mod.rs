//! `tracker-payments`: payments into ClickHouse, each as soon as it has arrived.
//!
//! Shares nothing with the other processors but code: own process, group, connections. What the views of lifetime value
//! show follows from the table `payments` in the same insert.

mod once;

pub use once::DUPLICATE;

use crate::{
    clickhouse,
    config::LoaderConfig,
    dead::{self, DeadLetters, Reader},
    groups,
    ledger::{self, LedgerBooks},
    load::{Ends, Parts},
    rows::{PaymentRow, TableRow},
};
use once::Once;
use tracker_schemas::Payment;
use tracker_stream::{
    config::{Mistakes, Settings},
    process::{Failure, Start},
    telemetry::{self, Health},
};

/// `payments` → `payments`.
pub const PAYMENTS: &str = "payments";

/// Checks the settings without starting.
///
/// # Errors
/// Every mistake in them.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    LoaderConfig::read(settings, "payments", &[PAYMENTS]).map(drop)
}

/// Loads payments until the shutdown.
///
/// # Errors
/// Wrong settings, an address in use, or a fault of the source that waiting does not mend.
pub async fn run(start: Start) -> Result<(), Failure> {
    let Start { settings, metrics, shutdown, .. } = start;
    let config = LoaderConfig::read(&settings, "payments", &[PAYMENTS])?;
    let health = Health::of(&[PAYMENTS, dead::PRODUCER, ledger::PRODUCER, clickhouse::PART]);
    let dead = DeadLetters::start(&settings, Reader { process: "payments", lane: PAYMENTS }, &health).await?;
    let parts = Parts { settings: &settings, config: &config, dead: &dead, health: &health };
    let (once, books) =
        (Once::new(config.client.clone()), LedgerBooks::start(&settings, "payments", &health).await?);
    let ends = Ends { sift: once.clone(), sink: once, books };
    let payments = parts.lane::<Payment, PaymentRow, _, _, _>(PAYMENTS, ends).await?;

    groups::watch(&settings, &shutdown)?;
    config.client.watch(&[PaymentRow::TABLE], &health, &shutdown);
    telemetry::serve(config.process.listen, health, metrics, shutdown.clone()).await?;
    Ok(payments.run(shutdown).await?)
}
