//! `tracker send`: events from arguments, a file, standard input or an access log, to the edge.
//!
//! Every event has its id before it is sent for the first time, so that a retry is harmless; a line of an access log
//! has the same id each time, so that a second run is. A broken line harms only itself: it is counted, and written to
//! `--rejects`.

mod access_log;
mod fields;
mod input;
pub(crate) mod pace;
mod post;
mod progress;
pub mod sample;
mod tally;

use crate::{Failure, Out};
use fields::Pair;
use futures::{StreamExt, stream};
use input::{Chunk, Format, Item, Source};
use pace::{Pace, Rate};
use post::{Edge, Endpoint};
use progress::Progress;
use std::{path::PathBuf, time::Duration};
use tally::{Rejects, Tally};
use tokio::sync::mpsc;
use tracker_stream::config::Settings;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Fields of one event: `key=text`, or `key:=json`; `params.plan=pro` goes into `params`.
    #[arg(value_name = "KEY=VALUE", conflicts_with = "file")]
    fields: Vec<Pair>,
    /// Events to send: a file, or `-` for standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How the file is written: told by its first letters, unless given.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Site of an access log whose lines do not begin with one: `https://shop.example.com`.
    #[arg(long, value_name = "URL")]
    site: Option<String>,
    /// A field for every event of the file: `--set cflags=5377`. Repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Pair>,
    /// Address of the edge [default: where the settings let it listen].
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// File with a secret key: the events go to /tr/v1/str/, as a server's. Access logs need one; without --to it is
    /// the one that `tracker up` made.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Most events a time: `500/s`, `2000/m`.
    #[arg(long)]
    rate: Option<Rate>,
    /// Events in one request.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,
    /// Requests under way at once.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    in_flight: u16,
    /// How long to try one request again while the edge is away or refuses the load.
    #[arg(long, default_value = "5m", value_parser = crate::span::parse)]
    patience: Duration,
    /// Write what was broken or refused here, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker send ename=signup url=https://shop.example.com/join params.plan=pro params.seats:=3
  tracker send --file events.ndjson --key-file secret.txt --rate 500/s
  tracker send --file access.log --site https://shop.example.com --key-file secret.txt --rejects rejects.ndjson
  zcat access.log.*.gz | tracker send --file - --site shop.example.com --set cflags:=1025

Files: one JSON object or array, NDJSON, or an access log (Common, Combined, with or without the virtual host first).
Exit code: 0 when events were accepted, and each that was not has been reported; 1 when none was, or the edge stayed away.";

/// Reads, sends, counts.
///
/// # Errors
/// Input that cannot be read; a key that is not taken; an edge that stays away; nothing accepted.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let source = source(arguments)?;
    let key_file = key_file(arguments, source.is_log(), settings)?;
    let endpoint = Endpoint::new(arguments.to.as_deref(), key_file.as_deref(), settings)?;
    let progress = Progress::new(source.bytes());
    let mut tally = Tally::new(Rejects::open(arguments.rejects.as_deref())?);
    let edge = Edge::new(endpoint, arguments.patience)?;
    let ended = pump(arguments, source, &edge, &mut tally, &progress).await;
    progress.end();
    tally.print(arguments.json, out)?;
    ended?;
    if tally.accepted() == 0 { Err(Failure::Told) } else { Ok(()) }
}

/// What is to be sent.
fn source(arguments: &Arguments) -> Result<Source, Failure> {
    match &arguments.file {
        None if arguments.fields.is_empty() => Err(Failure::Usage(
            "give the fields of an event, or --file; see `tracker send --help`".to_owned(),
        )),
        None => Ok(Source::one(fields::object(&arguments.fields)?)),
        Some(path) => Source::open(path, arguments.format, arguments.site.as_deref(), &arguments.set),
    }
}

/// The secret key to show. The lines of an access log speak for other people, which takes one.
fn key_file(arguments: &Arguments, is_log: bool, settings: &Settings) -> Result<Option<PathBuf>, Failure> {
    if !is_log || arguments.key_file.is_some() {
        return Ok(arguments.key_file.clone());
    }
    let local = crate::keys::local_secret(settings)?;
    if arguments.to.is_none() && local.is_file() {
        return Ok(Some(local));
    }
    let detail = "the lines of an access log speak for other people: give a secret key with --key-file (`tracker keys new` \
                  makes one)";
    Err(Failure::Usage(detail.to_owned()))
}

/// Keeps `in_flight` requests under way until the input ends.
async fn pump(
    arguments: &Arguments,
    source: Source,
    edge: &Edge,
    tally: &mut Tally,
    progress: &Progress,
) -> Result<(), Failure> {
    let pace = Pace::new(arguments.rate);
    let size = pace.batch(usize::from(arguments.batch));
    let (sender, mut chunks) = mpsc::channel::<Chunk>(4);
    let reader =
        tokio::task::spawn_blocking(move || source.read(size, |chunk| sender.blocking_send(chunk).is_ok()));
    let requests = stream::poll_fn(|context| chunks.poll_recv(context)).map(|chunk| {
        let turn = pace.turn(chunk.items.len());
        async move {
            turn.await;
            let posted = edge.post(&chunk.items).await;
            (chunk, posted)
        }
    });
    let mut requests = requests.buffer_unordered(usize::from(arguments.in_flight)).boxed_local();
    while let Some((chunk, posted)) = requests.next().await {
        tally.broken(&chunk.broken)?;
        let posted = posted?;
        tally.posted(&chunk.items, &posted)?;
        progress.advance(chunk.bytes, tally);
    }
    drop(requests); // else the reader waits for ever for room, should it have more
    reader.await.map_err(|error| Failure::Io(error.to_string()))?
}

/// The text of an item, cut to what helps to find it.
fn excerpt(item: &Item) -> &str {
    item.json
        .char_indices()
        .nth(2000)
        .map_or(item.json.as_str(), |(end, _)| item.json.get(..end).unwrap_or_default())
}
