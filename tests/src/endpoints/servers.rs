//! `/tr/v1/str/`: events of servers, which show a secret key.

use super::{Mark, events::verdicts};
use crate::rig::{post, run, shared};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

#[test]
fn a_server_event_is_answered_with_its_id() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let answer = site.post_secret("/tr/v1/str/", json!({ "ename": mark.name }).to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        let given: Uuid = answer.json().as_str().expect("the id is a JSON string").parse().unwrap();
        let own = Uuid::now_v7();
        let path = format!("/tr/v1/str/ename/{}/eid/{own}?app=till", mark.name);
        let answer = post(site.request(Method::GET, &path).bearer_auth(&site.secret)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(own)));
        mark.recorded_only(&[given, own]).await;
        let row = site.event(&own.to_string()).await;
        assert_eq!((&row["kind"], &row["app"]), (&json!("server"), &json!("till")));
    });
}

#[test]
fn several_server_events_are_answered_with_the_ids_of_the_safe_ones_in_order() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let own = Uuid::now_v7();
        let body = json!([
            { "ename": mark.name },
            { "ename": mark.name, "rid": "nonsense" },
            { "ename": mark.name, "eid": own },
        ]);
        let answer = site.post_secret("/tr/v1/str/", body.to_string()).await.json();
        assert_eq!(verdicts(&answer), (2, vec![(1, "invalid_uuid".to_owned())]));
        let ids: Vec<Uuid> = serde_json::from_value(answer["ids"].clone()).unwrap();
        assert_eq!((ids.len(), ids[1]), (2, own));
        mark.recorded_only(&ids).await;
    });
}
