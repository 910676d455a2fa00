//! `tracker trace`: where an event or a payment is.

mod told;

use crate::{Failure, Out, moment, schema, span};
use std::time::Duration;
use tracker_processors::trace::{Look, Tracer, Verdict};
use tracker_stream::{clock, config::Settings};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Id of an event or of a payment.
    id: Uuid,
    /// Look on the topics from then on: a time (`2026-11-24T08:00:00Z`), or a span ago (`2h`) [default: from when the
    /// tables say that it came, else from when the id was made, if it is of version 7].
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// How long to read topics.
    #[arg(long, value_name = "SPAN", default_value = "20s", value_parser = span::parse)]
    patience: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker trace 0192f0c4-0000-7000-8000-000000000001
  tracker trace 6ba7b810-9dad-11d1-80b4-00c04fd430c8 --since 2h --json

Tells when and where it was received, its partition and offset, in which table it is and by which insert, or which dead
letter it became and why, or by which rule it was dropped, or who has yet to read it. tracker-load answers the same at
GET /trace/{id} to who shows a secret key. Exit code: 1 when nothing was found.";

/// Looks, and tells.
///
/// # Errors
/// A ClickHouse or a broker that does not answer; [`Failure::Told`] when nothing was found.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let since = arguments.since.as_deref().map(|text| moment::parse(text, clock::now_ms()));
    let look = Look { since: since.transpose().map_err(Failure::Usage)?, patience: arguments.patience };
    let tracer = Tracer::new(settings, schema::client(settings)?).await?;
    let trace = tracer.trace(arguments.id, look).await?;
    if arguments.json {
        out.json(&trace)?;
    } else {
        for line in told::lines(&trace) {
            out.push(line)?;
        }
        out.flush()?;
    }
    if trace.verdict == Verdict::Unknown { Err(Failure::Told) } else { Ok(()) }
}
