use super::{
    about::{of_fact, of_payment},
    range::cut,
    run::missing,
    *,
};
use proptest::prelude::*;
use rstest::rstest;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tokio::time::Instant;
use tracker_schemas::{Erasure, Fact, Payment, SubjectKind, Timestamp};
use tracker_stream::{
    config::Settings,
    envelope::{Headers, Message},
};
use uuid::Uuid;

fn message(offset: i64, bytes: usize) -> Message {
    Message {
        topic: "t".into(),
        partition: 1,
        offset,
        timestamp_ms: 7 + offset,
        key: None,
        payload: vec![0; bytes],
        headers: Headers::new(),
    }
}

/// The blocks that messages are cut into: offsets of the first and the last of each.
fn blocks(messages: &[Message], bounds: Bounds) -> Vec<(i64, i64)> {
    let mut blocks = vec![Block::default()];
    for message in messages {
        if blocks.last().unwrap().is_full(bounds) {
            blocks.push(Block::default());
        }
        blocks.last_mut().unwrap().take(message.clone());
    }
    let ends = blocks.iter().filter_map(|block| block.plan(&[])).map(|plan| (plan.first, plan.last));
    ends.collect()
}

#[test]
fn a_block_ends_by_its_rows_or_its_bytes() {
    let messages: Vec<_> =
        [10, 10, 900, 10, 10, 10, 10].into_iter().zip(0..).map(|(b, o)| message(o, b)).collect();
    let bounds = Bounds { rows: 3, bytes: 256 * 2 + 900 };
    assert_eq!(blocks(&messages, bounds), [(0, 2), (3, 5), (6, 6)]);
    assert_eq!(blocks(&messages, Bounds { rows: 100, bytes: 900 }), [(0, 2), (3, 6)]);
}

proptest! {
    #[test]
    fn blocks_are_the_same_wherever_reading_went_on(
        sizes in prop::collection::vec(0_usize..400, 1..60),
        gaps in prop::collection::vec(1_i64..4, 60),
        rows in 1_usize..9,
    ) {
        let bounds = Bounds { rows, bytes: 1500 };
        let mut offset = 0;
        let messages: Vec<_> = sizes.iter().zip(gaps).map(|(bytes, gap)| { offset += gap; message(offset, *bytes) }).collect();
        let whole = blocks(&messages, bounds);
        for (index, (first, _)) in whole.iter().enumerate() {
            let rest: Vec<_> = messages.iter().filter(|message| message.offset >= *first).cloned().collect();
            prop_assert_eq!(&blocks(&rest, bounds), &whole[index..]);
        }
    }

    #[test]
    fn a_plan_has_the_offsets_that_it_was_made_of(offsets in prop::collection::btree_set(0_i64..200, 1..80)) {
        let mut block = Block::default();
        (0..200).for_each(|offset| block.take(message(offset, 0)));
        let plan = block.plan(&offsets.iter().copied().collect::<Vec<_>>()).unwrap();
        for offset in -1..201 {
            prop_assert_eq!(plan.has(offset), offsets.contains(&offset));
        }
    }
}

#[test]
fn a_plan_knows_the_block_that_it_was_made_for() {
    let of = |offsets: &[i64]| {
        let mut block = Block::default();
        offsets.iter().for_each(|offset| block.take(message(*offset, 0)));
        block
    };
    let plan = of(&[4, 5, 9]).plan(&[5]).unwrap();
    assert_eq!((plan.partition, plan.first, plan.last, plan.first_at_ms), (1, 4, 9, 11));
    assert!(plan.is_of(&of(&[4, 5, 9])));
    assert!(!plan.is_of(&of(&[4, 5])) && !plan.is_of(&of(&[5, 9])) && !plan.is_of(&Block::default()));
    let mut of_another_topic = Block::default();
    [4, 5, 9]
        .iter()
        .for_each(|offset| of_another_topic.take(Message { timestamp_ms: 0, ..message(*offset, 0) }));
    assert!(!plan.is_of(&of_another_topic));
}

const ENDS: [(i32, i64, i64); 2] = [(0, 10, 100), (1, 0, 0)];

