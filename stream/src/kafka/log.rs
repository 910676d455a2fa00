//! A Kafka cluster as the log of a lane of transactions.

use super::{
    KafkaConfig, Source, SourceOptions, past,
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
        // First what an earlier producer left open: its offsets are not to be waited for by the group.
        let ready = Ready::start(&self.config, &self.transactor, &self.health).await?;
        let source = Source::start(&self.config, self.source.clone(), &self.health)?;
        let transactor = ready.of(&source);
        Ok((source, transactor))
    }

    async fn refill(
        &self,
        refill: Refill,
        told: impl Fn(Progress) + Send + 'static,
    ) -> Result<Window, Fault> {
        past::refill(&self.config, &self.source.topic, refill, told).await
    }
}
