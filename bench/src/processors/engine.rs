//! ClickHouse's own way from Kafka to a table: its table engine, and a materialised view behind it. The same rows, each as a
//! line of JSON, for the engine knows no single-object Avro.

use super::{
    ask::{self, failed},
    drain::merged,
    native,
};
use crate::{reference::raw, site::Site};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tracker_cli::Failure;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Blocks in which it reads the rows. It stores whole blocks, and this is how many it can be watched at.
const BLOCKS: u64 = 2;
/// No two topics of the rows have the same name.
static TOPICS: AtomicU32 = AtomicU32::new(0);

/// Rows of `events`, or some columns of them, each a line of JSON.
pub struct Lines {
    text: Arc<str>,
    /// How many.
    pub count: u64,
}

impl Lines {
    /// The first so many of a site, so that they make whole blocks.
    ///
    /// # Errors
    /// A database that does not give them.
    pub async fn of(site: &Site, columns: &str, count: u64) -> Result<Self, Failure> {
        let (count, database) = (count / BLOCKS * BLOCKS, ask::database(site)?);
        let query = format!("SELECT {columns} FROM {database}.events LIMIT {count} FORMAT JSONEachRow");
        Ok(Self { text: ask::sql(site, &query).await?.into(), count })
    }

    /// Puts them into a topic of their own; its name.
    ///
    /// # Errors
    /// A broker that does not take them.
    pub async fn produce(&self, site: &Site) -> Result<String, Failure> {
        let topic = new_topic(site).await?;
        self.produce_into(site, &topic).await?;
        Ok(topic)
    }

    /// The same, into a topic that is there.
    ///
    /// # Errors
    /// As [`Lines::produce`].
    pub async fn produce_into(&self, site: &Site, topic: &str) -> Result<(), Failure> {
        let (brokers, topic, text) = (site.kafka()?.brokers, topic.to_owned(), Arc::clone(&self.text));
        raw::blocking(move || {
            let producer: BaseProducer =
                raw::client(&brokers).set("linger.ms", "20").create().map_err(failed)?;
            for line in text.lines() {
                raw::put(&producer, BaseRecord::<(), str>::to(&topic).payload(line))?;
            }
            producer.flush(PATIENCE).map_err(failed)
        })
        .await
    }
}

/// An empty topic for lines.
///
/// # Errors
/// A broker that does not make it.
pub async fn new_topic(site: &Site) -> Result<String, Failure> {
    site.topic(&format!("lines{}", TOPICS.fetch_add(1, Ordering::Relaxed))).await
}

/// Rows a second that it stores, into a site's `events` with all its views.
///
/// # Errors
/// A database without that engine; one that does not store the rows in time.
pub async fn rate(site: &Site, lines: &Lines) -> Result<f64, Failure> {
    let (topic, brokers) = (lines.produce(site).await?, site.kafka()?.brokers);
    let database = ask::database(site)?;
    native::empty(site, &database).await?;
    merged(site).await?; // what was deleted is not its cost
    let block = lines.count / BLOCKS;
    for statement in [
        "CREATE DATABASE engine".to_owned(),
        // A block goes when it is full, and by no clock.
        format!(
            "CREATE TABLE engine.queue AS {database}.events ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', \
             kafka_topic_list = '{topic}', kafka_group_name = '{topic}', kafka_format = 'JSONEachRow', \
             kafka_num_consumers = 1, kafka_max_block_size = {block}, kafka_poll_max_batch_size = {block}, \
             kafka_flush_interval_ms = 60000"
        ),
        format!("CREATE MATERIALIZED VIEW engine.carry TO {database}.events AS SELECT * FROM engine.queue"),
    ] {
        ask::sql(site, &statement).await?;
    }
    let measured = stored(site, &database, lines.count as f64).await;
    ask::sql(site, "DROP DATABASE engine SYNC").await?;
    measured
}

/// From when it has its partitions: joining the group is not counted.
async fn stored(site: &Site, database: &str, rows: f64) -> Result<f64, Failure> {
    let (began, mut joined) = (Instant::now(), None);
    while began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await;
        let partitions = "SELECT sum(length(assignments.partition_id)) FROM system.kafka_consumers";
        let since = match joined {
            None if ask::number(site, partitions).await? == 0.0 => continue,
            None => *joined.insert(Instant::now()),
            Some(since) => since,
        };
        if ask::number(site, &format!("SELECT count() FROM {database}.events")).await? >= rows {
            return Ok(rows / since.elapsed().as_secs_f64());
        }
    }
    Err(failed("the Kafka engine did not store the rows in time"))
}
