//! `/tr/v1/tr/`: events of browsers and apps.

use super::{CONSENT, Mark};
use crate::rig::{post, run, shared};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn an_event_is_taken_in_every_form_and_answered_with_nothing() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let object = |eid: &str| json!({ "eid": eid, "ename": name }).to_string();
        type Form<'a> =
            (Method, fn(&str, &str) -> String, Option<&'a str>, fn(&dyn Fn(&str) -> String, &str) -> String);
        let nothing = |_: &dyn Fn(&str) -> String, _: &str| String::new();
        let body = |object: &dyn Fn(&str) -> String, eid: &str| object(eid);
        let forms: [Form<'_>; 12] = [
            (Method::POST, |_, _| "/tr/v1/tr/".to_owned(), Some("application/json"), body),
            (Method::POST, |_, _| "/tr/v1/tr".to_owned(), Some("application/json; charset=utf-8"), body),
            (Method::POST, |_, _| "/tr/v1/tr/".to_owned(), Some("text/plain;charset=UTF-8"), body),
            (Method::POST, |_, _| "/tr/v1/tr/".to_owned(), None, body),
            (Method::POST, |_, _| "/tr/v1/tr/app/shop/?rel=7".to_owned(), None, body),
            (Method::POST, |name, eid| format!("/tr/v1/tr/ename/{name}?eid={eid}"), None, nothing),
            (Method::GET, |name, eid| format!("/tr/v1/tr/ename/{name}/eid/{eid}"), None, nothing),
            (Method::GET, |name, eid| format!("/tr/v1/tr/ename/{name}/?eid={eid}"), None, nothing),
            (Method::GET, |name, eid| format!("/tr/v1/tr/?ename={name}&eid={eid}"), None, nothing),
            (Method::GET, |name, eid| format!("/tr/v1/tr/ENAME/{name}/eid/{eid}/dangling"), None, nothing),
            (
                Method::GET,
                |name, eid| format!("/tr/v1/tr/ename/{name}?content=c&EID={}", eid.replace('-', "")),
                None,
                nothing,
            ),
            (Method::HEAD, |name, eid| format!("/tr/v1/tr/ename/{name}/eid/{eid}"), None, nothing),
        ];
        let mut sent = Vec::new();
        for (method, path, content_type, body) in forms {
            let eid = Uuid::now_v7();
            let path = path(name, &eid.to_string());
            let request = site.request(method.clone(), &path).body(body(&object, &eid.to_string()));
            let request =
                content_type.into_iter().fold(request, |request, kind| request.header("content-type", kind));
            let answer = post(request).await;
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "{method} {path}");
            sent.push(eid);
        }
        mark.recorded_only(&sent).await;
    });
}

#[test]
fn what_is_said_later_wins_and_what_is_not_known_is_kept() {
    run(async {
        let site = shared().await;
        let (eid, of_the_cookie) = (Uuid::now_v7().to_string(), Uuid::new_v4().to_string());
        let path = "/tr/v1/tr/app/fromPath/rel/fromPath/ptyp/fromPath/?rel=fromQuery&ptyp=fromQuery&utm_source=News&Unknown=Q";
        let level = r#"{"Deep":[1,2.50,null,"x"],"yes":true,"wide":12345678901234567890.123}"#;
        let body = format!(
            r#"{{"eid":"{eid}","content":"Hero","cflags":{CONSENT},"ptyp":"fromBody","level":{level}}}"#
        );
        let cookies = format!("vid={of_the_cookie}; other=1");
        let request = site.request(Method::POST, path).header("cookie", cookies).body(body);
        assert_eq!(post(request).await.status, 200);
        let row = site.event(&eid).await;
        let columns = ["vid", "app", "rel", "ptyp", "source", "ename", "content", "kind"]
            .map(|column| row[column].clone());
        assert_eq!(
            columns,
            [&*of_the_cookie, "fromPath", "fromQuery", "fromBody", "News", "hero", "Hero", "client"]
        );
        let kept = format!(r#"{{"level":{level},"unknown":"Q"}}"#);
        assert_eq!(row["params"], json!(kept), "types and numbers to the letter");
    });
}

#[test]
fn each_event_of_an_array_has_its_own_verdict() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let good: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let body = json!([
            { "eid": good[0], "ename": name },
            { "eid": Uuid::now_v7(), "ename": name, "app": { "a": 1 } },
            { "eid": good[1], "ename": name, "app": 1 },
            name,
            { "eid": Uuid::now_v7(), "ename": name, "duration": "soon" },
            { "eid": "no uuid", "ename": name },
            { "eid": Uuid::now_v7(), "product": name },
            { "eid": good[2], "ename": name, "params": { "n": 1.0 } },
        ]);
        let answer = site.post("/tr/v1/tr/", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
        assert_eq!(
            verdicts(&answer.json()),
            (
                3,
                vec![
                    (1, "invalid_type".to_owned()),
                    (3, "not_an_object".to_owned()),
                    (4, "invalid_number".to_owned()),
                    (5, "invalid_uuid".to_owned()),
                    (6, "missing_name".to_owned()),
                ]
            )
        );
        assert_eq!(answer.json()["ids"], Value::Null, "ids are for servers");
        mark.recorded_only(&good).await;
        assert_eq!(site.event(&good[1].to_string()).await["app"], "1");
    });
}

