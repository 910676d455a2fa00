//! One test for each bug that the promises had missed.

use crate::rig::{Program, Site, binary, broker, run, until};
use serde_json::json;
use std::{
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};
use tracker_stack::leash;

/// The client waited for ever to say goodbye to its group.
#[test]
fn a_processor_ends_when_it_is_told_to_though_its_broker_is_gone() {
    run(async {
        let mut broker = broker("broker_gone").await;
        let mut site = Site::start("broker_gone", &[("KAFKA__BROKERS", &broker.address())]).await;
        let eid = uuid::Uuid::now_v7().to_string();
        let answer = site.post("/tr/v1/tr/", json!({ "eid": eid, "ename": "last" }).to_string()).await;
        assert_eq!(answer.status, 200);
        site.event(&eid).await;
        broker.kill();
        let ended = site.stop(Program::Load).await.and_then(|status| status.code());
        assert_eq!(ended, Some(0), "see {}", site.log(Program::Load).display());
    });
}

/// The line "SIGTERM: draining" could not be written, and the complaint about that panicked before anything was ended.
#[test]
fn a_program_whose_log_nobody_reads_any_more_ends_when_it_is_told_to() {
    run(async {
        let site = Site::prepare("unread_log", &[]).await;
        let mut edge = leash::spawn(&binary("tracker-edge"), |command: &mut Command| {
            command.envs(&site.environment).current_dir(&site.folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        })
        .unwrap();
        let mut log = edge.child().stderr.take().unwrap();
        let mut first = [0; 1];
        log.read_exact(&mut first).unwrap();
        until("the edge answers", async || {
            let answer = site.request(reqwest::Method::GET, "/ping").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        drop(log);
        let ended = edge.stop(Duration::from_secs(30)).await;
        assert_eq!(ended.and_then(|status| status.code()), Some(0));
    });
}
