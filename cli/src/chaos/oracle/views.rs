//! Every view against the same question asked of its table with FINAL. What a view counted twice, or missed, differs.

use crate::Failure;
use serde::Deserialize;
use tracker_processors::clickhouse::Client;

/// A view's rows, and what they should be.
struct View {
    name: &'static str,
    columns: &'static str,
    truth: &'static str,
}

const VIEWS: [View; 7] = [
    View {
        name: "visitors",
        columns: "oid, host, vid, first_at, last_at, events, sessions, bot, uid",
        truth: "SELECT oid, host, vid, min(e.created_at), max(e.created_at), count(), uniqIf(e.sid, e.sid != toUUID(0)),
                max(e.bot), max(e.uid) FROM events AS e FINAL WHERE vid != toUUID(0) GROUP BY oid, host, vid",
    },
    View {
        name: "sessions",
        columns: "oid, host, sid, vid, started_at, ended_at, events, bot",
        truth: "SELECT oid, host, sid, max(e.vid), min(e.created_at), max(e.created_at), count(), max(e.bot)
                FROM events AS e FINAL WHERE sid != toUUID(0) GROUP BY oid, host, sid",
    },
    View {
        name: "dailies",
        columns: "oid, host, day, bot, events, visitors, sessions",
        truth: "SELECT oid, host, toDate(created_at) AS day, bot, count(), uniqIf(vid, vid != toUUID(0)),
                uniqIf(sid, sid != toUUID(0)) FROM events FINAL GROUP BY oid, host, day, bot",
    },
    View {
        name: "hits",
        columns: "oid, host, day, url, ename, bot, hits",
        truth: "SELECT oid, host, toDate(created_at) AS day, cutQueryString(e.url) AS page, ename, bot, count()
                FROM events AS e FINAL WHERE e.url != '' GROUP BY oid, host, day, page, ename, bot",
    },
    View {
        name: "ltv",
        columns: "oid, id_type, id, currency, revenue, payments",
        truth: "SELECT oid, named.1, named.2, currency, sum(revenue), count() FROM payments FINAL
                ARRAY JOIN [('uid', uid), ('vid', vid), ('orid', orid), ('invid', invid)] AS named
                WHERE named.2 != toUUID(0) GROUP BY oid, named.1, named.2, currency",
    },
    View {
        name: "ltvu",
        columns: "oid, uid, orid, currency, revenue, payments",
        truth: "SELECT oid, uid, if(orid != toUUID(0), orid, invid) AS o, currency, sum(revenue), count()
                FROM payments FINAL WHERE uid != toUUID(0) GROUP BY oid, uid, o, currency",
    },
    View {
        name: "ltvv",
        columns: "oid, vid, orid, currency, revenue, payments",
        truth: "SELECT oid, vid, if(orid != toUUID(0), orid, invid) AS o, currency, sum(revenue), count()
                FROM payments FINAL WHERE vid != toUUID(0) GROUP BY oid, vid, o, currency",
    },
];

#[derive(Deserialize)]
struct Difference {
    rows: u64,
    sample: String,
}

/// The views that differ from their tables; a line each.
pub(super) async fn compare(client: &Client) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for View { name, columns, truth } in &VIEWS {
        let truth = truth.replace("toUUID(0)", "toUUID('00000000-0000-0000-0000-000000000000')");
        let view = format!("SELECT {columns} FROM {name}");
        for (one, other, how) in [(&view, &truth, "too much"), (&truth, &view, "too little")] {
            let sql = format!(
                "SELECT count() AS rows, substring(toString(any(row)), 1, 400) AS sample
                 FROM (SELECT tuple(*) AS row FROM ({one} EXCEPT {other}))"
            );
            let found: Vec<Difference> = client.rows(&sql, &[]).await?;
            if let Some(Difference { rows, sample }) = found.into_iter().find(|found| found.rows > 0) {
                all.push(format!("{name} says {how} in {rows} rows, such as {sample}"));
            }
        }
    }
    Ok(all)
}
