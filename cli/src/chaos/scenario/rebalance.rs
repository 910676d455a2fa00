//! Processors come and go, some in order and some by `kill -9`.

use super::away::rate;
use crate::{
    Failure,
    chaos::{Ear, lab::Leave, load::Extent, part::Part, report::Report, run::Course, stage::Stage},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep_until};

/// One comes or goes so often.
const EVERY: Duration = Duration::from_secs(5);

/// One of each kind more, then they leave; and again.
pub(super) async fn play(course: &Course, span: Duration, hear: &Ear) -> Result<Report, Failure> {
    let stage = Stage::set(course, hear).await?;
    let load = stage.load(Extent::Span(span + EVERY), Some(rate(course)?))?;
    let sending = stage.send(&load);
    let (began, mut kills, mut changes) = (Instant::now(), BTreeMap::<Part, u64>::new(), 0_u32);
    let mut codes = Vec::new();
    let steps = steps();
    while began.elapsed() + EVERY <= span + EVERY / 2 {
        changes += 1;
        sleep_until(began + EVERY * changes).await;
        let Some(step) = usize::try_from(changes - 1).ok().and_then(|at| steps.get(at % steps.len())) else {
            break;
        };
        let Step { part, seat, leaves } = *step;
        match leaves {
            None => stage.lab.join(part, seat).await?,
            Some(how) => {
                let code = stage.lab.leave(part, seat, how).await?;
                if how == Leave::Killed {
                    *kills.entry(part).or_default() += 1;
                } else {
                    codes.push((part, code));
                }
            }
        }
        stage.say(format!("{part} {}: {}", seat + 1, leaves.map_or("joins", Leave::word)));
    }
    let sent = sending.end().await?;
    let mut report = stage.judge(&load, sent).await?;
    report.kills = kills;
    report.measure("changes", f64::from(changes));
    for (part, code) in codes {
        report.require(code == Some(0), || format!("a {part} that was told to leave ended with {code:?}"));
    }
    Ok(report)
}

#[derive(Clone, Copy)]
struct Step {
    part: Part,
    seat: u16,
    leaves: Option<Leave>,
}

/// A second and a third of each join; the seconds leave in order, the thirds are killed.
fn steps() -> Vec<Step> {
    let joins = |seat| Part::SHARED.map(|part| Step { part, seat, leaves: None });
    let leaves = |seat, how| Part::SHARED.map(|part| Step { part, seat, leaves: Some(how) });
    [joins(1), leaves(1, Leave::InOrder), joins(2), leaves(2, Leave::Killed)].concat()
}
