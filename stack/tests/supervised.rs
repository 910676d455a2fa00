//! Supervision and the leash, on small shell programs.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tracker_stack::{Program, Said, Supervised, wait_until};

const LIMIT: Duration = Duration::from_secs(20);

/// What was heard so far.
type Heard = Arc<Mutex<Vec<Said>>>;

fn shell(script: &str) -> Program {
    Program {
        name: "shell",
        path: PathBuf::from("sh"),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: vec![("GREETING".to_owned(), "hello".to_owned())],
    }
}

fn ear(heard: &Heard) -> impl Fn(&'static str, Said) + Send + Sync + 'static + use<> {
    let heard = heard.clone();
    move |_, said| {
        if let Ok(mut heard) = heard.lock() {
            heard.push(said);
        }
    }
}

/// Whether enough was heard, within the limit.
async fn heard_until(heard: &Heard, enough: impl Fn(&[Said]) -> bool) -> bool {
    wait_until(LIMIT, async || heard.lock().ok().filter(|heard| enough(heard)).map(drop)).await.is_some()
}

fn lines(heard: &[Said]) -> usize {
    heard.iter().filter(|said| **said == Said::Line("hello".to_owned())).count()
}

fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_program_that_dies_is_started_again_and_its_lines_are_forwarded() {
    let heard = Heard::default();
    let program = Supervised::start(shell("echo $GREETING; exit 1"), ear(&heard)).unwrap();
    assert!(heard_until(&heard, |heard| lines(heard) >= 2).await, "{heard:?}");
    let first = heard.lock().unwrap().iter().find(|said| matches!(said, Said::Ended { .. })).cloned();
    assert_eq!(
        first,
        Some(Said::Ended { how: "exit status: 1".to_owned(), pause: Duration::from_millis(250) })
    );
    assert!(program.stop(LIMIT).await);
}

#[tokio::test]
async fn a_program_with_wrong_settings_is_left_down() {
    let heard = Heard::default();
    let program = Supervised::start(shell("echo $GREETING; exit 2"), ear(&heard)).unwrap();
    assert!(heard_until(&heard, |heard| heard.iter().any(|said| matches!(said, Said::GaveUp(_)))).await);
    assert!(program.is_down());
    assert!(program.stop(LIMIT).await);
}

#[tokio::test]
async fn a_program_that_is_stopped_may_drain() {
    let heard = Heard::default();
    let script = "trap 'echo drained; exit 0' TERM; echo $GREETING; while :; do sleep 0.05; done";
    let program = Supervised::start(shell(script), ear(&heard)).unwrap();
    assert!(heard_until(&heard, |heard| lines(heard) == 1).await);
    assert!(program.stop(LIMIT).await);
    assert!(heard_until(&heard, |heard| heard.contains(&Said::Line("drained".to_owned()))).await);
}

#[tokio::test]
async fn a_program_that_ignores_the_stop_is_killed() {
    let heard = Heard::default();
    let script = "trap '' TERM; echo $GREETING; while :; do sleep 0.05; done";
    let program = Supervised::start(shell(script), ear(&heard)).unwrap();
    assert!(heard_until(&heard, |heard| lines(heard) == 1).await);
    let pid = program.pid();
    assert!(!program.stop(Duration::from_millis(200)).await, "it had to be killed");
    assert!(!is_running(pid));
}

#[tokio::test]
async fn no_child_outlives_a_parent_that_was_killed() {
    let leash = env!("CARGO_BIN_EXE_tracker-leash");
    let script = format!("'{leash}' $$ sleep 1000 & echo $!; read forever");
    let mut parent = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let child: u32 = line.trim().parse().unwrap();
    let is_sleep =
        || std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name == "sleep\n");
    assert!(
        wait_until(LIMIT, async || is_sleep().then_some(())).await.is_some(),
        "the leash becomes its program"
    );
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(wait_until(LIMIT, async || (!is_running(child)).then_some(())).await.is_some());
}

#[test]
fn a_leash_whose_parent_has_gone_starts_nothing() {
    let status = Command::new(env!("CARGO_BIN_EXE_tracker-leash")).args(["-1", "true"]).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
