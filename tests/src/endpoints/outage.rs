//! The broker is away and the spool is switched off: nothing is a success, and nothing that was refused comes after all.

use super::{CONSENT, Mark, pixel::is_the_image};
use crate::rig::{Answer, Program, Site, broker, run, until};
use serde_json::json;
use std::collections::HashSet;
use tracker_schemas::Topic;
use uuid::Uuid;

fn refused_for_now(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let wait: u64 = answer.header("retry-after").parse().expect("Retry-After in seconds");
    assert!(wait >= 1);
    let said = answer.json();
    assert!(said["error"].as_str().is_some_and(|tag| !tag.is_empty()), "{said}");
    assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("again")), "{said}");
}

#[test]
fn without_a_broker_nothing_is_a_success_and_with_it_everything_is_again() {
    run(async {
        let mut broker = broker("outage").await;
        let settings = [
            ("KAFKA__BROKERS", broker.address()),
            ("EDGE__PRODUCE_TIMEOUT", "2s".to_owned()),
            ("EDGE__SPOOL__ENABLED", "false".to_owned()),
        ];
        let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
        let mut site = Site::prepare("outage", &settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        let mark = Mark::on(&site);
        let event = |eid: Uuid| json!({ "eid": eid, "ename": mark.name, "cflags": CONSENT }).to_string();
        let before = Uuid::now_v7();
        assert_eq!(site.post("/tr/v1/tr/", event(before)).await.status, 200);

        broker.kill();
        until("/ready tells which part fails", async || {
            let answer = site.get("/ready").await;
            (answer.status == 503 && answer.text().contains("events")).then_some(())
        })
        .await;
        assert_eq!(site.get("/health").await.status, 200);
        let lost = event(Uuid::now_v7());
        let batch = format!("[{},{{}},{}]", event(Uuid::now_v7()), event(Uuid::now_v7()));
        let payment = json!({ "product": mark.name, "revenue": 1 }).to_string();
        let image = format!("/tr/v1/img/ename/{}", mark.name);
        let (one, several, server, paid, ()) = tokio::join!(
            site.post("/tr/v1/tr/", lost.clone()),
            site.post("/tr/v1/tr/", batch),
            site.post_secret("/tr/v1/str/", lost),
            site.post_secret("/tr/v1/ltv/", payment),
            is_the_image(&site, &image),
        );
        [one, several, server, paid].iter().for_each(refused_for_now);
        let wrong = site.post("/tr/v1/tr/", "{}").await;
        assert_eq!(
            wrong.refusal(),
            (400, "missing_name".to_owned()),
            "what is wrong needs no broker to be told"
        );

        broker.restart().await.expect("the broker comes back");
        let after = Uuid::now_v7();
        until("events are taken again", async || {
            (site.post("/tr/v1/tr/", event(after)).await.status == 200).then_some(())
        })
        .await;
        site.ready(Program::Edge).await;
        // What was taken late, and told so late that it was asked again, may be there twice.
        let keys = site.messages(Topic::Events).await.into_iter().filter_map(|message| message.key);
        let taken = [before, after].map(|eid| eid.to_string().into_bytes());
        assert_eq!(
            keys.collect::<HashSet<_>>(),
            HashSet::from(taken),
            "what was refused was told so for good"
        );
        assert!(site.messages(Topic::Payments).await.is_empty());
    });
}
