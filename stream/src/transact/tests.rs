//! Lanes of transactions over a log in memory that fails on demand, on a paused clock.

mod log;
mod rig;

use super::*;
use crate::lane::Signal;
use log::Outcome;
use proptest::prelude::*;
use rig::{BUDGET, GRACE, rig};
use std::{collections::HashSet, sync::atomic::Ordering};

#[tokio::test(start_paused = true)]
async fn all_that_a_batch_becomes_is_one_transaction_with_its_page_and_its_offset() {
    let rig = rig(6, &[]);
    rig.send("adbrca");
    rig.committed(6).await;
    assert_eq!(rig.world.disk().transactions, 1);
    assert_eq!(
        (rig.on("out"), rig.on("malformed")),
        (vec!["a".into(), "b".into(), "c".into()], vec!["r".into()])
    );
    assert_eq!(rig.on("page"), ["deadmalformed=1 delivered=3 droppedduplicate=1 droppedrule=1"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_goes_when_it_is_due() {
    let rig = rig(100, &[]);
    rig.send("ab");
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_was_taken_back_is_tried_again_and_knows_no_repeat_of_itself() {
    let rig = rig(2, &[Outcome::TakenBack; 8]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.len() < 4).await;
    assert!(rig.health.ready().is_err());
    assert_eq!(rig.world.disk().committed, None);
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.until(|_| rig.health.ready().is_ok()).await;
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_an_answer_that_never_came_the_committed_offset_is_the_truth() {
    let rig = rig(2, &[Outcome::Lost, Outcome::LostAndCommitted, Outcome::Lost]);
    rig.send("abacbe");
    rig.committed(6).await;
    assert_eq!(rig.on("out"), ["a", "b", "c", "e"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_no_broker_takes_goes_to_the_dead_letters_alone() {
    let rig = rig(3, &[]);
    rig.send("aLb");
    rig.committed(3).await;
    assert_eq!((rig.on("out"), rig.on("too_large")), (vec!["a".into(), "b".into()], vec!["L".into()]));
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_next_batch_is_prepared_while_one_is_committed() {
    let rig = rig(2, &[Outcome::Held]);
    rig.send("abcefg");
    rig.until(|world| world.stepped.load(Ordering::Relaxed) == 4).await;
    assert_eq!(rig.world.disk().committed, None);
    rig.world.held.notify_one();
    rig.committed(6).await;
    assert_eq!(rig.on("out"), ["a", "b", "c", "e", "f", "g"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_wait_until_the_keys_before_them_are_known() {
    let rig = rig(2, &[Outcome::LostAndCommitted]);
    rig.world.refills.acquire().await.unwrap().forget();
    rig.send("abac");
    rig.committed(2).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.world.disk().committed, Some(2));
    let (_, why) = rig.health.ready().unwrap_err().remove(0);
    assert_eq!(why, "partition 0: reads the keys of its window: 0 of 2");
    rig.world.refills.add_permits(1);
    rig.committed(4).await;
    assert_eq!(rig.on("out"), ["a", "b", "c"]);
    assert!(rig.health.ready().is_ok());
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refill_that_outlives_its_partition_holds_up_nobody() {
    let rig = rig(2, &[Outcome::LostAndCommitted]);
    rig.world.refills.acquire().await.unwrap().forget();
    rig.send("ab");
    rig.committed(2).await;
    rig.until(|world| world.disk().told.is_some() && rig.health.ready().is_err()).await;
    rig.revoke().await.unwrap();
    rig.until(|_| rig.health.ready().is_ok()).await;
    let told = rig.world.disk().told.take().unwrap();
    told(Progress { read: 1, of: 2 }); // as its thread does, which may wait for the broker
    assert!(rig.health.ready().is_ok(), "{:?}", rig.health.ready());
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_is_committed_before_a_partition_is_let_go() {
    let rig = rig(100, &[Outcome::TakenBack; 2]);
    rig.send("ab");
    rig.until(|world| world.budget.available_permits() < BUDGET).await;
    rig.revoke().await.unwrap();
    assert_eq!(rig.world.disk().committed, Some(2));
    assert_eq!(rig.world.budget.available_permits(), BUDGET);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_is_let_go_after_the_grace_period_and_nothing_of_it_is_written_afterwards() {
    let rig = rig(2, &[Outcome::TakenBack; 12]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.len() < 12).await;
    let (asked_at, released) = (tokio::time::Instant::now(), rig.revoke());
    // The sender is gone with its session: whoever waited for the answer goes on.
    assert!(released.await.is_err());
    assert!(asked_at.elapsed() <= GRACE + Duration::from_secs(1));
    rig.world.disk().outcomes.clear();
    rig.committed(2).await;
    assert_eq!(rig.on("out"), ["a", "b"]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_commits_what_is_under_way() {
    let rig = rig(100, &[]);
    rig.send("abc");
    rig.until(|world| world.budget.available_permits() < BUDGET).await;
    let world = Arc::clone(&rig.world);
    rig.end().await.unwrap();
    let written =
        i64::try_from(world.disk().written.iter().filter(|one| &*one.topic == "out").count()).unwrap();
    assert_eq!(world.disk().committed, Some(written));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_within_the_grace_period_and_leaves_open_what_is_not_committed() {
    let rig = rig(1, &[Outcome::TakenBack; 1000]);
    rig.send("abcdef");
    rig.until(|world| world.disk().outcomes.len() < 1000).await;
    let (world, began_at) = (Arc::clone(&rig.world), tokio::time::Instant::now());
    rig.end().await.unwrap();
    assert!(began_at.elapsed() <= GRACE + Duration::from_secs(3));
    assert_eq!(world.disk().committed, None);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_an_answer_that_never_comes() {
    let rig = rig(1, &[Outcome::Held]);
    rig.send("ab");
    rig.until(|world| world.disk().outcomes.is_empty()).await;
    let began_at = tokio::time::Instant::now();
    rig.shutdown.cancel();
    rig.task.await.unwrap().unwrap();
    assert!(began_at.elapsed() <= GRACE + Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_ends_the_lane_and_nothing_is_committed() {
    let rig = rig(3, &[]);
    rig.send("apb");
    let ended = tokio::time::timeout(Duration::from_secs(60), rig.task).await.expect("the lane goes on");
    assert_eq!(ended.unwrap().unwrap_err().tag, "lane_panicked");
    assert_eq!(rig.world.disk().committed, None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_the_lane_with_its_fault() {
    let rig = rig(1, &[]);
    rig.until(|world| world.disk().orders.is_some()).await;
    let failed = Signal::Failed(Fault::new("offset_gap", "gone"));
    rig.world.disk().orders.as_ref().unwrap().send(failed).unwrap();
    assert_eq!(rig.task.await.unwrap().unwrap_err().tag, "offset_gap");
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Committed, Lost, LostAndCommitted, TakenBack};
    prop_oneof![Just(Committed), Just(TakenBack), Just(Lost), Just(LostAndCommitted)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_becomes_of_each_transaction_every_key_is_written_once_and_in_order(
        payloads in "[a-crs]{0,60}",
        rows in 1_usize..8,
        outcomes in proptest::collection::vec(outcome(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (out, refused, counted) = runtime.block_on(async {
            let rig = rig(rows, &outcomes);
            rig.send(&payloads);
            if !payloads.is_empty() {
                rig.committed(i64::try_from(payloads.len()).unwrap()).await;
            }
            let pages = rig.on("page").join(" ");
            let counts = pages.split([' ', '=']).filter_map(|word| word.parse::<usize>().ok());
            let seen = (rig.on("out").concat(), rig.on("malformed").concat(), counts.sum::<usize>());
            rig.end().await.unwrap();
            seen
        });
        let mut known = HashSet::new();
        let first: String = payloads.chars().filter(|payload| known.insert(*payload)).collect();
        prop_assert_eq!(out, first.replace('r', ""));
        prop_assert_eq!(refused, if first.contains('r') { "r" } else { "" });
        prop_assert_eq!(counted, payloads.len());
    }
}
