//! Live traffic goes first: what a replay looks at before each block.

use super::{ReplayConfig, Replayed, Store};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracker_stream::{
    fault::Fault,
    kafka::{Admin, KafkaConfig, Offsets, Reader, Reading},
};

/// How live traffic does.
pub struct Live {
    admin: Admin,
    kafka: KafkaConfig,
    config: ReplayConfig,
    /// Whether the lag of the loaders counts: with a rate of the operator's own it does not.
    heeds_lag: bool,
    looked_at: Option<Instant>,
}

/// How long a look is good for, and how long to wait before the next one.
const LOOK: Duration = Duration::from_secs(2);
/// Messages that are looked through to find whether any of them is more than a marker of a transaction.
const LOOKED_THROUGH: i64 = 10_000;

impl Live {
    /// A look at that broker.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn at(kafka: &KafkaConfig, config: &ReplayConfig, rate: Option<f64>) -> Result<Self, Fault> {
        Ok(Self {
            admin: Admin::connect(kafka)?,
            kafka: kafka.clone(),
            config: config.clone(),
            heeds_lag: rate.is_none(),
            looked_at: None,
        })
    }

    /// Waits while live traffic needs the database, and says why; never longer than `replay.yield_time`, for a loader
    /// that is down must not hold a replay for ever.
    ///
    /// # Errors
    /// Nobody to ask.
    pub async fn give_way(&mut self, store: &Store, mut told: impl FnMut(String)) -> Result<(), Fault> {
        let until = Instant::now() + self.config.yield_time;
        while Instant::now() < until {
            if self.looked_at.is_some_and(|at| at.elapsed() < LOOK) {
                return Ok(());
            }
            let Some(reason) = self.need(store).await? else {
                self.looked_at = Some(Instant::now());
                return Ok(());
            };
            told(reason);
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Why live traffic goes first just now.
    async fn need(&self, store: &Store) -> Result<Option<String>, Fault> {
        let (client, table) = (store.client(), store.table());
        client.count_parts().await?;
        let parts = client.parts_of(table);
        if parts > self.config.yield_parts {
            return Ok(Some(format!("{table} has {parts} parts in a partition (replay.yield_parts)")));
        }
        for topic in [Replayed::Enriched, Replayed::Payments].into_iter().filter(|_| self.heeds_lag) {
            let Some(lane) = topic.lane() else { continue };
            let behind: i64 = self.behind(topic, lane).await?.iter().map(|open| open.end - open.first).sum();
            if behind.unsigned_abs() > self.config.yield_lag {
                return Ok(Some(format!("{lane} is {behind} messages behind (replay.yield_lag)")));
            }
        }
        Ok(None)
    }

    /// What the loader of a topic has not stored of what is there now.
    async fn behind(&self, topic: Replayed, lane: &str) -> Result<Vec<Offsets>, Fault> {
        let topic = self.kafka.topic(topic.topic().name());
        let committed = self.admin.committed(&self.kafka.group(lane), &topic).await?;
        let ends = self.admin.ends(&topic).await?;
        let open = ends.into_iter().map(|(partition, low, end)| {
            let known = committed.iter().find(|(number, _)| *number == partition);
            let first = known.and_then(|(_, offset)| *offset).unwrap_or(low).max(low);
            Offsets { partition, first, end }
        });
        Ok(open.filter(|open| open.first < open.end).collect())
    }

    /// Waits until the loader has stored everything that is in the topic now: what it has not stored yet is missing from
    /// the table, and would be doubled if it were replayed.
    ///
    /// # Errors
    /// `loader_behind` when it takes too long; nobody to ask.
    pub async fn settled(&self, topic: Replayed, mut told: impl FnMut(String)) -> Result<(), Fault> {
        let Some(lane) = topic.lane() else { return Ok(()) };
        let name = self.kafka.topic(topic.topic().name());
        let ends = self.admin.ends(&name).await?;
        let end =
            |partition| ends.iter().find(|(number, _, _)| *number == partition).map_or(0, |(_, _, end)| *end);
        let until = Instant::now() + self.config.settle_time;
        loop {
            let mut open = self.behind(topic, lane).await?;
            open.iter_mut().for_each(|open| open.end = open.end.min(end(open.partition)));
            let mut behind = 0;
            for open in open {
                behind += self.messages(&name, open).await?;
            }
            if behind == 0 {
                return Ok(());
            }
            let words = format!("{lane} has yet to store {behind} messages");
            if Instant::now() >= until {
                let why = "replayed now, they would be there twice later: start it, or wait until it has";
                return Err(Fault::new("loader_behind", format!("{words}; {why}")));
            }
            told(words);
            sleep(LOOK / 4).await;
        }
    }

    /// How many messages there are: offsets alone do not tell, for transactions leave markers.
    async fn messages(&self, topic: &str, open: Offsets) -> Result<i64, Fault> {
        if open.end - open.first > LOOKED_THROUGH {
            return Ok(open.end - open.first);
        }
        let mut reader = Reader::range(&self.kafka, topic, open)?;
        let mut messages = 0;
        while let Reading::Message(_) = reader.next().await? {
            messages += 1;
        }
        Ok(messages)
    }
}
