//! The views say what the tables hold.

use crate::rig::{Site, run, shared, until};
use serde_json::{Value, json};
use tracker_schemas::{Event, Fact, Kind, Timestamp};
use uuid::Uuid;

const HOST: &str = "views.example";
const TENANT: Uuid = Uuid::from_u128(0x7e4a47);
const ANN: Uuid = Uuid::from_u128(0xa);
const BEN: Uuid = Uuid::from_u128(0xb);
const CAT: Uuid = Uuid::from_u128(0xc);
const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const ROBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// Who, in which session, when, what, on which page, from where.
struct Seen(Option<Uuid>, u128, &'static str, &'static str, &'static str, Option<&'static str>);

/// Two visitors over two days, some of whose events are on no page, one who allows no statistics, and a robot.
const STORY: [Seen; 10] = [
    Seen(Some(ANN), 1, "2026-10-05T10:00:00Z", "view", "/", Some("https://www.google.com/")),
    Seen(Some(ANN), 1, "2026-10-05T10:02:00Z", "view", "/boots?size=42", None),
    Seen(Some(ANN), 1, "2026-10-05T10:05:00Z", "buy", "/boots?size=43", None),
    Seen(Some(ANN), 2, "2026-10-06T08:00:00Z", "view", "/orders", None),
    Seen(Some(ANN), 2, "2026-10-06T08:01:00Z", "close", "", None),
    Seen(Some(BEN), 3, "2026-10-05T23:59:58Z", "open", "", None),
    Seen(Some(BEN), 3, "2026-10-05T23:59:59Z", "view", "/boots", None),
    Seen(Some(BEN), 3, "2026-10-06T00:00:01Z", "view", "/", None),
    Seen(Some(CAT), 4, "2026-10-05T12:00:00Z", "view", "/", None),
    Seen(None, 0, "2026-10-05T13:00:00Z", "view", "/", None),
];

impl Seen {
    fn event(&self) -> Event {
        let Self(visitor, session, at, name, page, referer) = *self;
        let at = Timestamp::parse_rfc3339(at).unwrap();
        Event {
            fact: Fact {
                eid: Uuid::now_v7(),
                oid: Some(TENANT),
                vid: visitor,
                sid: visitor.map(|_| Uuid::from_u128(session)),
                ename: Some(name.to_owned()),
                url: Some(page).filter(|page| !page.is_empty()).map(|page| format!("https://{HOST}{page}")),
                cflags: Some(if visitor == Some(CAT) { 1 } else { 1025 }),
                country: Some("US".to_owned()),
                created_at: at,
                received_at: at,
                kind: Kind::Client,
                host: Some(HOST.to_owned()),
                edge: "edge-1".to_owned(),
                schema: 1,
                ..Fact::default()
            },
            user_agent: Some(if visitor.is_none() { ROBOT } else { BROWSER }.to_owned()),
            referer: referer.map(str::to_owned),
            ..Event::default()
        }
    }
}

/// The story's rows are there.
async fn told() -> &'static Site {
    let site = shared().await;
    site.produce(STORY.iter().map(Seen::event).map(|event| (event.fact.eid.to_string(), event))).await;
    let people = STORY.iter().filter(|seen| [Some(ANN), Some(BEN)].contains(&seen.0)).count();
    let pages = STORY.iter().filter(|seen| !seen.4.is_empty()).count();
    // A view gets its rows in the same insert as the table, but a moment after it.
    for (view, column, number) in [
        ("events FINAL", "count()", STORY.len()),
        ("dailies", "sum(events)", STORY.len()),
        ("hits", "sum(hits)", pages),
        ("visitors", "sum(events)", people),
        ("sessions", "sum(events)", people),
    ] {
        let counted = format!("SELECT {column} AS n FROM {view} WHERE oid = '{TENANT}'");
        until(view, async || (site.count(&counted).await == number as u64).then_some(())).await;
    }
    site
}

/// What a view says of the tenant.
async fn said(site: &Site, view: &str, columns: &str, order: &str) -> Vec<Value> {
    let sql = format!("SELECT {columns} FROM {view} WHERE oid = '{TENANT}' ORDER BY {order}");
    site.rows(&sql).await
}

