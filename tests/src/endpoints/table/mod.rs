//! Every address of the edge, by every method, asked for every outcome; the rows stand in `target/endpoints.md` afterwards.
//!
//! The document at `/openapi.json` is made of the edge's own table of addresses, so none is missed; and it has to be true: each
//! answer that it names is asked for, and whatever an address is asked, nothing is answered that the document does not
//! name. A reason of refusal that has no row is a failure.

mod asked;
mod besides;
mod good;
mod ground;
mod micro;
mod operation;
mod room;
mod spoilt;

use crate::rig::{Answer, run};
use asked::{Asked, lacks, reason, stranger};
use futures::{StreamExt, stream};
use ground::Ground;
use operation::Operation;
use reqwest::Method;
use std::{collections::BTreeSet, fmt::Write as _, path::Path};
use tracker_edge::reason as reasons;

/// Reasons that no row of this table can have, and where they are provoked.
const ELSEWHERE: [(&str, &str); 1] =
    [("unknown_host", "plain HTTP beside a listener that encrypts: see the tests of `wire::tls`")];

/// A line of the report.
struct Row {
    address: String,
    method: Method,
    status: u16,
    reason: String,
    sent: String,
    /// What is not as it should be.
    wrong: Option<String>,
}

impl Row {
    /// What an operation answered, where `wrong` says what is not so.
    fn of(operation: &Operation, asked: &Asked, answer: &Answer, wrong: Option<String>) -> Self {
        let (status, mut reason) = (answer.status.as_u16(), reason(answer));
        if operation.method == Method::HEAD && status >= 400 {
            reason = "(a HEAD: its GET says why)".to_owned();
        }
        let (address, method, sent) = (operation.path.clone(), operation.method.clone(), asked.told());
        Self {
            address,
            method,
            status,
            reason,
            sent,
            wrong: wrong.or_else(|| lacks(answer, &operation.method)),
        }
    }

    fn is_of(&self, operation: &Operation) -> bool {
        self.address == operation.path && self.method == operation.method
    }

    /// What is not as it should be, and where.
    fn complaint(&self) -> Option<String> {
        let Self { address, method, sent, wrong, .. } = self;
        Some(format!("{method} {address}: {} ← {sent}", wrong.as_ref()?))
    }
}

/// Asks one operation for success and for every refusal there is.
async fn ask(ground: &Ground, operation: &Operation) -> Vec<Row> {
    if operation.method == Method::OPTIONS {
        return Vec::new(); // has rows of its own
    }
    let good = operation.good(ground, &ground.plain);
    let answer = good.send(ground).await;
    let mut rows = vec![Row::of(operation, &good, &answer, operation.lacks(&answer))];
    for reason in reasons::ALL {
        let named = operation.refuses(reason.tag);
        let (asked, answer) = match (reason.tag, operation.spoilt(ground, reason.tag)) {
            ("rate_limited", _) => too_often(ground, operation).await,
            (_, Some(asked)) => {
                let answer = asked.send(ground).await;
                (asked, answer)
            }
            (tag, None) if named.is_some() => {
                panic!("no way is known to be refused for {tag} by {}", operation.name())
            }
            (_, None) => continue,
        };
        let (status, said) = (answer.status.as_u16(), asked::reason(&answer));
        let got = format!("{status} {said}: {}", answer.text());
        match named {
            Some(wanted) => {
                let is_so = status == wanted && (operation.method == Method::HEAD || said == reason.tag);
                rows.push(Row::of(operation, &asked, &answer, (!is_so).then_some(got)));
            }
            // Whatever else it is told, it answers as the document says.
            None if operation.names(status, &said) => {}
            None => rows.push(Row::of(operation, &asked, &answer, Some(format!("not documented: {got}")))),
        }
    }
    rows
}

/// Asks more often than is allowed from one address. Of accounts the attempts with a wrong password count.
async fn too_often(ground: &Ground, operation: &Operation) -> (Asked, Answer) {
    let wrong = operation.spoilt(ground, "unknown_account");
    let (asked, most) = match wrong.filter(|_| operation.refuses("unknown_account").is_some()) {
        Some(wrong) => (Asked { from: Some("198.19.0.1".to_owned()), ..wrong }, 90),
        None => (Asked { from: Some(stranger()), ..operation.good(ground, &ground.plain) }, 4),
    };
    let mut answer = asked.send(ground).await;
    for _ in 1..most {
        if answer.status == 429 {
            break;
        }
        answer = asked.send(ground).await;
    }
    (asked, answer)
}

fn report(rows: &[Row]) -> String {
    let mut text =
        "| address | method | status | reason | what was sent | verdict |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for Row { address, method, status, reason, sent, wrong } in rows {
        let verdict = wrong.as_deref().map_or("as it should be".to_owned(), |wrong| format!("**{wrong}**"));
        let [sent, verdict] =
            [sent.as_str(), &verdict].map(|cell| cell.replace('|', "\\|").replace(['\n', '\r', '\0'], " "));
        writeln!(text, "| `{address}` | {method} | {status} | {reason} | `{sent}` | {verdict} |")
            .expect("a text");
    }
    text
}

/// Leaves the rows as a table where they can be read.
fn write_report(name: &str, rows: &[Row]) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(name);
    std::fs::write(target, report(rows)).expect("a report");
}

/// Answers that the document names, and no row has.
fn missing_statuses(operations: &[Operation], rows: &[Row]) -> Vec<String> {
    let mut missing = Vec::new();
    for operation in operations {
        for status in operation.statuses() {
            if !rows.iter().any(|row| row.is_of(operation) && row.status == status) {
                missing.push(format!("{}: no row with {status}", operation.name()));
            }
        }
    }
    missing
}

/// What should have a row, and has none.
fn missing(operations: &[Operation], rows: &[Row]) -> Vec<String> {
    let mut missing = missing_statuses(operations, rows);
    let told: BTreeSet<&str> = rows.iter().map(|row| row.reason.as_str()).collect();
    let elsewhere = |tag: &str| ELSEWHERE.iter().any(|(reason, _)| *reason == tag);
    for reason in reasons::ALL {
        match (told.contains(reason.tag), elsewhere(reason.tag)) {
            (false, false) => missing.push(format!("{}: no row", reason.tag)),
            (true, true) => missing.push(format!("{} has a row: it is no exception", reason.tag)),
            _ => {}
        }
    }
    missing
}

#[test]
fn each_method_of_each_address_answers_each_outcome_as_the_document_says_and_no_other() {
    run(async {
        let ground = Ground::lay().await;
        let (operations, everywhere) = Operation::all(&ground).await;
        let asking = stream::iter(&operations).map(|operation| ask(&ground, operation));
        let mut rows: Vec<Row> = asking.buffered(16).flat_map(stream::iter).collect().await;
        rows.extend(besides::outcomes(&ground, &operations).await);
        rows.extend(besides::away(&ground, &operations).await);
        rows.extend(besides::everywhere(&ground, &operations, &everywhere).await);
        rows.extend(room::rows(&ground, &operations).await);
        write_report("endpoints.md", &rows);
        let wrong = rows.iter().filter_map(Row::complaint);
        let wrong: Vec<String> = wrong.chain(missing(&operations, &rows)).collect();
        assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    });
}
