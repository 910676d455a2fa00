use super::{
    Keep, Kept,
    testing::{Doing, Fake, fallback, message, open},
};
use tracker_stream::kafka::MESSAGE_BYTES;

fn tags(verdicts: Vec<Result<Kept, tracker_stream::fault::Fault>>) -> Vec<&'static str> {
    let tag = |verdict: Result<Kept, tracker_stream::fault::Fault>| match verdict {
        Ok(Kept::Broker) => "broker",
        Ok(Kept::Spool) => "spool",
        Ok(Kept::Memory) => "memory",
        Err(fault) => fault.tag,
    };
    verdicts.into_iter().map(tag).collect()
}

#[tokio::test]
async fn while_the_broker_takes_nothing_is_spooled() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Taking), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    assert_eq!(tags(keep.keep(&[message("1"), message("2")]).await), ["broker", "broker"]);
    assert_eq!(keep.spooled().unwrap().messages, 0);
}

#[tokio::test]
async fn only_the_first_waits_for_a_broker_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Silent), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    assert_eq!(
        tags(keep.keep(&[message("1")]).await),
        ["spool"],
        "it may be with the broker, and is spooled"
    );
    for _ in 0..5 {
        assert_eq!(tags(keep.keep(&[message("2")]).await), ["spool"]);
    }
    assert_eq!(broker.tried(), 1);
    assert_eq!(keep.spooled().unwrap().messages, 6);
    keep.way.open();
    broker.does(Doing::Taking);
    assert_eq!(tags(keep.keep(&[message("3")]).await), ["broker"]);
}

#[tokio::test]
async fn a_connection_that_is_lost_is_not_waited_for_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Taking), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    assert_eq!(tags(keep.keep(&[message("1")]).await), ["broker"]);
    broker.does(Doing::Gone);
    assert_eq!(tags(keep.keep(&[message("2")]).await), ["spool"]);
    assert_eq!(broker.tried(), 1);
}

#[tokio::test]
async fn what_no_broker_would_take_is_not_spooled_either() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Gone), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    let mut large = message("large");
    large.payload = vec![b'x'; MESSAGE_BYTES];
    assert_eq!(tags(keep.keep(&[message("1"), large.clone()]).await), ["spool", "too_large"]);
    assert_eq!(tags(keep.keep(&[large]).await), ["too_large"], "nor while the broker is known to be away");
    assert_eq!(keep.spooled().unwrap().messages, 1);
}

#[tokio::test]
async fn a_full_spool_is_a_fault_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Gone), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    let mut large = message("large");
    large.payload = vec![b'x'; 400_000];
    assert_eq!(tags(keep.keep(&[large.clone(), large.clone()]).await), ["spool", "spool"]);
    assert!(keep.has_room());
    assert_eq!(tags(keep.keep(&[large.clone()]).await), ["spool_full"]);
    assert!(!keep.has_room());
    assert_eq!(tags(keep.keep(&[message("1")]).await), ["spool_full"], "it is above its low mark");
    assert_eq!(broker.tried(), 1, "its drain finds out when the broker is back");
}

#[tokio::test]
async fn with_nothing_spooled_the_requests_find_out_when_the_broker_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, spool) = (Fake::new(Doing::Gone), open(folder.path()).await);
    let keep = fallback(&broker, Some(&spool.events));
    keep.way.close(&tracker_stream::fault::Fault::new("unacknowledged", ""));
    std::fs::remove_dir_all(folder.path().join("events")).unwrap();
    assert_eq!(tags(keep.keep(&[message("1")]).await), ["unacknowledged"]);
    broker.does(Doing::Taking);
    assert_eq!(tags(keep.keep(&[message("2")]).await), ["broker"]);
    assert_eq!(tags(keep.keep(&[message("3")]).await), ["broker"]);
    assert!(!keep.way.is_away(), "and it is not asked of the spool any more");
}

#[tokio::test]
async fn a_spool_that_is_switched_off_changes_nothing() {
    let broker = Fake::new(Doing::Refusing("not_enough_replicas"));
    let keep = fallback(&broker, None);
    assert_eq!(tags(keep.keep(&[message("1")]).await), ["not_enough_replicas"]);
    assert_eq!((keep.spooled(), keep.has_room()), (None, false));
}
