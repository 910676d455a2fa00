//! `tracker-load`: events, consents, short links, dead letters and the books into ClickHouse. One lane a table.

mod step;

pub use step::ToRow;

use crate::{
    agreements::AgreementsRoute,
    clickhouse, codec,
    config::{self, LoaderConfig},
    dead::{self, DeadLetters, Reader},
    groups,
    ledger::{self, LedgerBooks},
    rows::{AgreedRow, DeadLetterRow, EventRow, LedgerRow, RedirectRow, RowOf, TableRow},
    trace::{TraceRoute, Tracer},
};
use std::{future::Future, sync::Arc};
use tokio_util::sync::CancellationToken;
use tracker_schemas::{Agreement, DeadLetter, Enriched, LedgerPage, Record, Redirect};
use tracker_stream::{
    books::Unbooked,
    config::{Mistakes, Settings, Size},
    fault::Fault,
    kafka::{Source, SourceOptions},
    lane::Lane,
    process::{Failure, Start},
    telemetry::{self, Extra, Health},
};

/// `enriched` → `events`.
pub const EVENTS: &str = "load.events";
/// `agreements` → `agreed`; the table `agreements` is kept from it by a view.
pub const AGREED: &str = "load.agreed";
/// `dead_letters` → `dead_letters`.
pub const DEAD_LETTERS: &str = "load.dead_letters";
/// `redirects` → `redirect_history`, and from there `redirects`.
pub const REDIRECTS: &str = "load.redirects";
/// `ledger` → `ledger`.
pub const LEDGER: &str = "load.ledger";

/// Their sections in the settings are named the same.
pub const LANES: [&str; 5] = [EVENTS, AGREED, DEAD_LETTERS, REDIRECTS, LEDGER];

const TABLES: [&str; 5] =
    [EventRow::TABLE, AgreedRow::TABLE, DeadLetterRow::TABLE, RedirectRow::TABLE, LedgerRow::TABLE];

/// Checks the settings without starting.
///
/// # Errors
/// Every mistake in them.
pub fn check(settings: &Settings) -> Result<(), Mistakes> {
    LoaderConfig::read(settings, "load", &LANES).map(drop)
}

/// Loads until the shutdown.
///
/// # Errors
/// Wrong settings, an address in use, or a fault of the source that waiting does not mend.
pub async fn run(start: Start) -> Result<(), Failure> {
    let Start { settings, metrics, shutdown, .. } = start;
    let config = LoaderConfig::read(&settings, "load", &LANES)?;
    let parts = [dead::PRODUCER, ledger::PRODUCER, clickhouse::PART];
    let health = Health::of(&[&LANES[..], &parts].concat());
    let dead = DeadLetters::start(&settings, Reader { process: "load", lane: EVENTS }, &health).await?;
    let parts = Parts { settings: &settings, config: &config, dead: &dead, health: &health };
    let sink = config.client.clone().giving_way();
    let books = LedgerBooks::start(&settings, "load", &health).await?;
    let booked = || Ends { sift: (), sink: sink.clone(), books: books.clone() };
    let unbooked = Ends { sift: (), sink: sink.clone(), books: Unbooked };
    let events = parts.lane::<Enriched, EventRow, _, _, _>(EVENTS, booked()).await?;
    let agreed = parts.lane::<Agreement, AgreedRow, _, _, _>(AGREED, booked()).await?;
    let letters = parts.lane::<DeadLetter, DeadLetterRow, _, _, _>(DEAD_LETTERS, booked()).await?;
    let redirects = parts.lane::<Redirect, RedirectRow, _, _, _>(REDIRECTS, booked()).await?;
    let ledger = parts.lane::<LedgerPage, LedgerRow, _, _, _>(LEDGER, unbooked).await?;

    groups::watch(&settings, &shutdown)?;
    config.client.watch(&TABLES, &health, &shutdown);
    let tracer = Tracer::new(&settings, config.client.clone()).await?;
    let routes: [Arc<dyn Extra>; 2] = [
        Arc::new(TraceRoute::new(&settings, tracer)?),
        Arc::new(AgreementsRoute::new(config.client.clone())),
    ];
    let besides = Arc::new(routes);
    telemetry::serve_with(config.process.listen, health.clone(), metrics, besides, shutdown.clone()).await?;
    let (events, agreed, letters, redirects, ledger) = tokio::join!(
        ending_all(&shutdown, events.run(shutdown.clone())),
        ending_all(&shutdown, agreed.run(shutdown.clone())),
        ending_all(&shutdown, letters.run(shutdown.clone())),
        ending_all(&shutdown, redirects.run(shutdown.clone())),
        ending_all(&shutdown, ledger.run(shutdown.clone())),
    );
    Ok(events.and(agreed).and(letters).and(redirects).and(ledger)?)
}

/// What the lanes of a process share.
pub(crate) struct Parts<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) config: &'a LoaderConfig,
    pub(crate) dead: &'a DeadLetters,
    pub(crate) health: &'a Health,
}

/// What stands at the end of a lane.
pub(crate) struct Ends<Sf, Si, Bk> {
    /// What is not stored after all.
    pub(crate) sift: Sf,
    /// Where the rest goes.
    pub(crate) sink: Si,
    /// Where it is noted.
    pub(crate) books: Bk,
}

/// A lane from a topic of `R` to a table of `T`.
pub(crate) type Loading<R, T, Sf, Si, Bk> = Lane<Source, ToRow<R, T>, Si, DeadLetters, Sf, Bk>;

impl Parts<'_> {
    /// The lane that carries `R` from its topic to the table of `T`. Its name is that of its group and its section.
    pub(crate) async fn lane<R, T, Sf, Si, Bk>(
        &self,
        name: &'static str,
        ends: Ends<Sf, Si, Bk>,
    ) -> Result<Loading<R, T, Sf, Si, Bk>, Failure>
    where
        R: Record + 'static,
        T: RowOf<R>,
    {
        let LoaderConfig { process, kafka, .. } = self.config;
        let Ends { sift, sink, books } = ends;
        let options = SourceOptions {
            lane: name,
            group: kafka.group(name),
            topic: kafka.topic(R::TOPIC.name()),
            fetch_buffer: process.fetch_buffer,
            fetch_least: Size(1), // a payment waits for no company, and `enriched` comes by transactions
        };
        Ok(Lane {
            name,
            work: config::work(self.settings, name)?,
            step: ToRow::new(codec::decoder(self.settings).await?),
            source: Source::start(kafka, options, self.health)?,
            sift,
            sink,
            books,
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
