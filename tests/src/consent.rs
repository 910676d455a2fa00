//! What a visitor allowed is what is kept, and nobody's full address is kept at all.

use crate::rig::{Program, Site, post, run, shared, until};
use reqwest::Method;
use serde_json::{Value, json};
use tracker_schemas::{Decoder, Event, Topic};
use uuid::Uuid;

/// Bits.
const NECESSARY: i64 = 1;
const PREFERENCES: i64 = 1 | 256;
const STATISTICS: i64 = 1 | 1024;
const MARKETING: i64 = 1 | 4096;
const BOTH: i64 = 1 | 1024 | 4096;
const ALL: i64 = 1 | 256 | 1024 | 4096;

/// Addresses that no other test uses.
const LONDON: &str = "81.2.69.177";
const CALIFORNIA: &str = "8.8.8.177";
const NOWHERE: &str = "192.0.2.177";
const CALIFORNIA_IPV6: &str = "2001:4860:4860::7177";
const ADDRESSES: [&str; 4] = [LONDON, CALIFORNIA, NOWHERE, CALIFORNIA_IPV6];

/// What goes without the statistics bit.
const OF_STATISTICS: [&str; 10] =
    ["vid", "sid", "uid", "ehash", "chash", "uhash", "zip", "lat", "lon", "city"];
/// What goes without the marketing bit.
const OF_MARKETING: [&str; 11] =
    ["gaid", "idfa", "msid", "fbid", "gclid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid", "aff"];
/// What stays whatever was allowed.
const OF_NOBODY: [&str; 12] = [
    "eid", "ename", "url", "country", "region", "source", "campaign", "channel", "browser", "ip", "iphash",
    "tags",
];

/// How one visitor comes: the signal, where from, what it says of itself, the headers. Then the bits in force.
struct Case {
    signal: Option<i64>,
    address: &'static str,
    says: Value,
    header: Option<(&'static str, &'static str)>,
    in_force: i64,
}

fn case(signal: Option<i64>, address: &'static str, in_force: i64) -> Case {
    Case { signal, address, says: json!({}), header: None, in_force }
}

impl Case {
    fn saying(self, says: Value) -> Self {
        Self { says, ..self }
    }

    fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

/// The table of consent.
fn cases() -> Vec<Case> {
    vec![
        // A signal counts in every country.
        case(Some(0), CALIFORNIA, 0),
        case(Some(NECESSARY), CALIFORNIA, NECESSARY),
        case(Some(PREFERENCES), CALIFORNIA, PREFERENCES),
        case(Some(STATISTICS), CALIFORNIA, STATISTICS),
        case(Some(MARKETING), CALIFORNIA, MARKETING),
        case(Some(BOTH), CALIFORNIA, BOTH),
        case(Some(ALL), CALIFORNIA, ALL),
        case(Some(NECESSARY), LONDON, NECESSARY),
        case(Some(STATISTICS), LONDON, STATISTICS),
        case(Some(ALL), LONDON, ALL),
        case(Some(ALL), NOWHERE, ALL),
        case(Some(ALL), CALIFORNIA_IPV6, ALL),
        // Without one, the country decides: the client's word, else its time zone, else its address.
        case(None, LONDON, NECESSARY),
        case(None, CALIFORNIA, ALL),
        case(None, CALIFORNIA_IPV6, ALL),
        case(None, NOWHERE, NECESSARY),
        case(None, CALIFORNIA, NECESSARY).saying(json!({ "country": "de" })),
        case(None, CALIFORNIA, NECESSARY).saying(json!({ "country": "UK" })),
        case(None, CALIFORNIA, NECESSARY).saying(json!({ "country": "Germany" })),
        case(None, CALIFORNIA, NECESSARY).saying(json!({ "tz": "Europe/Paris" })),
        case(None, LONDON, ALL).saying(json!({ "country": "US" })),
        case(None, LONDON, ALL).saying(json!({ "country": "us", "tz": "Europe/Paris" })),
        case(None, LONDON, ALL).saying(json!({ "tz": "Asia/Tokyo" })),
        case(None, NOWHERE, NECESSARY).saying(json!({ "country": "BR" })),
        case(None, NOWHERE, ALL).saying(json!({ "country": "JP" })),
        // The opt-out of the browser takes marketing away from either, and nothing else.
        case(Some(ALL), CALIFORNIA, ALL & !4096).with("sec-gpc", "1"),
        case(Some(ALL), LONDON, ALL & !4096).with("dnt", "1"),
        case(Some(MARKETING), CALIFORNIA, NECESSARY).with("dnt", "1"),
        case(None, CALIFORNIA, ALL & !4096).with("sec-gpc", "1"),
        case(None, LONDON, NECESSARY).with("sec-gpc", "1"),
        case(Some(ALL), CALIFORNIA, ALL).with("dnt", "0"),
        // The cookie of the consent banner is a signal.
        case(None, LONDON, STATISTICS).with("cookie", "CookieConsent=1025"),
        case(None, CALIFORNIA, NECESSARY).with(
            "cookie",
            "CookieConsent={necessary:true,preferences:false,statistics:false,marketing:false}",
        ),
    ]
}

/// An event that says all that consent is about.
fn told(eid: Uuid, case: &Case) -> Value {
    let mut event = json!({
        "eid": eid, "ename": "view", "url": "https://shop.example/boots?gclid=g-1&fbclid=f-1", "tags": ["a"],
        "vid": Uuid::new_v4(), "sid": Uuid::new_v4(), "uid": "ann",
        "email": "ann@shop.example", "cell": "+44 20 7946 0958", "uname": "ann",
        "region": "Somewhere", "city": "Sometown", "zip": "12345", "lat": 51.5, "lon": -0.1,
        "gaid": "ga-1", "idfa": "id-1", "msid": "ms-1", "fbid": "fb-1", "aff": "partner-7",
        "msclkid": "m-1", "ttclid": "t-1", "li_fat_id": "l-1", "twclid": "w-1",
        "source": "newsletter", "campaign": "winter", "ip": case.address,
    });
    let fields = event.as_object_mut().unwrap();
    fields.extend(case.signal.map(|bits| ("cflags".to_owned(), json!(bits))));
    fields.extend(case.says.as_object().unwrap().clone());
    event
}

async fn send(site: &Site, case: &Case, event: &Value) {
    let browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";
    let request = site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", case.address);
    let request = request.header("user-agent", browser).body(event.to_string());
    let answer = post(match case.header {
        Some((name, value)) => request.header(name, value),
        None => request,
    })
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Sends an event for each case, and gives their rows.
async fn rows(site: &Site, cases: &[Case]) -> Vec<Value> {
    let ids: Vec<Uuid> = cases.iter().map(|_| Uuid::now_v7()).collect();
    for (case, eid) in cases.iter().zip(&ids) {
        send(site, case, &told(*eid, case)).await;
    }
    let list = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT * FROM events FINAL WHERE eid IN ({list}) ORDER BY eid");
    until("a row of each case", async || Some(site.rows(&sql).await).filter(|rows| rows.len() == ids.len()))
        .await
}

/// Whether a column holds something.
fn holds(row: &Value, column: &str) -> bool {
    match &row[column] {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && *text != Uuid::nil().to_string(),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

#[test]
fn the_bits_in_force_say_which_columns_hold_something() {
    run(async {
        let cases = cases();
        for (case, row) in cases.iter().zip(rows(shared().await, &cases).await) {
            let Case { signal, address, says, header, in_force } = case;
            let what = format!("signal {signal:?} from {address}, saying {says}, with {header:?}");
            assert_eq!(row["consent"], *in_force, "{what}");
            let kept = |columns: &[&'static str]| -> Vec<&str> {
                columns.iter().copied().filter(|column| holds(&row, column)).collect()
            };
            let wanted = |columns: &[&'static str], bit| {
                if in_force & bit == 0 { Vec::new() } else { columns.to_vec() }
            };
            assert_eq!(kept(&OF_STATISTICS), wanted(&OF_STATISTICS, 1024), "{what}");
            assert_eq!(kept(&OF_MARKETING), wanted(&OF_MARKETING, 4096), "{what}");
            let nowhere = *address == NOWHERE && says.get("country").is_none();
            let always: Vec<_> =
                OF_NOBODY.into_iter().filter(|column| !(nowhere && *column == "country")).collect();
            assert_eq!(kept(&OF_NOBODY), always, "{what}");
            let uid = (in_force & 1024 != 0).then_some("ann");
            let params: Value = serde_json::from_str(row["params"].as_str().unwrap()).unwrap_or_default();
            assert_eq!(
                params.get("uid").and_then(Value::as_str),
                uid,
                "a user's text goes with its id: {what}"
            );
            assert_eq!(params.get("ip"), None, "{what}");
        }
    });
}

#[test]
fn what_the_address_says_of_the_town_goes_with_the_statistics_bit() {
    run(async {
        let site = shared().await;
        for (bits, kept) in [(NECESSARY, false), (STATISTICS, true)] {
            let eid = Uuid::now_v7();
            let event = json!({ "eid": eid, "ename": "view", "cflags": bits });
            send(site, &case(Some(bits), LONDON, bits), &event).await;
            let row = site.event(&eid.to_string()).await;
            assert_eq!((&row["country"], &row["region"]), (&json!("GB"), &json!("England")));
            assert_eq!(row["city"] == "London", kept, "{row}");
            assert_eq!(["lat", "lon"].map(|column| holds(&row, column)), [kept; 2], "{row}");
        }
    });
}

/// The tables of the site, each with what of it is text: columns, and texts in lists and states.
async fn texts(site: &Site) -> Vec<(String, Vec<String>)> {
    let sql = format!(
        "SELECT table, groupArray(name) AS names FROM system.columns
         WHERE database = '{}' AND type LIKE '%String%' AND type NOT LIKE 'AggregateFunction%' GROUP BY table",
        site.database
    );
    let tables: Vec<(String, Vec<String>)> = site
        .rows(&sql)
        .await
        .into_iter()
        .map(|row| serde_json::from_value(json!([row["table"], row["names"]])).unwrap())
        .collect();
    assert!(tables.iter().any(|(table, columns)| table == "events" && columns.len() > 50), "{tables:?}");
    tables
}

#[test]
fn full_addresses_are_on_the_raw_topic_and_nowhere_else() {
    run(async {
        let site = shared().await;
        let cases: Vec<Case> = ADDRESSES.map(|address| case(Some(ALL), address, ALL)).into();
        rows(site, &cases).await;

        let needles = ADDRESSES.map(|address| format!("'{address}'")).join(", ");
        for (table, columns) in texts(site).await {
            let anywhere = columns
                .iter()
                .map(|column| format!("multiSearchAnyCaseInsensitive(toString(`{column}`), [{needles}])"))
                .collect::<Vec<_>>()
                .join(" OR ");
            let sql = format!("SELECT count() AS n FROM `{table}` WHERE {anywhere}");
            assert_eq!(site.count(&sql).await, 0, "{table} holds a full address");
        }

        let has =
            |bytes: &[u8], address: &str| bytes.windows(address.len()).any(|part| part == address.as_bytes());
        let raw = site.messages(Topic::Events).await;
        let enriched = site.messages(Topic::Enriched).await;
        for address in ADDRESSES {
            assert!(raw.iter().any(|message| has(&message.payload, address)), "{address} was sent");
            let kept = enriched.iter().find(|message| has(&message.payload, address));
            assert!(kept.is_none(), "{address} is in `enriched`: {kept:?}");
        }
        for program in [Program::Edge, Program::Enrich, Program::Load, Program::Payments] {
            let log = std::fs::read(site.log(program)).unwrap();
            let told = ADDRESSES.into_iter().find(|address| has(&log, address));
            assert_eq!(told, None, "in the log of {program:?}");
        }
    });
}

#[test]
fn an_edge_that_anonymizes_puts_no_full_address_on_a_topic_either() {
    run(async {
        let mut site = Site::prepare("anonymous", &[("PRIVACY__ANONYMIZE_AT_EDGE", "true")]).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        for address in [LONDON, CALIFORNIA_IPV6] {
            send(&site, &case(Some(ALL), address, ALL), &json!({ "ename": "view" })).await;
        }
        let decoder = Decoder::<Event>::new();
        let events = site.messages(Topic::Events).await.into_iter();
        let mut kept: Vec<String> =
            events.map(|message| decoder.decode(&message.payload).unwrap().ip.unwrap()).collect();
        kept.sort();
        assert_eq!(kept, ["2001:4860:4860::", "81.2.69.0"]);
    });
}
