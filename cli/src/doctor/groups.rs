//! The consumer groups: whether they keep up, and whether they lose anything.

use super::Finding;
use crate::{lag, span};
use tracker_stream::{
    config::Settings,
    kafka::{Standing, Watched},
};

const CHECK: &str = "groups";

/// A group that is behind for longer is worth a note: the processors write within seconds.
const LATE_SECONDS: f64 = 300.0;

/// Less than this part of the retention left is wrong: there must be time to mend what holds the group up.
const LEAST_LEFT: f64 = 0.25;

pub async fn examine(settings: &Settings) -> Vec<Finding> {
    // A broker that is away and a topic that is missing are found already.
    let Ok(groups) = lag::look(settings).await else { return Vec::new() };
    let asked = groups.iter().filter_map(|(watched, standings)| Some((watched, standings.as_ref().ok()?)));
    asked.filter_map(|(watched, standings)| judge(watched, standings)).collect()
}

/// One finding a group: of its worst partition.
fn judge(Watched { group, topic }: &Watched, standings: &[Standing]) -> Option<Finding> {
    let left = |standing: &Standing| standing.seconds_until_data_loss.unwrap_or(f64::INFINITY);
    let worst = standings.iter().min_by(|one, other| left(one).total_cmp(&left(other)))?;
    let lost: i64 = standings.iter().map(|standing| standing.lost_messages).sum();
    let behind: i64 = standings.iter().map(|standing| standing.lag_messages).sum();
    let oldest = standings.iter().map(|standing| standing.lag_seconds).fold(0.0, f64::max);
    if lost > 0 {
        let what = format!("{group} lost {lost} messages of {topic}: they were deleted before it read them");
        let mend = "its processor's log says where it stands still; the group's offset has to be set to where it shall go on";
        return Some(Finding::wrong(CHECK, what, mend));
    }
    if behind == 0 {
        return Some(Finding::good(CHECK, format_args!("{group} has read all of {topic}")));
    }
    let what = format!(
        "{group} is {behind} messages of {topic} behind, the oldest {} old; {} until the first is deleted",
        span::told(oldest),
        worst.seconds_until_data_loss.map_or_else(|| "for ever".to_owned(), span::told)
    );
    let mend = "see that its processor runs and is ready; or keep the topic longer (retention.ms) meanwhile";
    if worst.retention_seconds.is_some_and(|retention| left(worst) < retention * LEAST_LEFT) {
        Some(Finding::wrong(CHECK, what, mend))
    } else if oldest > LATE_SECONDS {
        Some(Finding::note(CHECK, what, mend))
    } else {
        Some(Finding::good(CHECK, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use rstest::rstest;

    const DAY: f64 = 86_400.0;

    const WELL: Standing = Standing {
        partition: 0,
        next_offset: 0,
        lag_messages: 0,
        lag_seconds: 0.0,
        seconds_until_data_loss: Some(DAY),
        lost_messages: 0,
        retention_seconds: Some(DAY),
    };

    const fn behind(seconds: f64) -> Standing {
        let left = Some(DAY - seconds);
        Standing { lag_messages: 9, lag_seconds: seconds, seconds_until_data_loss: left, ..WELL }
    }

    const LOST: Standing = Standing { lost_messages: 7, seconds_until_data_loss: Some(0.0), ..WELL };

    #[rstest]
    #[case::caught_up(WELL, Verdict::Good, "has read all of t.events")]
    #[case::a_little_behind(behind(4.0), Verdict::Good, "9 messages of t.events behind, the oldest 4s")]
    #[case::late(behind(600.0), Verdict::Note, "the oldest 10m old")]
    #[case::about_to_lose(behind(70_000.0), Verdict::Wrong, "4h 33m until the first is deleted")]
    #[case::lost(LOST, Verdict::Wrong, "lost 7 messages of t.events")]
    fn a_group_is_judged_by_its_worst_partition(
        #[case] worst: Standing,
        #[case] verdict: Verdict,
        #[case] words: &str,
    ) {
        let watched = Watched { group: "t.enrich".to_owned(), topic: "t.events".into() };
        let finding = judge(&watched, &[WELL, Standing { partition: 1, ..worst }]).unwrap();
        assert_eq!(finding.verdict, verdict, "{finding}");
        assert!(finding.what.contains(words), "{finding}");
    }
}
