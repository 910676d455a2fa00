//! A Kafka cluster as the log of a lane of transactions.

use super::{
    KafkaConfig, Source, SourceOptions, died, past,
    transaction::{Ready, Transactor, TransactorOptions},
};
use crate::{
    fault::Fault,
    telemetry::Health,
    transact::{Log, Progress, Refill},
    window::Window,
};

/// A topic that is read by a group, and the producer that commits the group's offsets with what it writes.
#[derive(Debug, Clone)]
pub struct KafkaLog {
    /// The cluster.
    pub config: KafkaConfig,
    /// The reading end.
    pub source: SourceOptions,
    /// The writing end.
    pub transactor: TransactorOptions,
    /// Told of both.
    pub health: Health,
}

impl Log for KafkaLog {
    type Source = Source;
    type Transactor = Transactor;

    async fn open(&self) -> Result<(Source, Transactor), Fault> {
        // The group is joined meanwhile: what an earlier producer left open is taken back at the same time, and where the
        // group waits for offsets of it, it has not long to wait.
        let source = Source::start(&self.config, self.source.clone(), &self.health)?;
        match Ready::start(&self.config, &self.transactor, &self.health).await {
            Ok(ready) => {
                let transactor = ready.of(&source);
                Ok((source, transactor))
            }
            Err(fault) => {
                // It waits for its thread, which may wait for the broker.
                tokio::task::spawn_blocking(move || drop(source)).await.map_err(died)?;
                Err(fault)
            }
        }
    }

    async fn refill(
        &self,
        refill: Refill,
        told: impl Fn(Progress) + Send + 'static,
    ) -> Result<Window, Fault> {
        past::refill(&self.config, &self.source.topic, refill, told).await
    }
}
