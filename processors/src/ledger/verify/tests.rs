use super::*;
use std::collections::BTreeSet;
use tracker_stream::books::MINUTE_MS;

const NOON: i64 = 1_793_880_000_000;

fn span() -> Span {
    Span::new(NOON, NOON + 10 * MINUTE_MS, NOON + 60 * MINUTE_MS, Duration::from_secs(15))
}

/// `lane topic fate reason count`, of one minute.
fn entry(minute_ms: i64, line: &str) -> Entry {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (lane, topic, fate, count) = (words[0], words[1], words[2], words[words.len() - 1]);
    let process = if lane.starts_with("edge") { "edge" } else { "other" };
    Entry {
        process: process.to_owned(),
        lane: lane.to_owned(),
        topic: topic.to_owned(),
        minute_ms,
        fate: fate.to_owned(),
        reason: if words.len() == 5 { words[3].to_owned() } else { String::new() },
        count: count.parse().unwrap(),
    }
}

fn entries(minute_ms: i64, lines: &[&str]) -> Vec<Entry> {
    lines.iter().map(|line| entry(minute_ms, line)).collect()
}

fn rows(topic: &str, minute_ms: i64, rows: u64, ids: u64) -> Rows {
    Rows { topic: topic.to_owned(), minute_ms, rows, ids }
}

fn flaw(topic: &str, first: i64, last: i64, counted: u64) -> Flaw {
    Flaw {
        lane: "enrich".to_owned(),
        topic: topic.to_owned(),
        partition: 1,
        minute_ms: NOON,
        first,
        last,
        counted,
        overlap: false,
        found: None,
    }
}

/// Two minutes of everything: refusals, a spool, duplicates, dead letters, payments.
fn balanced() -> Evidence {
    let mut all = entries(
        NOON,
        &[
            "edge-1 events kept 90",
            "edge-2 events kept 5",
            "edge-1 events spooled 5",
            "edge-1 events drained 5",
            "edge-1 events refused invalid_uuid 7",
            "enrich events delivered 97",
            "enrich events dropped duplicate 2",
            "enrich events dead malformed 1",
            "load.events enriched delivered 96",
            "load.events enriched dead content 1",
            "edge-1 payments kept 3",
            "payments payments delivered 2",
            "payments payments dropped duplicate 1",
            "load.dead_letters dead_letters delivered 2",
        ],
    );
    all.extend(entries(
        NOON + MINUTE_MS,
        &["edge-1 events kept 10", "enrich events delivered 10", "load.events enriched delivered 10"],
    ));
    Evidence {
        entries: all,
        rows: vec![
            rows("enriched", NOON, 96, 96),
            rows("payments", NOON, 2, 2),
            rows("dead_letters", NOON, 2, 2),
            rows("enriched", NOON + MINUTE_MS, 10, 10),
        ],
        ..Evidence::default()
    }
}

/// The evidence with the entry that begins so changed to `count`.
fn with(start: &str, count: u64) -> Evidence {
    let mut evidence = balanced();
    let wanted = entry(NOON, &format!("{start} 0"));
    let found = evidence.entries.iter_mut().find(|one| {
        (&one.lane, &one.topic, &one.fate, &one.reason, one.minute_ms)
            == (&wanted.lane, &wanted.topic, &wanted.fate, &wanted.reason, NOON)
    });
    found.expect("an entry of that kind").count = count;
    evidence
}

/// Topic, place, expected and found of each break.
fn breaks(evidence: &Evidence) -> Vec<(String, &'static str, u64, u64)> {
    let report = judge(evidence, &span());
    assert_eq!(report.is_balanced(), report.lines.iter().all(|line| line.state != State::Open));
    report.breaks.into_iter().map(|one| (one.topic, one.place, one.expected, one.found)).collect()
}

fn one(topic: &str, place: &'static str, expected: u64, found: u64) -> Vec<(String, &'static str, u64, u64)> {
    vec![(topic.to_owned(), place, expected, found)]
}

