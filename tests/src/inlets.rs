//! The libraries of other products, unchanged, pointed at the real edge: what they send is in ClickHouse, each thing in
//! its column, and nothing is sent again and again because one event of it was wrong.
//!
//! The scripts in `tests/clients` use them as their documents show; those for browsers run in one. Google has no library for its
//! Measurement Protocol, and no package of gtag.js: the former is called as its documents say.

mod pages;

use crate::rig::{Program, Site, cache, post, run};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};
use tokio::sync::OnceCell;
use tracker_stack::Piece;
use uuid::Uuid;

/// A site where everybody has agreed to everything: these libraries have no word for Tracker's consent.
async fn site() -> &'static Site {
    static SITE: OnceCell<Site> = OnceCell::const_new();
    let start = async || {
        cache().fetch(&[Piece::Clients], |line| println!("{line}")).await.expect("the clients");
        let settings = [("PRIVACY__DEFAULT_UNKNOWN", "5377"), ("PRIVACY__DEFAULT_OPT_IN", "5377")];
        Site::start("inlets", &settings).await
    };
    SITE.get_or_init(start).await
}

/// What a library did with the edge, and what came of it.
struct Played {
    site: &'static Site,
    mark: String,
}

impl Played {
    /// Runs a script of `tests/clients` to its end; it fails when its library reports an error.
    async fn script(name: &str, key: Option<&str>) -> Self {
        let site = site().await;
        let mark = format!("m{}", Uuid::new_v4().simple());
        let clients = cache().piece(Piece::Clients);
        let program =
            if Path::new(name).extension().is_some_and(|kind| kind == "py") { "python3" } else { "node" };
        let mut command = Command::new(program);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name));
        command.args([&site.address(Program::Edge), key.unwrap_or("a-public-key"), &mark]);
        command.env("NODE_PATH", clients.join("node_modules")).env("PYTHONPATH", clients.join("python"));
        command.stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
        let ended = ended.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said =
            String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{name}: {said}");
        Self { site, mark }
    }

    /// Waits for the row of the event that bears this name and this text in `uid`, `vid`, `params` or `url`.
    async fn row(&self, condition: &str) -> Value {
        let condition = condition.replace("MARK", &self.mark);
        self.site.row(&format!("SELECT *, toString(uid) AS user FROM events FINAL WHERE {condition}")).await
    }

    /// The id that an id of the library's became.
    fn id(&self, prefix: &str) -> String {
        id(&format!("{prefix}-{}", self.mark))
    }
}

/// The id that a text became, of no tenant.
fn id(text: &str) -> String {
    Uuid::new_v5(&Uuid::nil(), text.as_bytes()).to_string()
}

#[track_caller]
fn has(row: &Value, wanted: &Value) {
    for (column, value) in wanted.as_object().expect("columns") {
        assert_eq!(&row[column], value, "{column} of {row}");
    }
    assert!(!row.to_string().contains("ann@example"), "an address in the clear: {row}");
}

fn params(row: &Value) -> Value {
    serde_json::from_str(row["params"].as_str().expect("params")).expect("JSON")
}

#[test]
fn segments_library_for_node_works_unchanged() {
    run(async {
        let played = Played::script("segment.js", None).await;
        let (user, visitor) = (played.id("user"), played.id("anonymous"));
        let track = played.row("ename = 'MARK'").await;
        has(
            &track,
            &json!({
                "uid": user, "vid": visitor, "etyp": "track", "kind": "client", "url": "https://shop.example/boots",
                "last": "https://www.google.com/", "source": "newsletter", "medium": "email", "campaign": "spring",
                "culture": "de-DE", "w": 390, "h": 844, "country": "US", "asn": 15169, "ip": "8.8.8.0", "device": "iPhone", "bot": false,
            }),
        );
        let params = params(&track);
        assert_eq!((&params["revenue"], &params["items"][0]["sku"]), (&json!(19.9), &json!("b-1")));
        assert_eq!(params["context"]["library"]["name"], "@segment/analytics-node");
        let message = params["message_id"].as_str().expect("the library's own id");
        assert_eq!(track["eid"], id(message));
        let identify = played.row(&format!("ename = 'identify' AND uid = '{user}'")).await;
        assert_eq!(identify["ehash"].as_str().map(str::len), Some(64));
        has(&identify, &json!({ "vid": visitor, "etyp": "identify" }));
        let page = played.row(&format!("ename = 'page_view' AND vid = '{visitor}'")).await;
        has(&page, &json!({ "url": "https://shop.example/", "ptyp": "Docs" }));
        has(&played.row(&format!("ename = 'group' AND uid = '{user}'")).await, &json!({ "etyp": "group" }));
        has(&played.row(&format!("ename = 'alias' AND uid = '{user}'")).await, &json!({ "vid": visitor }));
    });
}

#[test]
fn a_secret_key_as_segments_write_key_makes_server_events() {
    run(async {
        let secret = site().await.secret.clone();
        let played = Played::script("segment.js", Some(&secret)).await;
        let track = played.row("ename = 'MARK'").await;
        has(&track, &json!({ "kind": "server" }));
        assert!(!track.to_string().contains(&secret));
    });
}

