//! SIGTERM: stop taking, drain, flush, commit, exit 0.

use crate::{
    endpoints::Mark,
    rig::{Program, Site, run, until},
};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::{collections::HashSet, sync::Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};
use tracker_schemas::Topic;
use uuid::Uuid;

/// Clients that send event after event until the edge takes no more, each its own.
const CLIENTS: usize = 16;

/// The ids that were answered with 200.
type Kept = std::sync::Arc<Mutex<HashSet<Uuid>>>;

async fn send_until_refused(request: impl Fn(Uuid) -> RequestBuilder, kept: Kept) {
    loop {
        let eid = Uuid::now_v7();
        // A connection that was refused or cut was not answered.
        let Ok(response) = request(eid).send().await else { return };
        match response.status().as_u16() {
            200 => kept.lock().unwrap().insert(eid),
            503 => return,
            status => panic!("{status} for a good event"),
        };
    }
}

async fn ends_well(site: &mut Site, program: Program) {
    let status = site.stop(program).await;
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{program:?}: {status:?}");
}

#[test]
fn each_program_ends_with_0_under_load_and_every_200_is_a_row() {
    run(async {
        let mut site = Site::start("shutdown", &[]).await;
        let name = Mark::on(&site).name;
        let (kept, mut clients) = (Kept::default(), JoinSet::new());
        for _ in 0..CLIENTS {
            let (post, name, kept) = (site.request(Method::POST, "/tr/v1/tr/"), name.clone(), kept.clone());
            let request = move |eid: Uuid| {
                let body = json!({ "eid": eid, "ename": name }).to_string();
                post.try_clone().expect("no body yet").body(body)
            };
            clients.spawn(send_until_refused(request, kept));
        }
        let count = || kept.lock().unwrap().len();
        let more =
            async |wanted: usize| until("events are taken", async || (count() >= wanted).then_some(())).await;

        more(500).await;
        for program in [Program::Load, Program::Enrich] {
            ends_well(&mut site, program).await;
            more(count() + 500).await;
            site.launch(program);
            site.ready(program).await;
        }
        ends_well(&mut site, Program::Edge).await;
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        let kept = kept.lock().unwrap().clone();
        every_one_is_a_row(&site, &name, &kept).await;
        // With those that were recorded, and cut off from their answer.
        let events = site.messages(Topic::Events).await.len();
        let enriched = until("all are enriched", async || {
            Some(site.messages(Topic::Enriched).await.len()).filter(|enriched| *enriched >= events)
        })
        .await;
        assert_eq!(events, enriched, "who ends in order repeats nothing");

        for program in [Program::Enrich, Program::Load, Program::Payments] {
            ends_well(&mut site, program).await;
        }
    });
}

async fn every_one_is_a_row(site: &Site, name: &str, kept: &HashSet<Uuid>) {
    until(&format!("{} rows in {}", kept.len(), site.database), async || {
        let rows = site.rows(&format!("SELECT DISTINCT eid FROM events WHERE ename = '{name}'")).await;
        let rows: HashSet<Uuid> = rows.iter().filter_map(|row| row["eid"].as_str()?.parse().ok()).collect();
        kept.is_subset(&rows).then_some(())
    })
    .await;
}

#[test]
fn a_request_that_is_under_way_is_answered_before_the_edge_ends() {
    run(async {
        let mut site = Site::prepare("draining", &[]).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        let name = Mark::on(&site).name;
        let body = json!({ "ename": name }).to_string();
        let mut stream = site.connect().await;
        let head = format!(
            "POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The edge has begun to read the body when it asks for it.
        let mut asked = [0; 25];
        stream.read_exact(&mut asked).await.unwrap();
        assert!(asked.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&asked));
        let probe = site.request(Method::GET, "/ping");
        let ended = tokio::join!(site.stop(Program::Edge), async {
            until("no new connection is taken", async || {
                probe.try_clone()?.send().await.is_err().then_some(())
            })
            .await;
            stream.write_all(body.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        })
        .0;
        assert_eq!(ended.and_then(|status| status.code()), Some(0));
        assert_eq!(Mark::named(&site, &name).recorded().await, 1);
    });
}