#[rstest]
#[case::all(&[(0, 10), (1, 0)], &[(0, 100), (1, 0)], Ok(vec![(0, 10, 100), (1, 0, 0)]))]
#[case::of_one_partition(&[(0, 20)], &[(0, 100), (1, 0)], Ok(vec![(0, 20, 100)]))]
#[case::no_such_partition(&[(7, 0)], &[(0, 100)], Err("--from names partition 7"))]
#[case::gone(&[(0, 9)], &[(0, 100)], Err("--from names offset 9, but partition 0 has 10 to 100"))]
#[case::not_there_yet(&[(0, 10)], &[(0, 101)], Err("--to names offset 101"))]
#[case::turned_round(&[(0, 50)], &[(0, 40)], Err("--to is before --from: partition 0"))]
fn ranges_are_cut_from_what_there_is(
    #[case] from: &[(i32, i64)],
    #[case] to: &[(i32, i64)],
    #[case] wanted: Result<Vec<(i32, i64, i64)>, &str>,
) {
    let offsets = |all: &[(i32, i64)]| all.iter().copied().collect::<BTreeMap<_, _>>();
    let ranges = cut(&ENDS, &offsets(from), &offsets(to));
    match (ranges, wanted) {
        (Ok(ranges), Ok(wanted)) => {
            let ranges: Vec<_> =
                ranges.iter().map(|range| (range.partition, range.first, range.end)).collect();
            assert_eq!(ranges, wanted);
        }
        (Err(mistake), Err(words)) => assert!(mistake.to_string().starts_with(words), "{mistake}"),
        (found, _) => panic!("{found:?}"),
    }
}

fn about(id: u128) -> About {
    of_fact(&Fact { eid: Uuid::from_u128(id), ..Fact::default() })
}

#[test]
fn what_is_stored_is_left_out_and_what_comes_twice_goes_in_once() {
    let wanted = [(3, about(1)), (4, about(2)), (7, about(1)), (8, about(3))];
    assert_eq!(missing(&wanted, HashSet::from([about(2).key])), [3, 8]);
    assert_eq!(missing(&wanted, HashSet::from([about(1).key, about(2).key, about(3).key])), [] as [i64; 0]);
}

#[test]
fn the_same_payment_id_of_two_tenants_is_two_payments() {
    let of = |oid| of_payment(&Payment { id: Uuid::from_u128(1), oid, ..Payment::default() });
    let wanted = [(0, of(None)), (1, of(Some(Uuid::from_u128(9))))];
    assert_eq!(missing(&wanted, HashSet::new()), [0, 1]);
}

const ANN: Uuid = Uuid::from_u128(0xa);
const SHOP: Uuid = Uuid::from_u128(0x5);

#[rstest]
#[case::a_visitor_of_every_tenant(SubjectKind::Vid, None, About { vid: Some(ANN), ..about(1) }, true)]
#[case::another_kind_of_id(SubjectKind::Uid, None, About { vid: Some(ANN), ..about(1) }, false)]
#[case::a_user(SubjectKind::Uid, None, About { uid: Some(ANN), ..about(1) }, true)]
#[case::somebody_else(SubjectKind::Vid, None, About { vid: Some(SHOP), ..about(1) }, false)]
#[case::nobody(SubjectKind::Vid, None, about(1), false)]
#[case::of_that_tenant(SubjectKind::Vid, Some(SHOP), About { vid: Some(ANN), oid: Some(SHOP), ..about(1) }, true)]
#[case::of_another_tenant(SubjectKind::Vid, Some(SHOP), About { vid: Some(ANN), ..about(1) }, false)]
#[case::just_then(SubjectKind::Vid, None, About { vid: Some(ANN), received_at: 1000, ..about(1) }, true)]
#[case::afterwards(SubjectKind::Vid, None, About { vid: Some(ANN), received_at: 1001, ..about(1) }, false)]
fn an_erased_person_stays_erased(
    #[case] kind: SubjectKind,
    #[case] oid: Option<Uuid>,
    #[case] about: About,
    #[case] erased: bool,
) {
    let mut all = Erased::default();
    all.add(&Erasure { subject: ANN, kind, oid, erased_at: Timestamp(1000), ..Erasure::default() });
    assert_eq!(all.has(&about), erased);
}

#[test]
fn each_block_has_its_turn() {
    let now = Instant::now();
    let turns = |mut pace: Pace| [100, 100, 50].map(|rows| (pace.book(rows, now) - now).as_millis());
    assert_eq!(turns(Pace::new(Duration::from_secs(1), None, now)), [0, 1000, 2000]);
    assert_eq!(turns(Pace::new(Duration::from_secs(1), Some(50.0), now)), [0, 2000, 4000]);
}

#[rstest]
#[case(None, 20_000)]
#[case(Some(300.0), 300)]
#[case(Some(0.1), 1)]
#[case(Some(1e9), 20_000)]
fn at_a_rate_no_block_is_more_than_a_second_of_it(#[case] rate: Option<f64>, #[case] rows: usize) {
    let settings = Settings::merge("", "test", std::iter::empty()).unwrap();
    assert_eq!(ReplayConfig::read(&settings).unwrap().bounds(rate).rows, rows);
}