#[test]
fn visitors_sessions_days_and_pages_are_counted_as_the_events_were() {
    run(async {
        let site = told().await;
        let columns = "toString(vid) AS vid, events, sessions, toString(first_at) AS first_at, toString(last_at) AS last_at, first_url, first_channel, first_referrer, country, device_type, bot";
        assert_eq!(
            said(site, "visitors", columns, "vid").await,
            [
                json!({ "vid": ANN, "events": 5, "sessions": 2, "first_at": "2026-10-05 10:00:00.000",
                    "last_at": "2026-10-06 08:01:00.000", "first_url": "https://views.example/",
                    "first_channel": "search", "first_referrer": "Google", "country": "US",
                    "device_type": "desktop", "bot": false }),
                json!({ "vid": BEN, "events": 3, "sessions": 1, "first_at": "2026-10-05 23:59:58.000",
                    "last_at": "2026-10-06 00:00:01.000", "first_url": "https://views.example/boots",
                    "first_channel": "direct", "first_referrer": "", "country": "US",
                    "device_type": "desktop", "bot": false }),
            ],
            "who allows no statistics is no visitor, and a robot without an id is none"
        );

        let columns =
            "toString(sid) AS sid, toString(vid) AS vid, seconds, events, entry_url, exit_url, channel";
        let session = |sid: u128, vid, seconds, events, [entry, exit]: [&str; 2], channel| {
            json!({ "sid": Uuid::from_u128(sid), "vid": vid, "seconds": seconds, "events": events,
                "entry_url": format!("https://{HOST}{entry}"), "exit_url": format!("https://{HOST}{exit}"),
                "channel": channel })
        };
        assert_eq!(
            said(site, "sessions", columns, "sid").await,
            [
                session(1, ANN, 300, 3, ["/", "/boots?size=43"], "search"),
                session(2, ANN, 60, 2, ["/orders", "/orders"], "direct"),
                session(3, BEN, 3, 3, ["/boots", "/"], "direct"),
            ]
        );

        let day = |day, bot, events, visitors, sessions| json!({ "day": day, "bot": bot, "events": events, "visitors": visitors, "sessions": sessions });
        assert_eq!(
            said(site, "dailies", "day, bot, events, visitors, sessions", "day, bot").await,
            [
                day("2026-10-05", false, 6, 2, 2),
                day("2026-10-05", true, 1, 0, 0),
                day("2026-10-06", false, 3, 2, 2),
            ]
        );

        let hit = |day, path, name, bot, hits| json!({ "day": day, "url": format!("https://{HOST}{path}"), "ename": name, "bot": bot, "hits": hits });
        assert_eq!(
            said(site, "hits", "day, url, ename, bot, hits", "day, url, ename, bot").await,
            [
                hit("2026-10-05", "/", "view", false, 2),
                hit("2026-10-05", "/", "view", true, 1),
                hit("2026-10-05", "/boots", "buy", false, 1),
                hit("2026-10-05", "/boots", "view", false, 2),
                hit("2026-10-06", "/", "view", false, 1),
                hit("2026-10-06", "/orders", "view", false, 1),
            ]
        );
    });
}

#[test]
fn lifetime_values_are_exact_count_refunds_and_no_retry_twice() {
    run(async {
        let site = shared().await;
        let [tenant, user, visitor, order, invoice] = std::array::from_fn(|_| Uuid::new_v4());
        let [boots, laces, coat, refund] = std::array::from_fn::<_, 4, _>(|_| Uuid::new_v4());
        let buy = json!({ "oid": tenant, "uid": user, "vid": visitor, "orid": order, "payments": [
            { "id": boots, "revenue": "119.9001", "currency": "usd" },
            { "id": laces, "revenue": 0.1 },
            { "id": coat, "revenue": "2500", "currency": "JPY" },
        ] });
        let back = json!({ "oid": tenant, "uid": user, "invid": invoice, "id": refund, "revenue": "-19.9" });
        // Payments have one partition here: when the last is in a view, so is the retry before it.
        let last = json!({ "uid": Uuid::new_v4(), "revenue": 1 });
        for body in [&buy, &back, &buy, &last] {
            let answer = site.post_secret("/tr/v1/ltv/", body.to_string()).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        site.row(&format!("SELECT id FROM ltv WHERE id = {}", last["uid"].to_string().replace('"', "'")))
            .await;

        let value = async |view: &str, columns: &str| {
            let sql = format!(
                "SELECT {columns}, currency, revenue, payments FROM {view} WHERE oid = '{tenant}'
                ORDER BY currency, revenue"
            );
            site.rows(&sql).await
        };
        let usd = "120.0001";
        assert_eq!(
            value("ltvu", "toString(uid) AS uid, toString(orid) AS orid").await,
            [
                json!({ "uid": user, "orid": order, "currency": "JPY", "revenue": "2500", "payments": 1 }),
                json!({ "uid": user, "orid": invoice, "currency": "USD", "revenue": "-19.9", "payments": 1 }),
                json!({ "uid": user, "orid": order, "currency": "USD", "revenue": usd, "payments": 2 }),
            ]
        );
        assert_eq!(
            value("ltvv", "toString(vid) AS vid, toString(orid) AS orid").await,
            [
                json!({ "vid": visitor, "orid": order, "currency": "JPY", "revenue": "2500", "payments": 1 }),
                json!({ "vid": visitor, "orid": order, "currency": "USD", "revenue": usd, "payments": 2 }),
            ]
        );
        let by_id = format!(
            "SELECT id_type, toString(id) AS id, currency, revenue, payments FROM ltv WHERE oid = '{tenant}'
             ORDER BY id_type, currency"
        );
        let row = |id_type, id: Uuid, currency, revenue, payments| json!({ "id_type": id_type, "id": id, "currency": currency, "revenue": revenue, "payments": payments });
        assert_eq!(
            site.rows(&by_id).await,
            [
                row("invid", invoice, "USD", "-19.9", 1),
                row("orid", order, "JPY", "2500", 1),
                row("orid", order, "USD", usd, 2),
                row("uid", user, "JPY", "2500", 1),
                row("uid", user, "USD", "100.1001", 3),
                row("vid", visitor, "JPY", "2500", 1),
                row("vid", visitor, "USD", usd, 2),
            ]
        );
    });
}
