use super::*;
use rstest::rstest;

const STALL: Duration = Duration::from_secs(30);

/// What is seen at one second; the times of the last delivery and of the last failure are seconds too.
#[derive(Clone, Copy)]
struct Look {
    at: u64,
    queued: usize,
    delivered: Option<u64>,
    failed: Option<u64>,
    fatal: bool,
}

const fn look(at: u64, queued: usize, delivered: Option<u64>) -> Look {
    Look { at, queued, delivered, failed: None, fatal: false }
}

const fn failing(at: u64, queued: usize, failed: u64) -> Look {
    Look { failed: Some(failed), ..look(at, queued, None) }
}

const fn fatal(at: u64) -> Look {
    Look { fatal: true, ..look(at, 5, None) }
}

/// The seconds at which a producer is rebuilt that is looked at every second and shows each of these until the next.
/// A broker answers to another client unless it is `away`.
fn rebuilt_at(looks: &[Look], away: std::ops::Range<u64>) -> Vec<u64> {
    let start = Instant::now();
    let time = |second: u64| start + Duration::from_secs(second);
    let mut dog = Watchdog::new(STALL);
    let mut rebuilt = Vec::new();
    for second in 0..=looks.last().unwrap().at {
        let now = time(second);
        let look = looks.iter().rfind(|look| look.at <= second).copied().unwrap_or(look(0, 0, None));
        let seen = Seen {
            queued: look.queued,
            fatal: look.fatal,
            delivered_at: look.delivered.map(time),
            failed_at: look.failed.map(time),
        };
        match dog.look(seen, now) {
            Verdict::Wait => {}
            Verdict::Ask if away.contains(&second) => dog.unanswered(now),
            Verdict::Ask => dog.answered(now),
            Verdict::Rebuild(_) => {
                dog.rebuilt(now);
                rebuilt.push(second);
            }
        }
    }
    rebuilt
}

#[rstest]
#[case::nothing_to_do(&[look(0, 0, None), look(100, 0, None)], &[])]
#[case::it_waits_for_less_than_that(&[look(0, 5, None), look(29, 5, None)], &[])]
#[case::it_waits_for_so_long(&[look(0, 5, None), look(30, 5, None)], &[30])]
#[case::it_delivers_slowly(&[look(0, 5, None), look(29, 5, Some(20)), look(45, 5, Some(44)), look(60, 5, Some(59))], &[])]
#[case::it_delivered_and_stopped(&[look(0, 5, None), look(9, 5, Some(8)), look(38, 5, Some(8)), look(39, 5, Some(8))], &[39])]
#[case::what_has_just_come_after_a_quiet_hour(&[look(0, 0, Some(0)), look(3600, 5, Some(0)), look(3601, 5, Some(0))], &[])]
#[case::everything_is_given_up_and_the_queue_is_empty(&[look(0, 5, None), failing(6, 0, 6), failing(40, 0, 6)], &[])]
#[case::the_next_after_some_were_given_up(&[look(0, 1, None), failing(6, 0, 6), failing(60, 1, 6), failing(66, 0, 66)], &[65])]
#[case::a_stall_between_two_looks_is_seen_by_its_failure(&[look(0, 0, None), failing(10, 0, 9), failing(40, 1, 39), failing(46, 0, 46)], &[45])]
#[case::a_rebuild_that_mends_nothing_doubles_the_patience(&[look(0, 5, None), look(220, 5, None)], &[30, 90, 210])]
#[case::a_delivery_makes_it_as_patient_as_before(
    &[look(0, 5, None), look(40, 5, Some(39)), look(71, 5, Some(39))],
    &[30, 70]
)]
#[case::a_client_that_has_failed_is_not_waited_for_but_not_rebuilt_without_a_pause(
    &[look(0, 5, None), fatal(1), fatal(2), look(3, 5, None)],
    &[1, 2]
)]
fn a_producer_is_rebuilt(#[case] looks: &[Look], #[case] wanted: &[u64]) {
    assert_eq!(rebuilt_at(looks, 0..0), wanted);
}

#[test]
fn patience_doubles_three_times_at_most() {
    let rebuilt = rebuilt_at(&[look(0, 5, None), look(2000, 5, None)], 0..0);
    let pauses: Vec<u64> = rebuilt.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..4], [60, 120, 240, 240], "{rebuilt:?}");
}

#[test]
fn while_no_broker_answers_the_client_is_kept() {
    assert_eq!(rebuilt_at(&[look(0, 5, None), look(300, 5, None)], 0..1000), [0; 0]);
}

#[test]
fn after_an_outage_the_old_client_has_its_time_to_deliver() {
    // Asked at 25, 50, 75 and 100, and answered then: by 105 it has delivered, or is given up.
    let delivers =
        [look(0, 5, None), look(103, 5, Some(103)), look(110, 0, Some(104)), look(300, 0, Some(104))];
    assert_eq!(rebuilt_at(&delivers, 0..99), [0; 0]);
    assert_eq!(rebuilt_at(&[look(0, 5, None), look(106, 5, None)], 0..99), [105]);
}

#[rstest]
#[case::nothing_was_sent(None, None, true)]
#[case::all_is_well(Some(5), None, true)]
#[case::one_was_given_up(None, Some(9), false)]
#[case::given_up_after_the_last_delivery(Some(5), Some(9), false)]
#[case::delivered_since(Some(9), Some(5), true)]
fn a_producer_is_judged_by_its_last_verdict(
    #[case] delivered: Option<u64>,
    #[case] failed: Option<u64>,
    #[case] wanted: bool,
) {
    let start = Instant::now();
    let time = |second: u64| start + Duration::from_secs(second);
    let seen = Seen { delivered_at: delivered.map(time), failed_at: failed.map(time), ..Seen::default() };
    assert_eq!(acknowledges(seen, time(10)), wanted);
    assert!(acknowledges(seen, time(9 + 30)), "an old failure says nothing of now");
}
