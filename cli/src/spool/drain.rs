//! Sends what is spooled, as an edge would; for a spool whose edge is gone.

use crate::{Failure, Out};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tracker_edge::{
    config::SpoolConfig,
    keep::Way,
    spool::{Drain, Kind, Lane, Outlet, Spool},
};
use tracker_schemas::Topic;
use tracker_stream::{
    config::{Settings, Size},
    kafka::{KafkaConfig, Producer, ProducerOptions},
    telemetry::Health,
};

#[derive(Serialize)]
struct Told {
    sent: BTreeMap<String, usize>,
}

/// How long a message is tried: as nobody waits for an answer, longer than an edge would.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends everything.
pub(super) async fn run(
    config: &SpoolConfig,
    settings: &Settings,
    json: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let kafka = settings.kafka()?;
    let spool = Spool::open(config, |kind| kafka.topic(topic(kind).name()))?;
    let lanes = [spool.payments, spool.agreements, spool.events];
    let bar = bar(lanes.iter().map(|lane| lane.depth().messages as u64).sum());
    let outlets = lanes.into_iter().map(|lane| outlet(lane, &kafka)).collect::<Result<_, _>>()?;
    let drain = Drain::new(outlets, spool.work, config.drain_rate);
    let mut sent: BTreeMap<String, usize> = Kind::ALL.map(|kind| (kind.name().to_owned(), 0)).into();
    let ended = drain
        .until_empty(|name, more| {
            bar.inc(more as u64);
            if let Some(count) = sent.get_mut(name) {
                *count += more;
            }
        })
        .await;
    bar.finish_and_clear();
    if json {
        out.json(&Told { sent })?;
    } else {
        for (name, count) in &sent {
            out.line(format_args!("{count} {name} sent"))?;
        }
    }
    Ok(ended?)
}

fn outlet(lane: Lane, kafka: &KafkaConfig) -> Result<Outlet<Producer>, Failure> {
    let name = lane.kind().name();
    let options =
        ProducerOptions { name, linger: Duration::from_millis(5), timeout: TIMEOUT, buffer: Size(8 << 20) };
    let producer = Producer::start(kafka, &options, &Health::default())?;
    Ok(Outlet::new(lane, producer, Arc::new(Way::new(name))))
}

const fn topic(kind: Kind) -> Topic {
    match kind {
        Kind::Payments => Topic::Payments,
        Kind::Agreements => Topic::Agreements,
        Kind::Events => Topic::Events,
    }
}

/// Of so many messages; drawn on a terminal only.
fn bar(messages: u64) -> ProgressBar {
    let bar = ProgressBar::new(messages);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} messages  {eta} left") {
        bar.set_style(style);
    }
    bar
}
