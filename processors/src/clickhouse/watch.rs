//! Whether the database can be used, for readiness.

use super::{Client, query::within};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracker_stream::{fault::Fault, telemetry::Health};

/// Name of the part in readiness.
pub const PART: &str = "clickhouse";

const EVERY: Duration = Duration::from_secs(2);
/// Parts are counted at every so many looks: they grow slowly.
const COUNTED: u32 = 5;
/// How long one look may take: a ClickHouse that takes connections and says nothing is not there.
const ANSWER: Duration = Duration::from_secs(10);

impl Client {
    /// Looks every two seconds whether ClickHouse answers and has `tables`, and tells `health`, until `shutdown`.
    pub fn watch(&self, tables: &'static [&'static str], health: &Health, shutdown: &CancellationToken) {
        let (client, health, shutdown) = (self.clone(), health.clone(), shutdown.clone());
        tokio::spawn(shutdown.run_until_cancelled_owned(async move {
            for look in (0..COUNTED).cycle() {
                let looked = within(ANSWER, client.has(tables)).await;
                let answers = looked.is_ok();
                health.set(PART, looked.map_err(|fault| fault.to_string()));
                if look == 0 && answers {
                    // Without a right to see them, batches are made without knowing.
                    let _uncounted = within(ANSWER, client.count_parts()).await;
                }
                tokio::time::sleep(EVERY).await;
            }
        }));
    }

    /// Errors when a table is missing, or ClickHouse does not answer.
    async fn has(&self, tables: &[&str]) -> Result<(), Fault> {
        for table in tables {
            self.execute(&format!("SELECT 1 FROM {table} LIMIT 0"), &[]).await?;
        }
        Ok(())
    }
}
