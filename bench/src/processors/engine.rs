//! ClickHouse's own way from Kafka to a table: its table engine, and a materialised view behind it. The same rows, each as a
//! line of JSON, for the engine knows no single-object Avro.

use super::ask::{self, failed};
use crate::{reference::raw, site::Site};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_cli::Failure;

/// Rows: it is slow.
const ROWS: u64 = 30_000;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows a second that it stores, of the rows of a site's `events`.
///
/// # Errors
/// A database without that engine; one that does not store the rows in time.
pub async fn rate(site: &Site, database: &str) -> Result<f64, Failure> {
    let rows =
        ask::sql(site, &format!("SELECT * FROM {database}.events LIMIT {ROWS} FORMAT JSONEachRow")).await?;
    let (topic, kafka) = (site.topic("engine").await?, site.kafka()?);
    let (brokers, to) = (kafka.brokers.clone(), topic.clone());
    let produced = tokio::task::spawn_blocking(move || produce(&brokers, &to, &rows));
    produced.await.map_err(failed)??;
    for statement in [
        "CREATE DATABASE engine".to_owned(),
        "CREATE TABLE engine.events AS twin.events".to_owned(),
        format!(
            "CREATE TABLE engine.queue AS {database}.events ENGINE = Kafka SETTINGS kafka_broker_list = '{}', \
             kafka_topic_list = '{topic}', kafka_group_name = 'engine', kafka_format = 'JSONEachRow', \
             kafka_num_consumers = 1, kafka_max_block_size = 100000",
            kafka.brokers
        ),
        "CREATE MATERIALIZED VIEW engine.carry TO engine.events AS SELECT * FROM engine.queue".to_owned(),
    ] {
        ask::sql(site, &statement).await?;
    }
    let measured = stored(site).await;
    ask::sql(site, "DROP DATABASE engine SYNC").await?;
    measured
}

/// From the first row that is there to the last: joining the group is not counted.
async fn stored(site: &Site) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut first: Option<(Instant, f64)> = None;
    loop {
        if began.elapsed() > PATIENCE {
            return Err(failed("the Kafka engine did not store the rows in time"));
        }
        sleep(Duration::from_millis(20)).await;
        // What is polled is counted before it is stored: the engine stores whole blocks.
        let read = ask::number(site, "SELECT sum(num_messages_read) FROM system.kafka_consumers").await?;
        let (since, before) = *match first {
            None if read == 0.0 => continue,
            ref mut first => first.get_or_insert((Instant::now(), read)),
        };
        if ask::number(site, "SELECT count() FROM engine.events").await? >= ROWS as f64 {
            return Ok((ROWS as f64 - before) / since.elapsed().as_secs_f64());
        }
    }
}

fn produce(brokers: &str, topic: &str, rows: &str) -> Result<(), Failure> {
    let producer: BaseProducer = raw::client(brokers).set("linger.ms", "20").create().map_err(failed)?;
    for row in rows.lines() {
        let record = BaseRecord::<(), str>::to(topic).payload(row);
        producer.send(record).map_err(|(error, _)| failed(error))?;
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(60)).map_err(failed)
}
