//! What refusals are not: other forms of success, what is away, what any address answers.

use super::{
    Row,
    asked::{Asked, lacks, read, reason, stranger},
    ground::{Ground, ID, SHOP, event},
    operation::Operation,
};
use crate::{
    endpoints::PRIVATE,
    rig::{Answer, End, talk},
};
use futures::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::{Value, json};

/// The one with this method and path.
fn of<'a>(operations: &'a [Operation], method: &Method, path: &str) -> &'a Operation {
    let mut found =
        operations.iter().filter(|operation| operation.method == *method && operation.path == path);
    found.next().unwrap_or_else(|| panic!("no {method} {path}"))
}

/// Sends it, and looks whether the answer is right.
async fn row(
    ground: &Ground,
    operation: &Operation,
    asked: Asked,
    is_right: impl Fn(&Answer) -> bool,
) -> Row {
    let answer = asked.send(ground).await;
    let wrong = (!is_right(&answer) || !operation.names(answer.status.as_u16(), &reason(&answer)))
        .then(|| format!("{} {:?} {}", answer.status, answer.headers, answer.text()));
    Row::of(operation, &asked, &answer, wrong)
}

/// The other ways in which a request is a success.
pub async fn outcomes(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let good = |method: Method, path: &str| {
        let operation = of(operations, &method, path);
        (operation, operation.good(ground, &ground.plain))
    };
    let mut rows = several(ground, operations).await;

    let (payments, mut asked) = good(Method::POST, "/tr/v1/ltv");
    asked.path += "?receipt=1";
    rows.push(row(ground, payments, asked, |answer| answer.json() == json!({ "ids": [ID] })).await);

    for path in ["/tr/v1/rdr/", "/tr/v1/xrdr/"] {
        let (lead, mut asked) = good(Method::GET, path);
        asked.path = format!("{path}?url=https://elsewhere.example/");
        rows.push(row(ground, lead, asked, |answer| answer.header("location") == "/").await);
    }
    // The image is the same, whatever becomes of its event.
    let (pixel, wrong) = good(Method::GET, "/tr/v1/img/");
    let image = |answer: &Answer| pixel.lacks(answer).is_none();
    let often = Asked { from: Some(stranger()), ..wrong.clone() };
    for _ in 0..3 {
        often.send(ground).await;
    }
    rows.push(row(ground, pixel, often, image).await);
    rows.push(
        row(ground, pixel, Asked { path: "/tr/v1/img/?rid=nonsense".to_owned(), ..wrong.clone() }, image)
            .await,
    );
    rows.push(row(ground, pixel, Asked { at: ground.apart.clone(), ..wrong }, image).await);

    for method in [Method::GET, Method::HEAD] {
        for path in ["/track.js", "/track.{version}.js"] {
            let (script, mut asked) = good(method.clone(), path);
            let etag = asked.send(ground).await.header("etag").to_owned();
            asked.with("if-none-match", &etag);
            rows.push(
                row(ground, script, asked, |answer| answer.status == 304 && answer.body.is_empty()).await,
            );
        }
    }
    rows
}

/// Each of several events has its verdict.
async fn several(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let wrong = json!({ "ename": "a", "rid": "nonsense" });
    let list = json!([event(), wrong]).to_string();
    let lines = format!("{}\n{wrong}\n", event());
    let mut rows = Vec::new();
    for path in ["/tr/v1/tr/", "/tr/v1/tr/{pairs}", "/tr/v1/str/", "/tr/v1/str/{pairs}"] {
        let operation = of(operations, &Method::POST, path);
        let ids = path.starts_with("/tr/v1/str/").then(|| json!([ID]));
        let is_right = |answer: &Answer| {
            let mut said = answer.json();
            let detail = said["rejected"][0].as_object_mut().and_then(|rejected| rejected.remove("detail"));
            let mut wanted = json!({ "accepted": 1, "rejected": [{ "index": 1, "reason": "invalid_uuid" }] });
            ids.iter().for_each(|ids| wanted["ids"] = ids.clone());
            answer.status == 200 && said == wanted && detail.is_some_and(|detail| detail.is_string())
        };
        for (kind, body) in [("application/json", &list), ("application/x-ndjson", &lines)] {
            let mut asked = operation.good(ground, &ground.plain);
            asked.with("content-type", kind);
            asked.body = body.clone().into_bytes();
            rows.push(row(ground, operation, asked, is_right).await);
        }
    }
    rows
}