#[test]
fn each_line_has_its_own_verdict_even_one_that_is_no_json() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let name = &mark.name;
        let good: Vec<Uuid> = (0..2).map(|_| Uuid::now_v7()).collect();
        let mut lines = format!("{{\"eid\":\"{}\",\"ename\":\"{name}\"}}\r\n\n", good[0]).into_bytes();
        lines.extend(format!("{{\"ename\":\"{name}\",\n").bytes());
        lines.extend(format!("{{\"ename\":\"{name}\",\"app\":\"").bytes().chain(*b"\xff\"}\n"));
        lines.extend(
            format!("[{{\"ename\":\"{name}\"}}]\n{{\"eid\":\"{}\",\"ename\":\"{name}\"}}", good[1]).bytes(),
        );
        let request = site.request(Method::POST, "/tr/v1/tr/").header("content-type", "application/x-ndjson");
        let answer = post(request.body(lines)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            verdicts(&answer.json()),
            (
                2,
                vec![
                    (1, "malformed".to_owned()),
                    (2, "invalid_utf8".to_owned()),
                    (3, "not_an_object".to_owned()),
                ]
            )
        );
        mark.recorded_only(&good).await;
    });
}

#[test]
fn a_list_of_nothing_is_taken() {
    run(async {
        let answer = shared().await.post("/tr/v1/tr/", "[]").await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "accepted": 0, "rejected": [] })));
    });
}

#[test]
fn a_thousand_events_in_one_body_are_a_thousand_rows() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let eids: Vec<Uuid> = (0..1000).map(|_| Uuid::now_v7()).collect();
        let events: Vec<Value> = eids.iter().map(|eid| json!({ "eid": eid, "ename": mark.name })).collect();
        let answer = site.post("/tr/v1/tr/", json!(events).to_string()).await;
        assert_eq!(verdicts(&answer.json()), (1000, Vec::new()));
        mark.recorded_only(&eids).await;
    });
}

#[test]
fn an_event_that_is_sent_again_is_the_same_event() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let (twice, after) = (Uuid::now_v7(), Uuid::now_v7());
        for eid in [twice, twice, after] {
            let body = json!({ "eid": eid, "ename": mark.name, "created_at": "2026-01-01T00:00:00Z" });
            assert_eq!(site.post("/tr/v1/tr/", body.to_string()).await.status, 200);
        }
        site.event(&after.to_string()).await;
        site.event(&twice.to_string()).await;
        let rows =
            site.count(&format!("SELECT count() AS n FROM events FINAL WHERE ename = '{}'", mark.name)).await;
        assert_eq!(rows, 2);
    });
}

#[test]
fn an_event_without_an_id_is_given_one_that_sorts_by_time() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        assert_eq!(site.post("/tr/v1/tr/", json!({ "ename": mark.name }).to_string()).await.status, 200);
        let row = site.row(&format!("SELECT eid FROM events FINAL WHERE ename = '{}'", mark.name)).await;
        let eid: Uuid = row["eid"].as_str().unwrap().parse().unwrap();
        assert_eq!(eid.get_version_num(), 7);
    });
}

/// How many were accepted, and the place and reason of each that was not. Each says what to change.
pub fn verdicts(answer: &Value) -> (u64, Vec<(u64, String)>) {
    let rejected = answer["rejected"].as_array().unwrap_or_else(|| panic!("no rejected list: {answer}"));
    let one = |rejected: &Value| {
        assert!(
            rejected["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "no detail: {rejected}"
        );
        (rejected["index"].as_u64().unwrap(), rejected["reason"].as_str().unwrap().to_owned())
    };
    (answer["accepted"].as_u64().unwrap(), rejected.iter().map(one).collect())
}
