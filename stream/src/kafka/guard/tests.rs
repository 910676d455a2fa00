use super::*;
use rstest::rstest;

const DAY: Duration = Duration::from_secs(86_400);
const NOW: i64 = 1_000_000_000;

fn position(committed: Option<i64>, unread: Unread) -> Position {
    Position { partition: 0, low: 100, end: 200, committed, unread }
}

fn read_at(seconds_ago: i64) -> Unread {
    Unread::At(150, NOW - seconds_ago * 1000)
}

#[rstest]
#[case::caught_up(Some(200), Unread::None, (0, 0.0, Some(86_400.0), 0))]
#[case::only_marks_are_left(Some(199), Unread::None, (0, 0.0, Some(86_400.0), 0))]
#[case::behind(Some(150), read_at(600), (50, 600.0, Some(85_800.0), 0))]
#[case::never_committed(None, Unread::At(100, NOW - 5000), (100, 5.0, Some(86_395.0), 0))]
#[case::about_to_lose(Some(150), read_at(86_390), (50, 86_390.0, Some(10.0), 0))]
#[case::kept_longer_than_promised(Some(150), read_at(90_000), (50, 90_000.0, Some(0.0), 0))]
#[case::some_is_gone(Some(40), Unread::At(100, NOW), (100, 0.0, Some(0.0), 60))]
#[case::all_is_gone(Some(40), Unread::None, (0, 0.0, Some(0.0), 60))]
#[case::a_clock_that_is_ahead(Some(150), read_at(-30), (50, 0.0, Some(86_400.0), 0))]
#[case::not_read_in_time(Some(150), Unread::Unknown, (50, 0.0, Some(86_400.0), 0))]
fn a_group_stands(
    #[case] committed: Option<i64>,
    #[case] unread: Unread,
    #[case] wanted: (i64, f64, Option<f64>, i64),
) {
    let standing = position(committed, unread).standing(Some(DAY), &Pace::default(), NOW);
    let Standing { lag_messages, lag_seconds, seconds_until_data_loss, lost_messages, .. } = standing;
    assert_eq!((lag_messages, lag_seconds, seconds_until_data_loss, lost_messages), wanted);
}

#[test]
fn a_topic_that_keeps_everything_loses_nothing() {
    let standing = position(Some(150), read_at(600)).standing(None, &Pace::default(), NOW);
    assert_eq!((standing.lag_seconds, standing.seconds_until_data_loss), (600.0, None));
}

#[test]
fn what_the_bound_of_bytes_deletes_first_counts() {
    let mut pace = Pace::default();
    for (step, low) in [0, 25, 50, 75, 100].into_iter().enumerate() {
        pace.note(low, NOW - 40_000 + 10_000 * i64::try_from(step).unwrap());
    }
    let standing = |committed, unread| position(committed, unread).standing(Some(DAY), &pace, NOW);
    assert_eq!(standing(Some(150), read_at(600)).seconds_until_data_loss, Some(20.0));
    assert_eq!(
        standing(Some(200), Unread::None).seconds_until_data_loss,
        Some(86_400.0),
        "nothing is unread"
    );
}
