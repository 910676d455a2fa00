//! Plans: when they are committed, how they are repeated, and when they are void.

use super::*;

const fn plan(first: i64, last: i64) -> Plan {
    Plan { first, last, first_at_ms: 0 }
}

const fn found(plan: Plan) -> Start {
    Start { partition: 0, committed: Some(plan.first), plan: Some(plan) }
}

#[tokio::test(start_paused = true)]
async fn a_busy_partition_costs_one_commit_a_batch_and_an_idle_one_has_no_plan() {
    let rig = rig(limits(2), World::default());
    rig.assign(0);
    rig.send_all("abcdef");
    rig.until(|seen| seen.commits.len() == 4).await;
    let commits = [(0, Some(plan(0, 1))), (2, Some(plan(2, 3))), (4, Some(plan(4, 5))), (6, None)];
    assert_eq!(rig.world.seen().commits, commits);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_found_is_written_exactly_again_whatever_the_limits() {
    let rig = rig(limits(2), World::default());
    rig.start(found(plan(0, 4)));
    rig.send_all("abcdefg");
    rig.until(|seen| seen.done(0) == 7).await;
    assert_eq!(rig.world.seen().writes, [(0, 4), (5, 6)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_whose_last_message_has_gone_ends_before_the_next_one() {
    let rig = rig(limits(9), World::default());
    rig.start(found(plan(0, 5)));
    for offset in [0, 2, 7, 8] {
        rig.send(0, offset, b'a');
    }
    rig.until(|seen| seen.done(0) == 9).await;
    assert_eq!(rig.world.seen().writes, [(0, 2), (7, 8)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_another_first_message_is_void() {
    let rig = rig(limits(2), World::default());
    rig.start(found(Plan { first_at_ms: 77, ..plan(0, 4) }));
    rig.send_all("abcd");
    rig.until(|seen| seen.done(0) == 4).await;
    assert_eq!(rig.world.seen().writes, [(0, 1), (2, 3)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_read_whole_before_the_end_stays_at_the_broker() {
    let rig = rig(limits(2), World::default());
    rig.start(found(plan(0, 4)));
    rig.send_all("abc");
    let (done, released) = oneshot::channel();
    rig.signals.send(Signal::Revoked(vec![0], done)).unwrap();
    released.await.unwrap();
    assert!(rig.world.seen().writes.is_empty(), "a part of it would go by another name");
    assert!(rig.world.seen().commits.is_empty());
    assert_eq!(rig.budget.available_permits(), BUDGET);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn halves_of_a_refused_range_are_planned_like_any_other() {
    let rig = rig(limits(4), World::default());
    rig.assign(0);
    rig.send_all("abxe");
    rig.until(|seen| seen.commits.last() == Some(&(4, None))).await;
    let plans: Vec<_> = rig.world.seen().commits.iter().filter_map(|(_, plan)| *plan).collect();
    assert_eq!(plans, [plan(0, 3), plan(0, 1), plan(2, 3), plan(2, 2), plan(3, 3)]);
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn partitions_share_the_inserts_of_a_second_and_gather_while_they_wait() {
    let governed = Work { per_second: 1.0, ..work(Limits { time: Duration::ZERO, ..limits(100) }) };
    let rig = rig_of(governed, World::default());
    (0..3).for_each(|partition| rig.assign(partition));
    let began_at = tokio::time::Instant::now();
    for offset in 0..60 {
        (0..3).for_each(|partition| rig.send(partition, offset, b'a'));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.until(|seen| (0..3).all(|partition| seen.done(partition) == 60)).await;
    let (writes, seconds) = (rig.world.seen().writes.len() as u64, began_at.elapsed().as_secs());
    assert_eq!(rig.world.seen().stored.len(), 180);
    assert!((3..=seconds + 2).contains(&writes), "{writes} inserts in {seconds} s");
    rig.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_again_and_again_is_let_alone_and_says_so() {
    let rig = rig(limits(1), World { sink_faults: Mutex::new(u32::MAX), ..World::default() });
    rig.assign(0);
    rig.send_all("a");
    tokio::time::sleep(Duration::from_secs(300)).await;
    let tried = u32::MAX - *rig.world.sink_faults.lock().unwrap();
    assert!((5..20).contains(&tried), "{tried} tries in five minutes");
    assert!(rig.health.notes()[0].1.contains("the breaker is open"), "{:?}", rig.health.notes());
    *rig.world.sink_faults.lock().unwrap() = 0;
    rig.until(|seen| seen.done(0) == 1).await;
    assert!(rig.health.notes().is_empty());
    rig.end().await.unwrap();
}