#[test]
fn segments_library_for_python_works_unchanged_and_gzipped() {
    run(async {
        let played = Played::script("segment_python.py", None).await;
        let user = played.id("user");
        let track = played.row("ename = 'MARK'").await;
        has(&track, &json!({ "uid": user, "etyp": "track", "ip": "", "user_agent": "" }));
        assert_eq!((&params(&track)["revenue"], &params(&track)["quantity"]), (&json!(19.9), &json!(2)));
        let identify = played.row(&format!("ename = 'identify' AND uid = '{user}'")).await;
        has(&identify, &json!({ "etyp": "identify" }));
        let page = played.row(&format!("ename = 'page_view' AND uid = '{user}'")).await;
        has(&page, &json!({ "url": "https://shop.example/", "ptyp": "Docs" }));
    });
}

#[test]
fn posthogs_library_for_node_works_unchanged() {
    run(async {
        let played = Played::script("posthog.js", None).await;
        let user = played.id("user");
        let capture = played.row("ename = 'MARK'").await;
        has(
            &capture,
            &json!({
                "uid": user, "url": "https://shop.example/boots", "source": "newsletter", "last": "https://www.google.com/",
                "country": "US", "ip": "8.8.8.0", "user_agent": "",
            }),
        );
        assert_eq!(params(&capture)["revenue"], json!(19.9));
        assert_eq!(params(&capture)["$lib"], "posthog-node");
        let identify = played.row(&format!("ename = 'identify' AND uid = '{user}'")).await;
        assert_eq!(identify["ehash"].as_str().map(str::len), Some(64));
        has(&identify, &json!({}));
        let alias = played.row(&format!("ename = 'alias' AND uid = '{user}'")).await;
        has(&alias, &json!({ "vid": played.id("anonymous") }));
    });
}

#[test]
fn posthogs_library_for_python_works_unchanged_plain_and_gzipped() {
    run(async {
        let played = Played::script("posthog_python.py", None).await;
        for gzip in ["true", "false"] {
            let capture = played.row(&format!("ename = 'MARK' AND params LIKE '%\"gzip\":{gzip}%'")).await;
            has(&capture, &json!({ "uid": played.id("user") }));
            assert_eq!(params(&capture)["revenue"], json!(19.9));
        }
        let set = played.row(&format!("ename = 'set' AND uid = '{}'", played.id("user"))).await;
        assert_eq!(params(&set)["$set"], json!({ "plan": "pro" }));
        has(&set, &json!({}));
    });
}

#[test]
fn plausibles_library_for_browsers_works_unchanged() {
    run(async {
        let played = Played::script("plausible.mjs", Some("shop.example")).await;
        let wanted = json!({ "url": "https://shop.example/boots?mark=MARK".replace("MARK", &played.mark), "source": "newsletter",
                             "last": "https://www.google.com/", "app": "shop.example", "kind": "client" });
        let view = played.row("ename = 'page_view' AND url LIKE '%MARK%'").await;
        has(&view, &wanted);
        let track = played.row("ename = 'MARK'").await;
        has(&track, &wanted);
        let said = params(&track);
        assert_eq!((&said["plan"], &said["seats"]), (&json!("pro"), &json!(3)));
        assert_eq!(said["revenue"], json!({ "currency": "EUR", "amount": 19.9 }));
    });
}

#[test]
fn umamis_library_for_node_works_unchanged() {
    run(async {
        let played = Played::script("umami.js", None).await;
        let view = played.row("url = 'https://shop.example/boots?mark=MARK'").await;
        has(
            &view,
            &json!({ "ename": "page_view", "last": "https://www.google.com/", "culture": "de-DE", "w": 1920, "h": 1080 }),
        );
        assert_eq!(params(&view)["title"], "Boots");
        assert_eq!(params(&played.row("ename = 'MARK'").await), json!({ "plan": "pro", "n": 1.5 }));
        let identify = played.row("ename = 'identify' AND params LIKE '%MARK%'").await;
        assert_eq!(identify["ehash"].as_str().map(str::len), Some(64));
        has(&identify, &json!({}));
    });
}

#[test]
fn googles_measurement_protocol_is_taken_as_its_documents_have_it() {
    run(async {
        let site = site().await;
        let mark = format!("m{}", Uuid::new_v4().simple());
        let body = json!({
            "client_id": "1.2", "user_id": "u", "ip_override": "8.8.8.8",
            "events": [{ "name": mark, "params": { "page_location": "https://shop.example/?utm_source=n", "session_id": "17",
                                                   "engagement_time_msec": 100, "currency": "EUR", "value": 9.99 } }],
        });
        let path = "/mp/collect?measurement_id=G-1&api_secret=unknown";
        let answer = post(site.request(Method::POST, path).body(body.to_string())).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (204, String::new()));
        let row = site.row(&format!("SELECT * FROM events FINAL WHERE ename = '{mark}'")).await;
        has(
            &row,
            &json!({ "vid": id("1.2"), "uid": id("u"), "sid": id("17"), "url": "https://shop.example/", "source": "n",
                     "duration": 100, "country": "US" }),
        );
        assert_eq!(params(&row)["value"], json!(9.99));
        assert!(!row.to_string().contains("api_secret"));
    });
}
