//! The other way from Kafka to ClickHouse that others would take: Benthos' engine, which reads lines of JSON and inserts rows of
//! some columns by ClickHouse's own Go client, into a plain table without views.

use super::{
    ask::{self, failed},
    engine::{Lines, new_topic},
};
use crate::{bench::Bench, cpu, latency::us, reference::bento::Bento, site::Site};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::Failure;

/// A quarter of the columns that load fills.
pub const COLUMNS: &str = "eid, vid, sid, oid, app, rel, ptyp, ename, etyp, url, last, source, medium, campaign, culture, tz, \
                           country, city, params, user_agent, w, h, cflags, duration, created_at";
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its CPU for a row, microseconds; `None`: it is not built.
///
/// # Errors
/// One that does not come up; rows that do not come.
pub async fn us_a_row(bench: &Bench, site: &Site, lines: &Lines) -> Result<Option<f64>, Failure> {
    let database = ask::database(site)?;
    let make = format!(
        "CREATE OR REPLACE TABLE {database}_plain.few ENGINE = MergeTree ORDER BY (oid, created_at) \
         AS SELECT {COLUMNS} FROM {database}.events LIMIT 0"
    );
    ask::sql(site, &make).await?;
    let topic = new_topic(site).await?;
    let told = [
        ("BROKERS", site.kafka()?.brokers),
        ("GROUP", topic.clone()),
        ("TOPIC", topic.clone()),
        ("CLICKHOUSE", format!("127.0.0.1:{}", ask::port(site).await?)),
        ("TABLE", format!("{database}_plain.few")),
        ("COLUMNS", COLUMNS.to_owned()),
    ];
    let Some(bento) = Bento::start(bench, "clickhouse.yaml", &told).await? else { return Ok(None) };
    let (pid, began) = (bento.target().pid, Instant::now());
    let before = cpu::used(pid)?;
    lines.produce_into(site, &topic).await?;
    while ask::number(site, &format!("SELECT count() FROM {database}_plain.few")).await? < lines.count as f64
    {
        if began.elapsed() > PATIENCE {
            return Err(failed("Benthos did not store the rows in time"));
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(Some(us(cpu::used(pid)?.saturating_sub(before)) / lines.count as f64))
}
