//! A spool on a real disk.

use crate::{
    keep::testing::{config, message, open, topic},
    spool::{
        Kind, Spool,
        inspect::{look, repair, segments, set_aside},
        lock::Lock,
        scan::Wrong,
    },
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

async fn filled(folder: &Path) -> Spool {
    let spool = open(folder).await;
    spool.events.append(vec![message("1"), message("2"), message("3")]).await.unwrap();
    spool
}

#[tokio::test]
async fn two_edges_do_not_share_a_folder_and_the_second_says_what_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path()).await;
    let fault = Spool::open(&config(folder.path()), topic).err().unwrap();
    assert_eq!(fault.tag, "spool_in_use");
    assert!(fault.detail.contains("edge.spool.path"), "{fault}");
    assert!(fault.detail.contains(&std::process::id().to_string()), "{fault}");
}

#[tokio::test]
async fn what_an_edge_left_is_there_at_the_next_start_and_its_file_is_not_written_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let spool = open(folder.path()).await;
    let depth = spool.events.depth();
    assert_eq!((depth.messages, depth.segments, depth.oldest_at_ms), (3, 1, Some(1)));
    spool.events.append(vec![message("4")]).await.unwrap();
    assert_eq!(spool.events.depth().segments, 2);
    assert_eq!(spool.payments.depth().messages, 0);
}

#[tokio::test]
async fn segments_are_of_the_size_that_was_set() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let mut large = message("large");
    large.payload = vec![0; 40 << 10];
    for _ in 0..6 {
        spool.events.append(vec![large.clone()]).await.unwrap();
    }
    assert_eq!(spool.events.depth().segments, 3, "two of 40 KiB fill one of 64 KiB");
}

#[tokio::test]
async fn what_it_holds_is_nobody_else_s_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let _spool = filled(&path).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    let number = segments(&path, Kind::Events).unwrap()[0];
    assert_eq!(mode(&look(&path, Kind::Events, number).unwrap().unwrap().file), 0o600);
}

#[tokio::test]
async fn repair_keeps_what_is_whole_and_moves_the_rest_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    drop(filled(&path).await);
    let number = segments(&path, Kind::Events).unwrap()[0];
    let file = look(&path, Kind::Events, number).unwrap().unwrap().file;
    let mut bytes = fs::read(&file).unwrap();
    bytes[200] ^= 4;
    bytes.extend(b"torn");
    fs::write(&file, &bytes).unwrap();

    let damaged = look(&path, Kind::Events, number).unwrap().unwrap();
    let what: Vec<_> = damaged.summary.damage.iter().map(|damage| damage.what).collect();
    assert_eq!((damaged.summary.messages, what), (2, vec![Wrong::RecordBody, Wrong::Tail]));
    let lock = loop {
        if let Ok(lock) = Lock::take(&path) {
            break lock;
        }
        tokio::task::yield_now().await;
    };
    let moved = repair(&lock, &path, &damaged).unwrap();
    assert_eq!(fs::read(&moved[1].to).unwrap(), b"torn");
    assert_eq!(set_aside(&path).unwrap().len(), 2);
    let repaired = look(&path, Kind::Events, number).unwrap().unwrap();
    assert_eq!((repaired.summary.messages, repaired.summary.damage), (2, Vec::new()));
    drop(lock);
    assert_eq!(open(&path).await.events.depth().messages, 2);
}