/// Where the broker, the loader, the GeoIP files are away, and accounts are too many.
pub async fn away(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let waits = operations.iter().filter(|operation| {
        operation.statuses().contains(&503)
            && operation.success() != 101
            && !operation.path.contains("{host}")
    });
    let asking = stream::iter(waits).map(|operation| async move {
        row(ground, operation, operation.good(ground, &ground.apart), |answer| answer.status == 503).await
    });
    let mut rows: Vec<Row> = asking.buffered(64).collect().await;
    for path in ["/tr/v1/rpi/redirects/{host}", "/tr/v1/rpi/redirects/{uid}/{password}/{host}"] {
        rows.push(busy(ground, of(operations, &Method::GET, path)).await);
    }
    rows
}

/// So many people at once that their passwords cannot be checked in time: each check is dear on purpose.
async fn busy(ground: &Ground, operation: &Operation) -> Row {
    let wrong = operation.spoilt(ground, "unknown_account").expect("a way");
    let mut asking = stream::iter(0..CROWD).map(|_| wrong.send(ground)).buffer_unordered(CROWD);
    let mut last = None;
    while let Some(answer) = asking.next().await {
        let is_busy = answer.status == 503;
        last = Some(answer);
        if is_busy {
            break;
        }
    }
    let answer = last.expect("an answer");
    let wrong_with = (reason(&answer) != "accounts_busy").then(|| answer.text());
    Row::of(operation, &wrong, &answer, wrong_with)
}

/// More than a machine of today checks while one waits for a turn, and fewer than it has files.
const CROWD: usize = 400;

