//! Likewise what an edge without a broker has besides: its four addresses, by every method, asked for every outcome, and held
//! against its own document. The rows stand in `target/micro.md` afterwards.

use super::{
    Row,
    asked::reason,
    besides::{allows, anywhere, methods},
    missing_statuses,
    operation::Operation,
    write_report,
};
use crate::{
    micro::Micro,
    rig::{Answer, post, run},
};
use reqwest::Method;
use serde_json::{Value, json};

/// What is asked for, and how much there is of it, accepted and refused.
const ASKED: [(&str, u64, u64); 4] =
    [("", 2, 1), ("?test_id=t", 1, 1), ("?test_id=nobodys", 0, 0), ("?test_id=", 0, 0)];

/// That much, and no more.
async fn fill(micro: &Micro) {
    micro.reset("").await;
    micro.post("/tr/v1/tr/", r#"[{"ename":"a","test_id":"t"},{"ename":"b"},{"x":1,"test_id":"t"}]"#).await;
}

/// Sends it as a page of any origin does.
async fn ask(micro: &Micro, method: &Method, path: &str) -> Answer {
    let asked = micro.ask(method.clone(), path).header("origin", "https://elsewhere.example");
    post(asked.header("access-control-request-method", "POST")).await
}

/// What an answer of success shows.
fn shows(path: &str, body: &Value, good: u64, bad: u64) -> bool {
    let counts = |good: u64, bad: u64| {
        let fell_out = json!({ "good": 0, "bad": 0 });
        json!({ "total": good + bad, "good": good, "bad": bad, "fell_out": fell_out })
    };
    let list = body.as_array().map_or(&[][..], Vec::as_slice);
    match path {
        "/micro/all" => *body == counts(good, bad),
        "/micro/reset" => *body == counts(0, 0),
        "/micro/good" => {
            let is_event =
                |one: &Value| one["topic"] == "tracker.events" && one["record"]["ename"].is_string();
            body.is_array() && list.len() as u64 == good && list.iter().all(is_event)
        }
        _ => {
            let is_refusal = |one: &Value| one["reason"] == "missing_name" && one["input"]["x"] == 1;
            body.is_array() && list.len() as u64 == bad && list.iter().all(is_refusal)
        }
    }
}

/// One operation, of each test.
async fn outcomes(micro: &Micro, operation: &Operation) -> Vec<Row> {
    let Operation { path, method, .. } = operation;
    let mut rows = Vec::new();
    for (query, good, bad) in ASKED {
        fill(micro).await;
        let sent = format!("{path}{query}");
        let answer = ask(micro, method, &sent).await;
        let is_shown = if *method == Method::HEAD {
            answer.body.is_empty()
        } else {
            shows(path, &answer.json(), good, bad)
        };
        let left = if path == "/micro/reset" { 3 - good - bad } else { 3 };
        let is_so = is_shown
            && answer.header("content-type") == operation.media()
            && answer.header("cache-control") == "no-store"
            && answer.header("access-control-allow-origin") == "*"
            && operation.names(answer.status.as_u16(), &reason(&answer))
            && micro.all("").await["total"] == left;
        rows.push(row(operation, &sent, &answer, is_so));
    }
    rows
}

fn row(operation: &Operation, sent: &str, answer: &Answer, is_so: bool) -> Row {
    Row {
        address: operation.path.clone(),
        method: operation.method.clone(),
        status: answer.status.as_u16(),
        reason: reason(answer),
        sent: sent.to_owned(),
        wrong: (!is_so).then(|| format!("{} {:?} {}", answer.status, answer.headers, answer.text())),
    }
}

/// Every page's script may ask.
async fn preflight(micro: &Micro, operations: &[Operation], operation: &Operation) -> Row {
    let right = methods(operations, &operation.path);
    let answer = ask(micro, &operation.method, &operation.path).await;
    let is_so = answer.header("access-control-allow-origin") == "*"
        && allows(&answer, "access-control-allow-methods", &right)
        && allows(&answer, "allow", &right)
        && operation.names(answer.status.as_u16(), "");
    row(operation, &operation.path, &answer, is_so)
}

/// A wrong method is told the right ones; and besides the four there is nothing.
async fn others(micro: &Micro, operations: &[Operation]) -> Vec<Row> {
    let mut rows = Vec::new();
    for options in operations.iter().filter(|operation| operation.method == Method::OPTIONS) {
        let right = methods(operations, &options.path);
        let all = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        for method in all.into_iter().filter(|method| !right.contains(method)) {
            let answer = ask(micro, &method, &options.path).await;
            let mut row =
                anywhere(&options.path, &method, &options.path, &answer, (405, "method_not_allowed"));
            if !allows(&answer, "allow", &right) {
                row.wrong = Some(format!("Allow: {}", answer.header("allow")));
            }
            rows.push(row);
        }
    }
    for path in ["/micro", "/micro/", "/micro/none", "/micro/all/more", "/micro/goods"] {
        let answer = ask(micro, &Method::GET, path).await;
        rows.push(anywhere(path, &Method::GET, path, &answer, (404, "not_found")));
    }
    rows
}

#[test]
fn each_method_of_each_address_of_micro_mode_answers_each_outcome_as_its_document_says_and_no_other() {
    run(async {
        let micro = Micro::start("micro-table", &[]).await;
        let document = micro.get("/openapi.json").await.json();
        let mut operations = Operation::of(&document);
        operations.retain(|operation| operation.path.starts_with("/micro/"));
        let mut rows = others(&micro, &operations).await;
        for operation in &operations {
            if operation.method == Method::OPTIONS {
                rows.push(preflight(&micro, &operations, operation).await);
            } else {
                rows.extend(outcomes(&micro, operation).await);
            }
        }
        assert_eq!(operations.len(), 4 * 3, "four addresses, and three methods each");
        write_report("micro.md", &rows);
        let missing = missing_statuses(&operations, &rows);
        let wrong = rows.iter().filter_map(Row::complaint).chain(missing).collect::<Vec<_>>();
        assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
        micro.end().await;
    });
}
