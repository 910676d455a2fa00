//! An event or a payment can be found, wherever it is.

use crate::{
    endpoints::CONSENT,
    rig::{Program, Site, post, run, until},
};
use reqwest::Client;
use serde_json::{Value, json};
use tracker_schemas::Topic;
use uuid::Uuid;

impl Site {
    fn traced(&self, id: Uuid) -> Value {
        let output = self.tracker_output(&["trace", &id.to_string(), "--json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Waits until a trace says `verdict`.
    async fn is_traced(&self, id: Uuid, verdict: &str) -> Value {
        let mut last = Value::Null;
        let found = tracker_stack::wait_until(crate::rig::DEADLINE, async || {
            last = self.traced(id);
            (last["verdict"] == verdict).then_some(())
        });
        assert!(found.await.is_some(), "never {verdict}: {last}");
        last
    }

    async fn sends(&self, id: Uuid) {
        let body = json!({ "eid": id, "ename": "traced", "cflags": CONSENT });
        assert_eq!(self.post("/tr/v1/tr/", body.to_string()).await.status, 200);
    }
}

fn fates(trace: &Value) -> Vec<(&str, &str)> {
    let messages = trace["messages"].as_array().unwrap();
    messages.iter().map(|copy| (copy["topic"].as_str().unwrap(), copy["fate"].as_str().unwrap())).collect()
}

async fn tells_a_stored_event_from_its_repeat(site: &Site) {
    let id = Uuid::now_v7();
    site.sends(id).await;
    site.sends(id).await;
    let trace = until("both copies have their fate, and the ledger has the insert", async || {
        let trace = site.traced(id);
        let told = fates(&trace) == [("events", "stored"), ("events", "dropped")];
        (told && trace["stored"][0]["token"].is_string()).then_some(trace)
    })
    .await;
    let (row, copies) = (&trace["stored"][0], &trace["messages"]);
    assert_eq!((&row["table"], &row["edge"]), (&json!("events"), &json!("edge-7")));
    assert_eq!((&row["raw_offset"], &row["raw_partition"]), (&copies[0]["offset"], &copies[0]["partition"]));
    assert_eq!((&copies[1]["reason"], &copies[1]["of"]), (&json!("duplicate"), &copies[0]["offset"]));
    assert_eq!(copies[0]["edge"], "edge-7");
    assert!(row["token"].as_str().unwrap().starts_with("traced.enriched:"), "{row}");
}

async fn tells_a_stored_payment_from_its_repeat(site: &Site) {
    let id = Uuid::now_v7();
    for _ in 0..2 {
        let body = json!({ "id": id, "revenue": 1 }).to_string();
        assert_eq!(site.post_secret("/tr/v1/ltv/", body).await.status, 200);
    }
    let trace = until("both payments have their fate", async || {
        let trace = site.traced(id);
        (fates(&trace) == [("payments", "stored"), ("payments", "dropped")]).then_some(trace)
    })
    .await;
    assert_eq!(trace["stored"][0]["table"], "payments");
    assert!(trace["stored"][0]["token"].as_str().unwrap().starts_with("traced.payments:"), "{trace}");
}

async fn tells_a_dead_letter(site: &Site) {
    let id = Uuid::now_v7();
    site.put(Topic::Events, [(id.to_string(), b"no event".to_vec())]).await;
    let trace = site.is_traced(id, "dead").await;
    assert_eq!((&trace["dead"][0]["reason"], fates(&trace)), (&json!("malformed"), vec![("events", "dead")]));
    assert_eq!(trace["dead"][0]["letter"], trace["messages"][0]["letter"]);
}

async fn load_answers_who_shows_the_right_key(site: &Site) {
    let [id, oid] = [Uuid::now_v7(), Uuid::new_v4()];
    let body = json!({ "eid": id, "oid": oid, "ename": "traced", "cflags": CONSENT });
    assert_eq!(site.post("/tr/v1/tr/", body.to_string()).await.status, 200);
    site.event(&id.to_string()).await;
    let key = |tenant: Uuid| {
        let arguments = ["keys", "new", "--id", &tenant.to_string(), "--tenant", &tenant.to_string()];
        site.tracker(&arguments).lines().last().unwrap().trim().to_owned()
    };
    let (own, strange) = (key(oid), key(Uuid::new_v4()));
    let client = Client::new();
    let ask = async |id: Uuid, key: Option<&str>| {
        let request = client.get(format!("{}/trace/{id}", site.address(Program::Load)));
        post(key.into_iter().fold(request, |request, key| request.bearer_auth(key))).await
    };
    for (key, wanted) in [(None, "missing_key"), (Some("guessed"), "unknown_key")] {
        assert_eq!(ask(id, key).await.refusal(), (401, wanted.to_owned()));
    }
    assert_eq!(ask(id, Some(&strange)).await.refusal(), (403, "wrong_tenant".to_owned()));
    assert_eq!(ask(Uuid::now_v7(), Some(&site.secret)).await.refusal(), (404, "unknown_id".to_owned()));
    for key in [&own, &site.secret] {
        let answer = ask(id, Some(key)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["verdict"]), (200, &json!("stored")));
    }
}

/// Waits for load, then for enrich; gives an event that is stored in the end.
async fn tells_who_has_not_read_it_yet(site: &mut Site) -> Uuid {
    site.stop(Program::Load).await;
    let id = Uuid::now_v7();
    site.sends(id).await;
    let trace = until("it waits for load", async || {
        let trace = site.traced(id);
        (fates(&trace) == [("events", "carried_on"), ("enriched", "waiting")]).then_some(trace)
    })
    .await;
    assert_eq!(
        (&trace["verdict"], &trace["messages"][1]["group"]),
        (&json!("waiting"), &json!("traced.load.events"))
    );
    site.stop(Program::Enrich).await;
    let second = Uuid::now_v7();
    site.sends(second).await;
    let trace = site.is_traced(second, "waiting").await;
    assert_eq!(trace["messages"][0]["group"], "traced.enrich");
    for program in [Program::Enrich, Program::Load] {
        site.launch(program);
    }
    for id in [id, second] {
        site.is_traced(id, "stored").await;
    }
    id
}

fn tells_what_was_never_seen(site: &Site, stored: Uuid) {
    let unknown = site.tracker_output(&["trace", &Uuid::now_v7().to_string()]);
    let said = String::from_utf8(unknown.stdout).unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said.contains("never seen, or older than what is kept"), "{said}");
    let undated = site.tracker(&["trace", &stored.to_string(), "--since", "10m"]);
    assert!(undated.contains("stored in events (and visitors, sessions"), "{undated}");
}

#[test]
fn every_way_that_an_event_or_a_payment_can_go_is_told() {
    run(async {
        let mut site = Site::start("traced", &[("EDGE__NODE", "edge-7")]).await;
        tells_a_stored_event_from_its_repeat(&site).await;
        tells_a_stored_payment_from_its_repeat(&site).await;
        tells_a_dead_letter(&site).await;
        load_answers_who_shows_the_right_key(&site).await;
        let stored = tells_who_has_not_read_it_yet(&mut site).await;
        tells_what_was_never_seen(&site, stored);
    });
}
