//! Programs are told to end while they work, and started again.

use super::away::rate;
use crate::{
    Failure,
    chaos::{Ear, load::Extent, part::Part, report::Report, run::Course, stage::Stage},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What each may work before it is told to end.
const WORK: Duration = Duration::from_secs(2);

/// Each in turn, until the span is over; every exit code has to be 0.
pub(super) async fn play(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let stage = Stage::set(course, hear).await?;
    let load = stage.load(Extent::Span(span + WORK), Some(rate(course)?))?;
    let sending = stage.send(&load);
    let (began, mut ends, mut longest) = (Instant::now(), Vec::new(), Duration::ZERO);
    for part in Part::PROGRAMS.into_iter().cycle() {
        sleep(WORK).await;
        if began.elapsed() > span && ends.len() >= Part::PROGRAMS.len() {
            break;
        }
        let told = Instant::now();
        let code = stage.lab.end(part).await?;
        longest = longest.max(told.elapsed());
        stage.say(format!("{part} was told to end: {code:?} after {:.1} s", told.elapsed().as_secs_f64()));
        stage.lab.begin(part).await?;
        ends.push((part, code));
    }
    let sent = sending.end().await?;
    let mut report = stage.judge(&load, sent).await?;
    report.measure("ends", ends.len() as f64);
    report.measure("longest_end_s", longest.as_secs_f64());
    for (part, code) in ends {
        report.require(code == Some(0), || format!("{part} was told to end, and ended with {code:?}"));
    }
    Ok(report)
}
