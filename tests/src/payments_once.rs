//! A payment id is stored once, whenever it comes: after a restart of everything, from a second edge, after partitions were
//! added, and however often the processor is killed. Counted without FINAL.

use crate::rig::{Program, Site, post, run, until};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tracker_schemas::Topic;
use uuid::Uuid;

impl Site {
    /// Pays one euro under these ids.
    async fn pays(&self, oid: Uuid, uid: Uuid, ids: &[Uuid]) {
        self.pays_at(&self.address(Program::Edge), oid, uid, ids).await;
    }

    /// The same at any edge.
    async fn pays_at(&self, edge: &str, oid: Uuid, uid: Uuid, ids: &[Uuid]) {
        let request = Client::new().post(format!("{edge}/tr/v1/ltv/")).bearer_auth(&self.secret);
        let answer = post(request.body(order(oid, uid, ids).to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Waits until the processor that runs now has given so many payments their fate.
    async fn settles(&self, payments: u64) {
        until(&format!("{payments} payments have their fate"), async || {
            let metrics = self.metrics(Program::Payments).await;
            let settled: f64 = metrics
                .iter()
                .filter(|(name, _)| name.starts_with("tracker_lane_settled_total"))
                .map(|(_, count)| *count)
                .sum();
            (settled as u64 >= payments).then_some(())
        })
        .await;
    }

    /// Rows, distinct payments, and the sums of the view, of one tenant.
    async fn stands(&self, oid: Uuid) -> Value {
        let table = format!(
            "SELECT count() AS count, uniqExact(id) AS ids, toString(sum(revenue)) AS revenue FROM payments WHERE oid = '{oid}'"
        );
        let items = format!(
            "SELECT count() AS count, uniqExact(payment) AS ids, toString(sum(revenue)) AS revenue FROM ltv_items WHERE oid = '{oid}' AND id_type = 'uid'"
        );
        let view = format!(
            "SELECT toString(sum(revenue)) AS revenue, sum(payments) AS count FROM ltvu WHERE oid = '{oid}'"
        );
        let mut told = Vec::new();
        for sql in [table, items, view] {
            told.extend(self.rows(&sql).await);
        }
        json!(told)
    }

    /// Only what payments need.
    async fn of_payments(name: &'static str, settings: &[(&str, &str)]) -> Self {
        Self::start_only(name, settings, &[Program::Edge, Program::Payments]).await
    }
}

fn order(oid: Uuid, uid: Uuid, ids: &[Uuid]) -> Value {
    let items: Vec<Value> =
        ids.iter().map(|id| json!({ "id": id, "revenue": "1", "currency": "EUR" })).collect();
    json!({ "oid": oid, "uid": uid, "payments": items })
}

/// What stands of `count` payments of one euro.
fn once(count: u64) -> Value {
    let row = json!({ "count": count, "ids": count, "revenue": count.to_string() });
    json!([row, row, { "revenue": count.to_string(), "count": count }])
}

#[test]
fn the_same_id_is_stored_once_after_a_restart_from_another_edge_and_beside_another_tenant() {
    run(async {
        let mut site = Site::of_payments("once", &[]).await;
        let [oid, stranger, uid] = [(); 3].map(|()| Uuid::new_v4());
        let ids: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
        site.pays(oid, uid, &ids).await;
        site.pays(oid, uid, &ids).await;
        // Twice in one request: in one batch, and in one insert.
        let [first, ..] = ids[..] else { panic!("five ids") };
        let twice = order(oid, uid, &[first, first]).to_string();
        let answer = site.post_secret("/tr/v1/ltv/", twice).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        site.settles(12).await;
        assert_eq!(site.stands(oid).await, once(5));

        for program in [Program::Edge, Program::Payments] {
            site.stop(program).await;
        }
        for program in [Program::Edge, Program::Payments] {
            site.launch(program);
            site.ready(program).await;
        }
        site.pays(oid, uid, &ids).await;
        site.pays(stranger, uid, &ids).await;
        until("the other tenant's payments", async || (site.stands(stranger).await == once(5)).then_some(()))
            .await;
        assert_eq!(site.stands(oid).await, once(5));

        let own = [("EDGE__NODE", "second"), ("EDGE__SPOOL__PATH", "second/spool")];
        let (_other, edge) = site.another(Program::Edge, &own);
        site.ready_at(&edge, "the second edge is ready").await;
        site.pays_at(&edge, oid, uid, &ids).await;
        let more: Vec<Uuid> = (0..3).map(|_| Uuid::new_v4()).collect();
        site.pays_at(&edge, oid, uid, &more).await;
        until("what is new", async || (site.stands(oid).await == once(8)).then_some(())).await;

        // Rows are there a moment before they are counted.
        until("5 from each edge are dropped since the restart", async || {
            let all = site.metrics(Program::Payments).await;
            let dropped = all.iter().find(|(name, _)| name.contains("reason=\"duplicate\""));
            let dropped = dropped.map_or(0.0, |(_, count)| *count);
            assert!(dropped <= 10.0, "{dropped} of 10");
            (dropped == 10.0).then_some(())
        })
        .await;
    });
}

#[test]
fn an_id_that_waits_in_two_partitions_is_stored_once() {
    run(async {
        let mut site = Site::of_payments("once_parts", &[]).await;
        let [oid, uid] = [(); 2].map(|()| Uuid::new_v4());
        let ids: Vec<Uuid> = (0..200).map(|_| Uuid::new_v4()).collect();
        site.pays(oid, uid, &ids[..100]).await;
        until("the first", async || (site.stands(oid).await == once(100)).then_some(())).await;
        site.stop(Program::Payments).await;
        site.pays(oid, uid, &ids[100..]).await;
        site.environment.insert("TRACKER_TOPICS__SMALL_PARTITIONS".to_owned(), "4".to_owned());
        site.tracker(&["topics", "apply"]);
        // An edge learns of the new partitions in its own time: a new one knows them.
        site.stop(Program::Edge).await;
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        site.pays(oid, uid, &ids).await;
        let messages = site.messages(Topic::Payments).await;
        let moved = messages.iter().filter(|message| message.partition > 0).count();
        assert!(moved > 0, "the ids went to other partitions than before");
        site.launch(Program::Payments);
        site.ready(Program::Payments).await;
        site.settles(messages.len() as u64 - 100).await;
        assert_eq!(site.stands(oid).await, once(200));
    });
}

#[test]
fn payments_are_stored_once_however_often_the_processor_is_killed() {
    run(async {
        const KILLS: u64 = 6;
        const ALL: usize = 3000;
        let mut site = Site::of_payments("once_killed", &[("PAYMENTS__BATCH_ROWS", "20")]).await;
        let [oid, uid] = [(); 2].map(|()| Uuid::new_v4());
        let ids: Vec<Uuid> = (0..ALL).map(|_| Uuid::new_v4()).collect();
        // Each chunk twice: the repeat stands in a later range, of which none, a part or all may be stored at a kill.
        let requests: Vec<_> = ids
            .chunks(50)
            .flat_map(|ids| [ids, ids])
            .map(|ids| {
                let body = order(oid, uid, ids).to_string();
                site.request(Method::POST, "/tr/v1/ltv/").bearer_auth(&site.secret).body(body)
            })
            .collect();
        let posting = tokio::spawn(async move {
            for request in requests {
                assert_eq!(post(request).await.status, 200);
            }
        });
        for kill in 1..=KILLS {
            let sql = format!("SELECT count() AS n FROM payments WHERE oid = '{oid}'");
            let enough = kill * ALL as u64 / (KILLS + 2);
            until("more payments", async || (site.count(&sql).await >= enough).then_some(())).await;
            site.kill(Program::Payments);
            site.launch(Program::Payments);
        }
        posting.await.unwrap();
        until("every payment", async || (site.stands(oid).await == once(ALL as u64)).then_some(())).await;
        // A payment behind all the repeats: nothing is left that could double.
        let last = Uuid::new_v4();
        site.pays(oid, uid, &[last]).await;
        until("the last", async || (site.stands(oid).await == once(ALL as u64 + 1)).then_some(())).await;
    });
}