/// What is answered at any address, and where there is none.
pub async fn everywhere(ground: &Ground, operations: &[Operation], document: &Value) -> Vec<Row> {
    let mut rows = other_methods(ground, operations).await;
    rows.extend(preflights(ground, operations).await);
    let nowhere = [
        "/",
        "/tr/v1",
        "/tr/v2/tr/",
        "/tr/v1/trx/",
        "/tr/v1/ltv/more",
        "/ping/more",
        "/track..js",
        "/tr/v1/rpi/redirects/",
    ];
    for path in nowhere {
        let good = of(operations, &Method::GET, "/ping").good(ground, &ground.plain);
        let asked = Asked { path: path.to_owned(), ..good };
        let answer = asked.send(ground).await;
        rows.push(anywhere(path, &asked.method, &asked.told(), &answer, (404, "not_found")));
    }
    let long = format!("GET /ping HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(32 << 10));
    let heads = [
        ("a head that is too long", long.as_str(), (431, "")),
        ("what is no HTTP", "\x16\x03\x01\r\n\r\n", (400, "")),
        ("half a head, and nothing more", "GET /ping HTTP/1.1\r\n", (408, "header_timeout")),
    ];
    for (what, head, wanted) in heads {
        let answer = read(&talk(&ground.apart, &[head.as_bytes()], End::Silent).await);
        rows.push(anywhere("any", &Method::GET, what, &answer, wanted));
    }
    for row in &mut rows {
        let named = &document[row.status.to_string()];
        if row.status >= 400 && row.method != Method::HEAD && named.get(&row.reason).is_none() {
            row.wrong = row.wrong.take().or_else(|| Some(format!("not documented: {named}")));
        }
    }
    rows
}

pub fn anywhere(address: &str, method: &Method, sent: &str, answer: &Answer, wanted: (u16, &str)) -> Row {
    let (status, reason) = (answer.status.as_u16(), reason(answer));
    let is_so = status == wanted.0 && (*method == Method::HEAD || reason == wanted.1);
    let wrong = (!is_so).then(|| format!("{status} {}", answer.text()));
    // hyper's own have no body.
    let wrong = wrong.or_else(|| if wanted.1.is_empty() { None } else { lacks(answer, method) });
    Row { address: address.to_owned(), method: method.clone(), status, reason, sent: sent.to_owned(), wrong }
}

/// The methods that an address takes.
pub fn methods(operations: &[Operation], path: &str) -> Vec<Method> {
    operations
        .iter()
        .filter(|operation| operation.path == path)
        .map(|operation| operation.method.clone())
        .collect()
}

pub fn allows(answer: &Answer, name: &str, methods: &[Method]) -> bool {
    let mut told: Vec<&str> = answer.header(name).split(", ").collect();
    let mut wanted: Vec<&str> = methods.iter().map(Method::as_str).collect();
    told.sort_unstable();
    wanted.sort_unstable();
    told == wanted
}

/// A wrong method is told the right ones.
async fn other_methods(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let all = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let addresses = operations.iter().filter(|operation| operation.method == Method::OPTIONS);
    let asking = addresses.flat_map(|options| {
        let right = methods(operations, &options.path);
        let wrong = all.clone().into_iter().filter(|method| !right.contains(method)).collect::<Vec<_>>();
        wrong.into_iter().map(move |method| (options, method, right.clone()))
    });
    let asking = asking.map(|(options, method, right)| async move {
        let mut asked = Asked { method, ..options.good(ground, &ground.plain) };
        asked.headers.clear();
        let answer = asked.send(ground).await;
        let mut row =
            anywhere(&options.path, &asked.method, &asked.told(), &answer, (405, "method_not_allowed"));
        if !allows(&answer, "allow", &right) {
            row.wrong = Some(format!("Allow: {}", answer.header("allow")));
        }
        row
    });
    stream::iter(asking).buffered(8).collect().await
}

/// The headers of clients: of Tracker's own, and of those of the product whose address it is.
fn may_send(operation: &Operation) -> &'static str {
    let is_segments = operation.path.starts_with("/v1/") && !operation.path.contains('{');
    if is_segments {
        "Content-Type, Content-Encoding, Authorization, User, X-Retry-Count"
    } else {
        "Content-Type, Content-Encoding, Authorization, User"
    }
}

/// Whom a browser lets send, and read what is answered.
async fn preflights(ground: &Ground, operations: &[Operation]) -> Vec<Row> {
    let options = operations.iter().filter(|operation| operation.method == Method::OPTIONS);
    let asking = options.map(|operation| async move {
        let asked = operation.good(ground, &ground.plain);
        let mut foreign = asked.clone();
        foreign.with("origin", "https://elsewhere.example");
        let told = join_all([asked.send(ground), foreign.send(ground)]).await;
        let right = methods(operations, &operation.path);
        let is_private = PRIVATE.iter().chain(&["/{slug}"]).any(|at| operation.path.starts_with(at));
        let opens =
            |answer: &Answer| answer.headers.keys().any(|name| name.as_str().starts_with("access-control"));
        let is_right = |answer: &Answer| {
            answer.header("access-control-allow-origin") == SHOP
                && answer.header("access-control-allow-credentials") == "true"
                && answer.header("access-control-allow-headers") == may_send(operation)
                && answer.header("access-control-max-age") == "86400"
                && allows(answer, "access-control-allow-methods", &right)
        };
        let rows = told.iter().zip([&asked, &foreign]).enumerate().map(|(index, (answer, asked))| {
            let open = if index == 0 && !is_private { is_right(answer) } else { !opens(answer) };
            let wrong = !open || !allows(answer, "allow", &right) || answer.status != 204;
            Row::of(
                operation,
                asked,
                answer,
                wrong.then(|| format!("{} {:?}", answer.status, answer.headers)),
            )
        });
        rows.collect::<Vec<Row>>()
    });
    stream::iter(asking).buffered(8).flat_map(stream::iter).collect().await
}
