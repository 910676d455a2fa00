//! Money: exact to its fourth place, counted once, never behind events, and never stopped by a broken message.

use crate::{
    endpoints::{CONSENT, Mark},
    rig::{Answer, Program, Site, post, run, shared, until},
};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tracker_schemas::{Decimal, Encoder, Payment, Record, Timestamp, Topic};
use tracker_stream::kafka::partition_of;
use uuid::Uuid;

/// One for what is rough: a flood of events, and messages that no lane can read.
async fn rough() -> &'static Site {
    static ROUGH: OnceCell<Site> = OnceCell::const_new();
    ROUGH.get_or_init(|| Site::start("rough", &[])).await
}

/// Pays, and gives the ids of the payments.
async fn pay(site: &Site, body: impl Into<String>) -> Vec<Uuid> {
    let answer = site.post_secret("/tr/v1/ltv/?receipt=1", body.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(answer.json()["ids"].clone()).expect("a list of ids")
}

/// An amount of a payment, with all its places.
async fn amount(site: &Site, id: Uuid, column: &str) -> Value {
    let sql = format!("SELECT toDecimalString({column}, 4) AS amount FROM payments FINAL WHERE id = '{id}'");
    site.row(&sql).await["amount"].clone()
}

/// `currency revenue payments` of each row of a view, once they are what is expected.
async fn worth(site: &Site, sql: &str, expected: &[&str]) {
    let mut found = Vec::new();
    let what = format!("{expected:?} of {sql}");
    let settled = tracker_stack::wait_until(crate::rig::DEADLINE, async || {
        let rows = site.rows(&format!("SELECT concat(currency, ' ', toDecimalString(revenue, 4), ' ', toString(payments)) AS row FROM {sql} ORDER BY row")).await;
        found = rows.iter().map(|row| row["row"].as_str().unwrap_or_default().to_owned()).collect();
        (found == expected).then_some(())
    });
    assert!(settled.await.is_some(), "{what} never came; {found:?} did");
}

#[rstest]
#[case::number("12.34", "12.3400")]
#[case::text(r#""12.3456""#, "12.3456")]
#[case::no_float_holds_it("0.1", "0.1000")]
#[case::zeros_beyond(r#""0.300000""#, "0.3000")]
#[case::large("123456789012345678.9999", "123456789012345678.9999")]
#[case::large_text(r#""999999999999999999.9999""#, "999999999999999999.9999")]
#[case::refund("-19.99", "-19.9900")]
#[case::the_smallest(r#""-0.0001""#, "-0.0001")]
#[case::whole("7", "7.0000")]
#[case::exponent("1.5e3", "1500.0000")]
fn an_amount_is_stored_exactly(#[case] written: &str, #[case] stored: &str) {
    run(async {
        let site = shared().await;
        let ids = pay(site, format!(r#"{{"revenue":{written},"tax":{written}}}"#)).await;
        assert_eq!(amount(site, ids[0], "revenue").await, stored);
        assert_eq!(amount(site, ids[0], "assumeNotNull(tax)").await, stored);
    });
}

#[test]
fn a_line_item_becomes_a_row_with_all_its_columns() {
    run(async {
        let site = shared().await;
        let ids = [(); 9].map(|()| Uuid::new_v4());
        let [id, uid, vid, sid, oid, tid, invid, orid, product_id] = ids;
        let body = json!({
            "id": id, "uid": uid, "vid": vid, "sid": sid, "oid": oid, "tid": tid, "invid": invid, "orid": orid,
            "product_id": product_id, "updater": uid, "owner": vid, "org": "eu", "product": "Tea", "pcat": "food",
            "man": "Acme", "model": "No 5", "duration": "1 y", "currency": "eur", "country": "de", "rcode": "R",
            "region": "BE", "campaign_id": "c", "qty": 2, "price": "1.25", "discount": 0.5, "amt": "2.0000",
            "margin": 1, "cost": 1, "tax": "0.38", "tax_rate": 0.19, "commission": 0.1, "referral": 0.2, "fees": 0.3,
            "subtotal": 2, "total": 2.38, "payment": 2.38, "starts": "2026-01-01T00:00:00Z",
            "paid_at": "2026-01-01T00:00:00.5+01:00", "unknown": { "a": 1.50 },
        });
        let answer = site.post_secret("/tr/v1/ltv/", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));
        let row = site.row(&format!("SELECT * EXCEPT (created_at, received_at, edge, schema, host, partition, offset, produced_at, token) FROM payments FINAL WHERE id = '{id}'")).await;
        let expected = json!({
            "id": id, "uid": uid, "vid": vid, "sid": sid, "oid": oid, "tid": tid, "invid": invid, "orid": orid,
            "product_id": product_id, "updater": uid, "owner": vid, "org": "eu", "product": "Tea", "pcat": "food",
            "man": "Acme", "model": "No 5", "duration": "1 y", "currency": "EUR", "country": "DE", "rcode": "R",
            "region": "BE", "campaign_id": "c", "qty": "2", "price": "1.25", "discount": "0.5", "revenue": "2",
            "margin": "1", "cost": "1", "tax": "0.38", "tax_rate": "0.19", "commission": "0.1", "referral": "0.2",
            "fees": "0.3", "subtotal": "2", "total": "2.38", "payment": "2.38", "starts": "2026-01-01 00:00:00.000",
            "ends": null, "invoiced_at": null, "paid_at": "2025-12-31 23:00:00.500", "params": r#"{"unknown":{"a":1.5}}"#,
        });
        assert_eq!(row, expected);
    });
}

#[test]
fn lifetime_value_is_per_currency_and_a_refund_lowers_it() {
    run(async {
        let site = shared().await;
        let [uid, vid, orid, other] = [(); 4].map(|()| Uuid::new_v4());
        let order = json!({ "uid": uid, "vid": vid, "orid": orid, "payments": [
            { "revenue": "10.10", "currency": "eur" },
            { "revenue": 0.2, "currency": "EUR" },
            { "revenue": "5.0001" },
            { "revenue": 1000, "currency": "JPY" },
        ]});
        assert_eq!(pay(site, order.to_string()).await.len(), 4);
        pay(site, json!({ "uid": uid, "orid": orid, "revenue": "-4.05", "currency": "EUR" }).to_string())
            .await;
        pay(site, json!({ "uid": uid, "invid": other, "amount": 7, "currency": "EUR" }).to_string()).await;

        let (bought, of_the_user) = (
            ["EUR 10.3000 2", "JPY 1000.0000 1", "USD 5.0001 1"],
            ["EUR 6.2500 3", "JPY 1000.0000 1", "USD 5.0001 1"],
        );
        worth(site, &format!("ltvu WHERE uid = '{uid}' AND orid = '{orid}'"), &of_the_user).await;
        worth(site, &format!("ltvu WHERE uid = '{uid}' AND orid = '{other}'"), &["EUR 7.0000 1"]).await;
        worth(site, &format!("ltvv WHERE vid = '{vid}'"), &bought).await;
        worth(
            site,
            &format!("ltv WHERE id_type = 'uid' AND id = '{uid}'"),
            &["EUR 13.2500 4", "JPY 1000.0000 1", "USD 5.0001 1"],
        )
        .await;
        worth(site, &format!("ltv WHERE id_type = 'vid' AND id = '{vid}'"), &bought).await;
        worth(site, &format!("ltv WHERE id_type = 'orid' AND id = '{orid}'"), &of_the_user).await;
        worth(site, &format!("ltv WHERE id_type = 'invid' AND id = '{other}'"), &["EUR 7.0000 1"]).await;
    });
}

#[test]
fn a_tenant_that_names_the_payment_of_another_replaces_nothing() {
    run(async {
        let site = shared().await;
        let [id, uid, shop, stranger] = [(); 4].map(|()| Uuid::new_v4());
        for (oid, revenue) in [(shop, "10"), (shop, "20"), (stranger, "0.01")] {
            pay(site, json!({ "id": id, "oid": oid, "uid": uid, "revenue": revenue }).to_string()).await;
        }
        // The stranger's came last: once it is there, so is all that could be.
        for (oid, row) in [(stranger, "USD 0.0100 1"), (shop, "USD 10.0000 1")] {
            worth(site, &format!("ltvu WHERE oid = '{oid}' AND uid = '{uid}'"), &[row]).await;
        }
        let rows = format!("SELECT count() AS n FROM payments WHERE id = '{id}'");
        assert_eq!(site.count(&rows).await, 2, "each tenant's first stays, without FINAL");
    });
}

#[rstest]
#[case::by_the_header(r#"{"uid":"UID","payments":[{"revenue":3},{"revenue":4}]}"#, Some("order-7"))]
#[case::by_the_id(
    r#"{"uid":"UID","payments":[{"id":"first-UID","revenue":3},{"id":"second-UID","revenue":4}]}"#,
    None
)]
#[case::by_the_orders_id(r#"{"uid":"UID","id":"UID","payments":[{"revenue":3},{"revenue":4}]}"#, None)]
fn a_payment_that_is_sent_again_is_stored_once(#[case] body: &str, #[case] key: Option<&str>) {
    run(async {
        let site = shared().await;
        let (uid, after) = (Uuid::new_v4(), Uuid::new_v4());
        let body = body.replace("UID", &uid.to_string());
        let send = async || -> Answer {
            let request = site.request(Method::POST, "/tr/v1/ltv/?receipt=1").bearer_auth(&site.secret);
            let request = match key {
                Some(key) => request.header("idempotency-key", format!("{key}-{uid}")),
                None => request,
            };
            post(request.body(body.clone())).await
        };
        let (first, again) = (send().await, send().await);
        assert_eq!((first.status.as_u16(), &first.json()["ids"]), (200, &again.json()["ids"]));
        let ids: Vec<Uuid> = serde_json::from_value(first.json()["ids"].clone()).unwrap();
        assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
        pay(site, json!({ "uid": after, "revenue": 1 }).to_string()).await;
        worth(site, &format!("ltvu WHERE uid = '{after}'"), &["USD 1.0000 1"]).await;
        worth(site, &format!("ltvu WHERE uid = '{uid}'"), &["USD 7.0000 2"]).await;
        assert_eq!(
            site.count(&format!("SELECT count() AS n FROM payments FINAL WHERE uid = '{uid}'")).await,
            2
        );
    });
}