#[test]
fn books_that_close_have_a_balanced_line_for_each_topic_and_minute() {
    let report = judge(&balanced(), &span());
    let lines: Vec<_> =
        report.lines.iter().map(|line| (line.minute.0, line.topic.as_str(), line.state)).collect();
    assert_eq!(
        lines,
        [
            (NOON, "events", State::Balanced),
            (NOON, "enriched", State::Balanced),
            (NOON, "payments", State::Balanced),
            (NOON, "dead_letters", State::Balanced),
            (NOON + MINUTE_MS, "events", State::Balanced),
            (NOON + MINUTE_MS, "enriched", State::Balanced),
        ]
    );
    assert!(report.is_balanced() && report.is_settled(), "{report:?}");
    assert!(report.lines.iter().all(|line| line.notes.is_empty()), "{report:?}");
    let events = report.lines[0].counts;
    assert_eq!((events.kept, events.read, events.refused), (95, 100, 7));
    assert_eq!((events.delivered, events.dropped, events.dead), (97, 2, 1));
}

#[test]
fn an_acknowledged_event_that_is_not_in_the_log_is_a_break() {
    assert_eq!(breaks(&with("edge-1 events kept", 91)), one("events", "log", 101, 100));
}

#[test]
fn an_event_that_is_spooled_still_is_none() {
    let mut evidence = with("edge-1 events spooled", 9);
    assert_eq!(breaks(&evidence), []);
    let line = &judge(&evidence, &span()).lines[0];
    assert!(line.notes[0].starts_with("4 in a spool"), "{line:?}");
    evidence.entries.retain(|entry| entry.fate != "drained");
    assert_eq!(breaks(&evidence), [], "an edge that was killed after it had drained did not write it down");
}

#[test]
fn more_in_the_log_than_edges_wrote_down_is_told_and_no_break() {
    let mut evidence = balanced();
    evidence.entries.retain(|entry| entry.lane != "edge-2");
    let report = judge(&evidence, &span());
    assert!(report.is_balanced());
    assert!(report.lines[0].notes[0].starts_with("5 more in the log"), "{report:?}");
}

#[test]
fn an_enriched_event_that_load_did_not_read_is_a_break() {
    let mut evidence = with("load.events enriched delivered", 95);
    evidence.rows[0] = rows("enriched", NOON, 95, 95);
    assert_eq!(breaks(&evidence), one("enriched", "carried", 97, 96));
}

#[test]
fn an_enriched_event_that_somebody_else_wrote_is_told_and_no_break() {
    let mut evidence = with("load.events enriched delivered", 98);
    evidence.rows[0] = rows("enriched", NOON, 98, 98);
    let report = judge(&evidence, &span());
    assert!(report.is_balanced());
    assert!(report.lines[1].notes[0].starts_with("2 more on the topic"), "{report:?}");
}

#[test]
fn a_row_that_is_missing_or_double_is_a_break_in_its_minute() {
    for (found, expected) in [((95, 95), (96, 95)), ((97, 96), (96, 97)), ((97, 97), (96, 97))] {
        let mut evidence = balanced();
        evidence.rows[0] = rows("enriched", NOON, found.0, found.1);
        assert_eq!(breaks(&evidence), one("enriched", "stored", expected.0, expected.1));
        assert_eq!(judge(&evidence, &span()).breaks[0].minute.0, NOON);
    }
    let mut evidence = balanced();
    evidence.rows.retain(|rows| rows.topic != "payments");
    assert_eq!(breaks(&evidence), one("payments", "stored", 2, 0));
}

#[test]
fn a_letter_that_is_not_in_the_table_is_a_break() {
    let mut evidence = balanced();
    evidence.rows[2] = rows("dead_letters", NOON, 1, 1);
    assert_eq!(breaks(&evidence), one("dead_letters", "letters", 2, 1));
    evidence.rows[2] = rows("dead_letters", NOON, 4, 2);
    assert_eq!(breaks(&evidence), [], "a letter that was written again replaces itself");
}

#[test]
fn pages_that_overlap_count_too_much_or_leave_messages_out_are_breaks() {
    let judged = |flaw: Flaw| breaks(&Evidence { flaws: vec![flaw], ..balanced() });
    assert_eq!(judged(Flaw { overlap: true, ..flaw("enriched", 3, 7, 0) }), one("enriched", "pages", 0, 5));
    assert_eq!(judged(flaw("events", 3, 7, 6)), one("events", "pages", 5, 6));
    assert_eq!(judged(Flaw { found: Some(5), ..flaw("events", 3, 7, 4) }), one("events", "pages", 5, 4));
    let markers = Flaw { found: Some(4), ..flaw("events", 3, 7, 4) };
    assert_eq!(judged(markers), [], "what is missing are markers of transactions");
    assert_eq!(judged(flaw("events", 3, 7, 4)), [], "nobody can tell any more");
}

