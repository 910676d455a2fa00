//! `tracker-load`: events and dead letters into ClickHouse. One lane a table.

mod step;

pub use step::ToRow;

use crate::{
    clickhouse::{self, Client},
    codec,
    config::{self, LoaderConfig},
    dead::{self, DeadLetters, Reader},
    rows::{DeadLetterRow, EventRow, TableRow},
};
use std::future::Future;
use tokio_util::sync::CancellationToken;
use tracker_schemas::{DeadLetter, Enriched, Record};
use tracker_stream::{
    config::{Mistakes, Settings},
    fault::{Fault, Refusal},
    kafka::{Source, SourceOptions},
    lane::Lane,
    process::{Failure, Start},
    telemetry::{self, Health},
};

/// `enriched` → `events`.
pub const EVENTS: &str = "load.events";
/// `dead_letters` → `dead_letters`.
pub const DEAD_LETTERS: &str = "load.dead_letters";

/// Checks the settings without starting.
///
/// # Errors
/// Every mistake in them.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    LoaderConfig::read(settings, "load", &[EVENTS, DEAD_LETTERS]).map(drop)
}

/// Loads until the shutdown.
///
/// # Errors
/// Wrong settings, an address in use, or a fault of the source that waiting does not mend.
pub async fn run(start: Start) -> Result<(), Failure> {
    let Start { settings, metrics, shutdown } = start;
    let config = LoaderConfig::read(&settings, "load", &[EVENTS, DEAD_LETTERS])?;
    let health = Health::of(&[EVENTS, DEAD_LETTERS, dead::PRODUCER, clickhouse::PART]);
    let dead = DeadLetters::start(&settings, Reader { process: "load", lane: EVENTS }, &health).await?;
    let parts = Parts { settings: &settings, config: &config, dead: &dead, health: &health };
    let events = parts.lane::<Enriched, EventRow>(EVENTS).await?;
    let letters = parts.lane::<DeadLetter, DeadLetterRow>(DEAD_LETTERS).await?;

    config.client.watch(&[EventRow::TABLE, DeadLetterRow::TABLE], &health, &shutdown);
    telemetry::serve(config.process.listen, health.clone(), metrics, shutdown.clone()).await?;
    let (events, letters) = tokio::join!(
        ending_all(&shutdown, events.run(shutdown.clone())),
        ending_all(&shutdown, letters.run(shutdown.clone())),
    );
    Ok(events.and(letters)?)
}

/// What the lanes of a process share.
pub(crate) struct Parts<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) config: &'a LoaderConfig,
    pub(crate) dead: &'a DeadLetters,
    pub(crate) health: &'a Health,
}

impl Parts<'_> {
    /// The lane that carries `R` from its topic to the table of `T`. Its name is that of its group and its section.
    pub(crate) async fn lane<R, T>(
        &self,
        name: &'static str,
    ) -> Result<Lane<Source, ToRow<R, T>, Client, DeadLetters>, Failure>
    where
        R: Record + 'static,
        T: TableRow + TryFrom<R, Error = Refusal>,
    {
        let LoaderConfig { process, client, kafka } = self.config;
        let options = SourceOptions {
            lane: name,
            group: kafka.group(name),
            topic: kafka.topic(R::TOPIC.name()),
            fetch_buffer: process.fetch_buffer,
        };
        Ok(Lane {
            name,
            limits: config::limits(self.settings, name)?,
            step: ToRow::new(codec::decoder(self.settings).await?),
            source: Source::start(kafka, options, self.health)?,
            sink: client.clone(),
            dead: self.dead.of_lane(name),
            grace: process.grace,
            health: self.health.clone(),
        })
    }
}

/// A lane that ends takes the others with it: a process that does half its work would look well.
async fn ending_all(
    shutdown: &CancellationToken,
    lane: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    let ended = lane.await;
    shutdown.cancel();
    ended
}