#[test]
fn blocks_that_are_no_insert_are_a_mistake() {
    let text = "[replay]\nblock_rows = 0\nblock_bytes = \"0B\"";
    let settings = Settings::merge(text, "test", std::iter::empty()).unwrap();
    let mistakes = ReplayConfig::read(&settings).unwrap_err().to_string();
    assert!(mistakes.contains("replay.block_rows") && mistakes.contains("replay.block_bytes"), "{mistakes}");
}

#[rstest]
#[case(Replayed::Enriched, None, Ok(Where::Table))]
#[case(Replayed::Enriched, Some("events"), Ok(Where::Table))]
#[case(Replayed::Payments, Some("payments"), Ok(Where::Table))]
#[case(Replayed::Payments, Some("shadow"), Ok(Where::Shadow))]
#[case(Replayed::Events, Some("topic"), Ok(Where::Topic))]
#[case(Replayed::Enriched, Some("payments"), Err("enriched goes into events, shadow or topic"))]
#[case(Replayed::Events, None, Err("--into topic"))]
#[case(Replayed::Events, Some("shadow"), Err("--topic enriched"))]
fn a_topic_goes_where_it_can(
    #[case] topic: Replayed,
    #[case] typed: Option<&str>,
    #[case] wanted: Result<Where, &str>,
) {
    match (Order::into(topic, typed), wanted) {
        (Ok(into), Ok(wanted)) => assert_eq!(into, wanted),
        (Err(why), Err(words)) => assert!(why.contains(words), "{why}"),
        (found, _) => panic!("{found:?}"),
    }
}

fn state(id: &str) -> State {
    let order = Order {
        topic: Replayed::Enriched,
        into: Where::Table,
        from: "start".to_owned(),
        to: None,
        filter: vec!["host=a.example".to_owned()],
    };
    let mut block = Block::default();
    [10, 11, 14].into_iter().for_each(|offset| block.take(message(offset, 0)));
    State {
        id: id.to_owned(),
        order,
        topic: "tracker.enriched".to_owned(),
        database: "tracker".to_owned(),
        bounds: Bounds { rows: 10, bytes: 1000 },
        started_at: Timestamp(1_795_507_200_000),
        finished_at: None,
        ranges: vec![Range { next: 10, ..Range::new(1, 0, 40) }, Range::new(2, 5, 15)],
        plan: block.plan(&[10, 14]),
    }
}

#[test]
fn a_state_reads_back_as_it_was_saved() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("replay"));
    assert_eq!(folder.all().unwrap(), []);
    let (first, second) = (state("1x"), state("2x"));
    let held = folder.hold(&["1x"]).unwrap();
    held.save(&first).unwrap();
    folder.hold(&["2x"]).unwrap().save(&second).unwrap();
    assert_eq!(folder.all().unwrap(), [first.clone(), second]);
    let further = State { plan: None, ..first };
    held.save(&further).unwrap();
    assert_eq!(folder.find("1x").unwrap(), further);
    assert_eq!(further.progress(), (10, 50));
    held.forget("1x").unwrap();
    assert_eq!(folder.find("1x").unwrap_err().tag, "no_such_replay");
}

#[test]
fn nobody_works_on_a_replay_that_somebody_holds() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().to_owned());
    let held = folder.hold(&["1x", "into-events"]).unwrap();
    assert_eq!(folder.hold(&["1x"]).unwrap_err().tag, "replay_running");
    assert_eq!(folder.hold(&["2x", "into-events"]).unwrap_err().tag, "replay_running");
    drop(held);
    assert!(folder.hold(&["2x", "into-events"]).is_ok());
}

#[test]
fn what_was_half_written_is_no_state() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().to_owned());
    folder.hold(&["1x"]).unwrap().save(&state("1x")).unwrap();
    std::fs::write(place.path().join("1x.new"), "{\"id\":").unwrap();
    assert_eq!(folder.all().unwrap(), [state("1x")]);
}

#[test]
fn a_name_is_one_that_a_database_can_bear() {
    let (one, other) = (State::new_id(1_795_507_200_000), State::new_id(1_795_507_200_000));
    assert!(one.starts_with("20261124080000x") && one.len() == 19, "{one}");
    assert!(one.chars().all(|letter| letter.is_ascii_alphanumeric()) && one != other);
}