#[test]
fn the_first_break_is_the_earliest_and_then_the_one_that_data_meets_first() {
    let mut evidence = with("edge-1 events kept", 200);
    evidence.rows[3] = rows("enriched", NOON + MINUTE_MS, 9, 9);
    evidence.rows[1] = rows("payments", NOON, 1, 1);
    evidence.rows[0] = rows("enriched", NOON, 0, 0);
    let places: Vec<_> =
        breaks(&evidence).into_iter().map(|(topic, place, ..)| format!("{topic} {place}")).collect();
    assert_eq!(places, ["events log", "enriched stored", "payments stored", "enriched stored"]);
}

fn unread(topic: &str, minutes: &[i64], more: bool) -> Unread {
    let minutes: BTreeSet<i64> = minutes.iter().copied().collect();
    Unread { lane: "some".to_owned(), topic: topic.to_owned(), messages: minutes.len() as u64, more, minutes }
}

#[test]
fn a_minute_of_which_messages_are_on_their_way_is_told_and_not_judged() {
    let mut evidence = Evidence { unread: vec![unread("enriched", &[NOON], false)], ..balanced() };
    evidence.rows[0] = rows("enriched", NOON, 0, 0);
    let report = judge(&evidence, &span());
    assert!(report.is_balanced() && !report.is_settled(), "{report:?}");
    assert_eq!(report.lines[1].state, State::Unsettled);
    assert_eq!(report.lines[5].state, State::Balanced, "the next minute is judged");

    evidence.rows[3] = rows("enriched", NOON + MINUTE_MS, 0, 0);
    assert_eq!(breaks(&evidence), one("enriched", "stored", 10, 0));
    evidence.unread = vec![unread("enriched", &[NOON], true)];
    assert_eq!(breaks(&evidence), [], "nobody knows of which minutes the others are");
}

#[test]
fn letters_on_their_way_keep_only_the_letters_from_being_judged() {
    let mut evidence =
        Evidence { unread: vec![unread("dead_letters", &[NOON + MINUTE_MS], false)], ..balanced() };
    evidence.rows[2] = rows("dead_letters", NOON, 0, 0);
    assert_eq!(breaks(&evidence), []);
    evidence.rows[0] = rows("enriched", NOON, 0, 0);
    assert_eq!(breaks(&evidence), one("enriched", "stored", 96, 0));
}

#[test]
fn what_has_just_been_received_is_not_judged_unless_nothing_more_is_sent() {
    let mut evidence = balanced();
    evidence.rows[3] = rows("enriched", NOON + MINUTE_MS, 0, 0);
    let at = |now, settle| judge(&evidence, &Span::new(NOON, now, now, settle)).breaks.len();
    let second_ends_at = NOON + 2 * MINUTE_MS;
    assert_eq!(at(second_ends_at + 1_000, Duration::from_secs(15)), 0);
    assert_eq!(at(second_ends_at + 15_000, Duration::from_secs(15)), 1);
    assert_eq!(at(second_ends_at - 30_000, Duration::ZERO), 1);
}

#[test]
fn minutes_outside_the_span_are_not_looked_at() {
    let mut evidence = balanced();
    evidence.rows[3] = rows("enriched", NOON + MINUTE_MS, 0, 0);
    let report = judge(&evidence, &Span { to_ms: NOON + MINUTE_MS, ..span() });
    assert!(report.is_balanced() && report.lines.len() == 4, "{report:?}");
}

#[test]
fn what_only_one_look_found_is_not_said() {
    let wrong = judge(&with("edge-1 events kept", 200), &span());
    let right = judge(&balanced(), &span());
    assert_eq!(wrong.clone().confirming(&wrong).breaks.len(), 1);
    let later = wrong.confirming(&right);
    assert!(later.is_balanced() && !later.is_settled(), "{later:?}");
}

#[test]
fn a_lane_that_is_no_part_of_the_way_changes_nothing() {
    let mut evidence = balanced();
    evidence.entries.push(entry(NOON, "outlet.nats enriched delivered 500"));
    assert_eq!(breaks(&evidence), []);
}
