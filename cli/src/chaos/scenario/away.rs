//! The broker, or the database, is away for long.

use crate::{
    Failure,
    chaos::{Ear, load::Extent, part::Part, report::Report, run::Course, stage::Stage},
    send::pace::Rate,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Events a second, where the course says nothing else.
pub(super) const RATE: &str = "500/s";
/// The load runs for so long before, and after.
pub(super) const AROUND: Duration = Duration::from_secs(5);
/// How often the spool is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a spool may take to be empty, for each second that it was filled.
const DRAINING: u32 = 2;
/// And at least.
const LEAST: Duration = Duration::from_secs(60);

pub(super) fn rate(course: &Course) -> Result<Rate, Failure> {
    course.rate.map_or_else(|| RATE.parse().map_err(Failure::Usage), Ok)
}

/// Every event is answered 200, and the spool is empty again.
pub(super) async fn broker(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let stage = Stage::set(course, hear).await?;
    let load = stage.load(Extent::Span(span + 2 * AROUND), Some(rate(course)?))?;
    let sending = stage.send(&load);
    sleep(AROUND).await;
    stage.say(format!("the broker is stopped, for {} s", span.as_secs()));
    let _code = stage.lab.end(Part::Broker).await?;
    sleep(span).await;
    let spooled = stage.lab.sum(Part::Edge, "tracker_spool_messages").await;
    stage.lab.begin(Part::Broker).await?;
    let back = Instant::now();
    stage.say(format!("the broker is back; {} messages are in the spool", spooled.unwrap_or(0.0)));
    let sent = sending.end().await?;
    let left = empty_spool(&stage, span).await;
    let drained = back.elapsed();
    let mut report = stage.judge(&load, sent).await?;
    report.measure("away_s", span.as_secs_f64());
    report.measure("spooled_messages", spooled.unwrap_or(0.0));
    report.measure("spool_empty_after_s", drained.as_secs_f64());
    report.require(left == 0.0, || format!("{left} messages are still in the spool"));
    report.require(spooled.unwrap_or(0.0) > 0.0, || "nothing was spooled".to_owned());
    let unkept = report.unkept;
    report.require(unkept == 0, || format!("{unkept} answers were no 200"));
    Ok(report)
}

/// Waits until the spool is empty; how many messages are left in it when that takes too long.
pub(super) async fn empty_spool(stage: &Stage, filled: Duration) -> f64 {
    let limit = Instant::now() + (filled * DRAINING).max(LEAST);
    let mut left = f64::INFINITY;
    while left > 0.0 && Instant::now() < limit {
        sleep(LOOK).await;
        left = stage.lab.sum(Part::Edge, "tracker_spool_messages").await.unwrap_or(left);
    }
    left
}

/// Nothing is lost; what the loader held is in the report.
pub(super) async fn clickhouse(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let stage = Stage::set(course, hear).await?;
    let load = stage.load(Extent::Span(span + 2 * AROUND), Some(rate(course)?))?;
    let sending = stage.send(&load);
    sleep(AROUND).await;
    stage.say(format!("ClickHouse is stopped, for {} s", span.as_secs()));
    let _code = stage.lab.end(Part::Clickhouse).await?;
    sleep(span).await;
    stage.lab.begin(Part::Clickhouse).await?;
    stage.say("ClickHouse is back");
    let sent = sending.end().await?;
    let mut report = stage.judge(&load, sent).await?;
    report.measure("away_s", span.as_secs_f64());
    report.measure("caught_up_after_s", report.spans.settled.as_secs_f64());
    let held = report.peak_memory.get("load").copied().unwrap_or(u64::MAX);
    report.measure("load_peak_mib", (held >> 20) as f64);
    report.require(held < MOST_HELD, || format!("the loader held {} MiB", held >> 20));
    Ok(report)
}

/// What the loader may hold: its fetch buffer, half as much in the client, a block of rows for each partition as it is
/// sent, and the program itself.
const MOST_HELD: u64 = 768 << 20;
