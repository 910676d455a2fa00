//! From a click to a row, and from a payment to its sum: what the README promises a new user.

use crate::rig::{Answer, Site, post, run, shared};
use reqwest::Method;
use serde_json::{Value, json};
use tracker_schemas::{Decoder, Enriched};
use tracker_stream::{
    envelope::TRACEPARENT,
    kafka::{From, Reader, Reading},
};
use uuid::Uuid;

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/17.5 Mobile/15E148 Safari/604.1";

async fn click(site: &Site, body: &Value, trace: &str) -> Answer {
    let request = site.request(Method::POST, "/tr/v1/tr/");
    let request = request.header("x-forwarded-for", "8.8.8.8").header("user-agent", PHONE);
    post(request.header(TRACEPARENT, trace).body(body.to_string())).await
}

#[test]
fn a_click_becomes_a_row_with_place_device_channel_and_a_truncated_address() {
    run(async {
        let site = shared().await;
        let (eid, vid) = (Uuid::now_v7().to_string(), Uuid::new_v4().to_string());
        let body = json!({
            "eid": eid, "vid": vid, "ename": "Page_View", "cflags": 5377,
            "url": "https://shop.example/boots?utm_source=newsletter&utm_medium=email&token=hush#top",
            "basket": 3,
        });
        let answer = click(site, &body, "").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, String::new()));
        let row = site.event(&eid).await;
        let wanted = json!({
            "vid": vid, "ename": "page_view", "url": "https://shop.example/boots", "params": "{\"basket\":3}",
            "source": "newsletter", "medium": "email", "channel": "email",
            "country": "US", "city": "Mountain View", "asn": 15169, "ip": "8.8.8.0",
            "device": "iPhone", "device_type": "mobile", "os": "iOS", "browser": "Mobile Safari", "bot": false,
        });
        for (column, value) in wanted.as_object().unwrap() {
            assert_eq!(&row[column], value, "{column}");
        }
    });
}

#[test]
fn a_payment_is_in_the_lifetime_value_of_its_user() {
    run(async {
        let site = shared().await;
        let uid = Uuid::new_v4();
        let body = json!({ "uid": uid, "revenue": "19.90", "currency": "eur" });
        let answer = site.post_secret("/tr/v1/ltv/", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, String::new()));
        let row = site.row(&format!("SELECT currency, revenue FROM ltvu WHERE uid = '{uid}'")).await;
        assert_eq!(row, json!({ "currency": "EUR", "revenue": "19.9" }));
    });
}

#[test]
fn the_trace_of_a_request_goes_on_to_the_topic_of_data_teams() {
    run(async {
        let site = shared().await;
        let eid = Uuid::now_v7();
        let config = site.kafka();
        let mut reader = Reader::open(&config, &config.topic("enriched"), From::Beginning).await.unwrap();
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let body = json!({ "eid": eid, "ename": "traced" });
        click(site, &body, &format!("00-{trace}-00f067aa0ba902b7-01")).await;
        let decoder = Decoder::<Enriched>::new();
        let header = loop {
            let Reading::Message(message) = reader.next().await.unwrap() else { continue };
            if decoder.decode(&message.payload).unwrap().fact.eid == eid {
                break String::from_utf8(message.headers.get(TRACEPARENT).unwrap().to_vec()).unwrap();
            }
        };
        assert!(header.starts_with(&format!("00-{trace}-")), "{header}");
        assert!(!header.contains("00f067aa0ba902b7"), "the span is the step's own: {header}");
    });
}