#[test]
fn a_wrong_payment_is_refused_whole() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let wrong = [
            (r#"{"product":"MARK"}"#, "missing_revenue"),
            (r#"{"product":"MARK","revenue":"0.00001"}"#, "invalid_decimal"),
            (r#"{"product":"MARK","revenue":"12,50"}"#, "invalid_decimal"),
            (r#"{"product":"MARK","revenue":"NaN"}"#, "invalid_decimal"),
            (r#"{"product":"MARK","revenue":1e18}"#, "invalid_decimal"),
            (r#"{"product":"MARK","revenue":1,"tax":"much"}"#, "invalid_decimal"),
            (r#"{"product":"MARK","revenue":1,"currency":"EURO"}"#, "invalid_currency"),
            (r#"{"product":"MARK","revenue":1,"paid_at":"yesterday"}"#, "invalid_time"),
            (r#"{"product":"MARK","revenue":1,"orid":"nonsense"}"#, "invalid_uuid"),
            (r#"[{"product":"MARK","revenue":1}]"#, "not_an_object"),
            (r#"{"product":"MARK","payments":{"revenue":1}}"#, "invalid_type"),
            (r#"{"product":"MARK","payments":[{"revenue":1},5]}"#, "not_an_object"),
            (r#"{"product":"MARK","payments":[{"revenue":1},{"revenue":"much"}]}"#, "invalid_decimal"),
        ];
        for (body, reason) in wrong {
            let answer = site.post_secret("/tr/v1/ltv/", body.replace("MARK", &mark.name)).await;
            assert_eq!(answer.refusal(), (400, reason.to_owned()), "{body}: {}", answer.text());
            if body.contains("\"payments\":[") {
                assert_eq!(answer.json()["rejected"][0]["index"], 1, "{body}: {}", answer.text());
            }
        }
        let good = json!({ "product": mark.name, "revenue": 1 }).to_string();
        assert_eq!(site.post_secret("/tr/v1/ltv/", good).await.status, 200);
        assert_eq!(mark.recorded().await, 1);
    });
}

#[test]
fn payments_arrive_while_a_flood_of_events_goes_on() {
    run(async {
        let site = rough().await;
        let mark = Mark::on(site);
        let (done, flooded) = (CancellationToken::new(), AtomicUsize::new(0));
        let batch = json!(vec![json!({ "ename": mark.name, "cflags": CONSENT }); 500]).to_string();
        let flood = async || {
            while !done.is_cancelled() {
                let answer = site.post("/tr/v1/tr/", batch.clone()).await;
                assert_eq!((answer.status.as_u16(), &answer.json()["accepted"]), (200, &json!(500)));
                flooded.fetch_add(500, Ordering::Relaxed);
            }
        };
        let payments = async {
            until("the flood has begun", async || (flooded.load(Ordering::Relaxed) > 5000).then_some(()))
                .await;
            for _ in 0..10 {
                let uid = Uuid::new_v4();
                let before = flooded.load(Ordering::Relaxed);
                let ids = pay(site, json!({ "uid": uid, "orid": uid, "revenue": "12.34" }).to_string()).await;
                worth(site, &format!("ltvu WHERE uid = '{uid}' AND orid = '{uid}'"), &["USD 12.3400 1"])
                    .await;
                assert_eq!(amount(site, ids[0], "revenue").await, "12.3400");
                until("the flood goes on", async || (flooded.load(Ordering::Relaxed) > before).then_some(()))
                    .await;
            }
            done.cancel();
        };
        tokio::join!(payments, flood(), flood());
    });
}

/// A message that no lane can read, and the good one behind it in the same partition.
struct Broken {
    topic: Topic,
    origin: &'static str,
    key: Uuid,
    /// The id of the good one.
    behind: Uuid,
    payload: Vec<u8>,
}

/// The id of an event whose partition is that of `key`. The key itself would be a repeat, and dropped.
fn beside(key: Uuid) -> Uuid {
    let partition = |id: Uuid| partition_of(id.to_string().as_bytes(), 3);
    std::iter::repeat_with(Uuid::now_v7).find(|id| partition(*id) == partition(key)).expect("one in three is")
}

#[test]
fn a_broken_message_is_buried_as_it_was_and_the_stream_goes_on() {
    run(async {
        let site = rough().await;
        let cut = Encoder::<Payment>::single_object().encode(&Payment::default());
        let payloads = [
            b"no Avro at all".to_vec(),
            Vec::new(),
            vec![0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9],
            cut[..cut.len() - 1].to_vec(),
            vec![0, 0xff, 0, b'\n', 0x80],
        ];
        let lanes = [
            (Topic::DeadLetters, "load"),
            (Topic::Events, "enrich"),
            (Topic::Enriched, "load"),
            (Topic::Payments, "payments"),
        ];
        let broken = lanes.into_iter().flat_map(|(topic, origin)| {
            payloads.clone().map(|payload| {
                let key = Uuid::now_v7();
                let behind = if topic == Topic::Events { beside(key) } else { key };
                Broken { topic, origin, key, behind, payload }
            })
        });
        let broken: Vec<Broken> = broken.collect();
        for (topic, _) in lanes {
            let of_it = broken.iter().filter(|one| one.topic == topic);
            site.put(topic, of_it.map(|one| (one.key.to_string(), one.payload.clone()))).await;
        }
        for one in &broken {
            send_behind(site, one).await;
        }
        for one in &broken {
            goes_on(site, one).await;
        }
        for one in &broken {
            is_buried(site, one).await;
        }
        let letters = site.count("SELECT count() AS n FROM dead_letters FINAL").await;
        assert_eq!(letters, broken.len() as u64, "each once, and nothing else");
    });
}

/// Something good that stands in the same partition.
async fn send_behind(site: &Site, Broken { topic, key, behind, .. }: &Broken) {
    match topic {
        Topic::Events | Topic::Enriched => {
            let body = json!({ "eid": behind, "vid": key, "ename": "behind", "cflags": CONSENT });
            assert_eq!(site.post("/tr/v1/tr/", body.to_string()).await.status, 200);
        }
        Topic::Payments => {
            assert_eq!(pay(site, json!({ "id": key, "revenue": 1 }).to_string()).await, [*key])
        }
        // The dead letters of the other lanes stand behind it.
        _ => {}
    }
}

async fn goes_on(site: &Site, Broken { topic, key, behind, .. }: &Broken) {
    match topic {
        Topic::Events | Topic::Enriched => {
            assert_eq!(site.event(&behind.to_string()).await["ename"], "behind");
        }
        Topic::Payments => assert_eq!(amount(site, *key, "revenue").await, "1.0000"),
        _ => {}
    }
}

async fn is_buried(site: &Site, Broken { topic, origin, key, payload, .. }: &Broken) {
    let name = format!("{}{}", site.prefix, topic.name());
    let sql = format!(
        "SELECT topic, origin, reason, detail, lower(hex(payload)) AS payload FROM dead_letters FINAL WHERE key = '{key}'"
    );
    let row = site.row(&sql).await;
    let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
    let said =
        [&row["topic"], &row["origin"], &row["reason"], &row["payload"]].map(|cell| cell.as_str().unwrap());
    assert_eq!(said, [&*name, origin, "malformed", &hex]);
    assert_ne!(row["detail"], "", "{row}");
}

#[test]
fn a_payment_is_on_a_topic_of_its_own_under_its_id() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let ids = pay(site, json!({ "product": mark.name, "revenue": "2.5" }).to_string()).await;
        let key = ids[0].to_string().into_bytes();
        let messages = site.messages(Topic::Payments).await;
        let message =
            messages.iter().find(|message| message.key.as_ref() == Some(&key)).expect("it is there");
        let payment = tracker_schemas::Decoder::<Payment>::new().decode(&message.payload).unwrap();
        assert_eq!((payment.id, payment.revenue), (ids[0], "2.5".parse::<Decimal>().unwrap()));
        assert!(payment.received_at > Timestamp(0));
        assert_eq!(Payment::TOPIC, Topic::Payments);
        assert_eq!(mark.recorded().await, 1);
    });
}

/// How much a process gives way to others, as the kernel has it: 0 by default, 19 at most.
fn nice(site: &Site, program: Program) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", site.pid(program))).expect("it runs");
    // The name may hold spaces; what follows it does not. `nice` is field 19 of `proc_pid_stat(5)`, the state field 3.
    let (_, after_name) = stat.rsplit_once(") ").expect("a name in parentheses");
    after_name.split(' ').nth(16).expect("field 19").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn what_nobody_waits_for_gives_way_to_payments() {
    run(async {
        let site = shared().await;
        let urgent = [Program::Edge, Program::Payments].map(|program| nice(site, program));
        let bulk = [Program::Enrich, Program::Load].map(|program| nice(site, program));
        let given_way = (urgent[0] + 10).min(19);
        assert_eq!((urgent[0], bulk), (urgent[1], [given_way; 2]));
    });
}
