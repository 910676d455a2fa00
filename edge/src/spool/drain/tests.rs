use super::{Drain, Outlet};
use crate::{
    keep::{
        Way,
        testing::{Doing, Fake, message, open},
    },
    spool::{Lane, Spool},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracker_stream::kafka::{MESSAGE_BYTES, Outgoing};

fn drain(spool: &Spool, payments: &Fake, events: &Fake) -> Drain<Fake> {
    let outlet = |lane: &Lane, broker: &Fake| {
        Outlet::new(lane.clone(), broker.clone(), Arc::new(Way::new(lane.kind().name())))
    };
    let outlets = vec![outlet(&spool.payments, payments), outlet(&spool.events, events)];
    Drain::new(outlets, Arc::clone(&spool.work), 1_000_000)
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

async fn emptied(spool: &Spool) {
    until("the spool is empty", async || {
        [&spool.payments, &spool.events].iter().all(|lane| lane.depth().segments == 0)
    })
    .await;
}

fn messages(name: &str, count: usize) -> Vec<Outgoing> {
    (0..count).map(|number| message(&format!("{name}{number}"))).collect()
}

fn keys(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}{number}")).collect()
}

/// Files set aside.
fn aside(spool: &Path) -> usize {
    fs::read_dir(spool.join("aside")).unwrap().count()
}

#[tokio::test]
async fn payments_leave_first_and_each_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    spool.events.append(messages("e", 3_000)).await.unwrap();
    spool.payments.append(messages("p", 1_200)).await.unwrap();
    let broker = Fake::new(Doing::Taking);
    let mut told = Vec::new();
    let drain = drain(&spool, &broker, &broker);
    drain.until_empty(|name, sent| told.push((name.to_owned(), sent))).await.unwrap();
    assert_eq!(broker.keys(), [keys("p", 1_200), keys("e", 3_000)].concat());
    assert_eq!(told.iter().map(|(_, sent)| sent).sum::<usize>(), 4_200);
    emptied(&spool).await;
}

#[tokio::test]
async fn it_begins_when_the_broker_is_back_and_takes_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let (broker, shutdown) = (Fake::new(Doing::Gone), CancellationToken::new());
    let running = tokio::spawn(drain(&spool, &broker, &broker).run(shutdown.clone()));
    spool.events.append(messages("e", 10)).await.unwrap();
    until("the broker is tried", async || broker.tried() > 0).await;
    assert_eq!(spool.events.depth().messages, 10, "nothing is lost by trying");
    broker.does(Doing::Taking);
    emptied(&spool).await;
    spool.events.append(messages("f", 10)).await.unwrap();
    emptied(&spool).await;
    assert_eq!(broker.keys(), [keys("e", 10), keys("f", 10)].concat());
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_topic_that_is_missing_for_payments_holds_up_no_events() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let (events, shutdown) = (Fake::new(Doing::Taking), CancellationToken::new());
    let payments = events.beside();
    payments.does(Doing::Refusing("topic_missing"));
    spool.payments.append(messages("p", 2)).await.unwrap();
    spool.events.append(messages("e", 2)).await.unwrap();
    let running = tokio::spawn(drain(&spool, &payments, &events).run(shutdown.clone()));
    until("events are drained", async || spool.events.depth().segments == 0).await;
    assert_eq!(spool.payments.depth().messages, 2);
    payments.does(Doing::Taking);
    emptied(&spool).await;
    assert_eq!(events.keys(), [keys("e", 2), keys("p", 2)].concat());
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_is_damaged_is_kept_aside_and_the_rest_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    spool.events.append(messages("e", 10)).await.unwrap();
    let file = fs::read_dir(folder.path().join("events")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    bytes[300] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let broker = Fake::new(Doing::Taking);
    drain(&spool, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    assert_eq!(broker.keys().len(), 9);
    assert_eq!(aside(folder.path()), 1);
    assert!(!file.exists());
}

#[tokio::test]
async fn what_the_broker_will_never_take_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    spool.events.append(messages("e", 3)).await.unwrap();
    let broker = Fake::new(Doing::Refusing("too_large"));
    drain(&spool, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    assert_eq!(aside(folder.path()), 3);
    emptied(&spool).await;
}

#[tokio::test]
async fn what_was_sent_and_not_removed_is_sent_again_under_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    spool.payments.append(messages("p", 5)).await.unwrap();
    // What `kill -9` between the acknowledgement and the removal leaves.
    fs::create_dir_all(copy.path().join("payments")).unwrap();
    for entry in fs::read_dir(folder.path().join("payments")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join("payments").join(entry.file_name())).unwrap();
    }
    let broker = Fake::new(Doing::Taking);
    drain(&spool, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    let left = open(copy.path()).await;
    assert_eq!(left.payments.depth().messages, 5);
    drain(&left, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    assert_eq!(broker.keys(), [keys("p", 5), keys("p", 5)].concat());
}

#[tokio::test]
async fn a_spool_that_was_full_takes_again_while_it_is_drained() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let mut large = message("large");
    large.payload = vec![b'x'; MESSAGE_BYTES / 10];
    let mut kept = 0;
    while spool.events.append(vec![large.clone()]).await.is_ok() {
        kept += 1;
    }
    assert!(spool.events.depth().full && !spool.events.has_room());
    let broker = Fake::new(Doing::Taking);
    drain(&spool, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    assert_eq!(broker.keys().len(), kept);
    assert!(spool.events.has_room());
    spool.events.append(vec![large]).await.unwrap();
}

#[tokio::test]
async fn a_segment_that_somebody_removed_does_not_hold_up_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await;
    first.events.append(messages("e", 3)).await.unwrap();
    drop(first);
    let spool = open(folder.path()).await;
    let file = fs::read_dir(folder.path().join("events")).unwrap().next().unwrap().unwrap().path();
    spool.events.append(messages("f", 3)).await.unwrap();
    fs::remove_file(file).unwrap();
    let broker = Fake::new(Doing::Taking);
    drain(&spool, &broker, &broker).until_empty(|_, _| ()).await.unwrap();
    assert_eq!(broker.keys(), keys("f", 3));
    emptied(&spool).await;
}
