//! An edge without a broker, as the tests of a site start it: what it was sent is shown, accepted or refused, and stays within
//! its bounds.

use crate::rig::{Answer, binary, hush, post, run, scratch, until};
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::ErrorKind,
    net::TcpListener,
    process::{Command, Output, Stdio},
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::Message};
use tracker_stack::leash::{self, Leashed};
use uuid::Uuid;

/// The edge of one test, in a folder of its own, with nothing but the defaults and what the test sets.
pub struct Micro {
    process: Leashed,
    url: String,
    secret: String,
    client: Client,
    /// Where its broker would be. Nobody answers here, and everybody who comes is seen.
    broker: TcpListener,
    folder: tempfile::TempDir,
}

impl Micro {
    pub async fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        let folder = scratch(name);
        hush::listen(folder.path());
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        broker.set_nonblocking(true).unwrap();
        let at = broker.local_addr().unwrap().to_string();
        let log = folder.path().join("edge.log");
        let process = leash::spawn(&binary("tracker-edge"), |command: &mut Command| {
            command.arg("--micro").current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(File::create(&log).expect("a log"));
            command.env("TRACKER_EDGE__LISTEN", "127.0.0.1:0").env("TRACKER_KAFKA__BROKERS", at);
            command.envs(settings.iter().map(|(key, value)| (format!("TRACKER_{key}"), value)));
        });
        let url = until(&format!("the address in {}", log.display()), async || {
            let said = std::fs::read_to_string(&log).ok()?;
            let url = said.split_once("is shown at ")?.1.split_once("/micro/all")?.0;
            Some(url.to_owned())
        })
        .await;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut micro =
            Self { process: process.expect("it starts"), url, secret: String::new(), client, broker, folder };
        assert_eq!(micro.get("/ready").await.status, 200, "ready as soon as it listens");
        micro.secret = micro.key().await;
        micro
    }

    /// Makes a key beside the running edge, and waits until that knows it.
    async fn key(&self) -> String {
        let made = Command::new(binary("tracker"))
            .args(["keys", "new", "--id", "test"])
            .current_dir(&self.folder)
            .output();
        let made = String::from_utf8(made.unwrap().stdout).unwrap();
        let secret = made.lines().last().expect("a key").trim().to_owned();
        hush::keep(&secret);
        until("the edge knows the key", async || {
            let asked = self.ask(Method::POST, "/tr/v1/str/").bearer_auth(&secret).body("no event");
            (post(asked).await.status == 400).then_some(())
        })
        .await;
        self.reset("").await;
        secret
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        post(self.ask(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        post(self.ask(Method::POST, path).body(body)).await
    }

    async fn with_secret(&self, path: &str, body: &Value) -> Answer {
        post(self.ask(Method::POST, path).bearer_auth(&self.secret).body(body.to_string())).await
    }

    pub async fn all(&self, query: &str) -> Value {
        self.get(&format!("/micro/all{query}")).await.json()
    }

    async fn shown(&self, what: &str) -> Vec<Value> {
        self.get(&format!("/micro/{what}")).await.json().as_array().expect("a list").clone()
    }

    pub async fn reset(&self, query: &str) -> Value {
        self.post(&format!("/micro/reset{query}"), "").await.json()
    }

    /// Sends it a message of a WebSocket, and gives what is said of it.
    async fn say(&self, query: &str, message: &Value) -> Value {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.unwrap();
        let asked = format!("ws://localhost/tr/v1/ws?ack=1{query}");
        let mut socket = client_async(asked, stream).await.unwrap().0;
        socket.send(Message::text(message.to_string())).await.unwrap();
        let said = tokio::time::timeout(Duration::from_secs(60), socket.next()).await.expect("an answer");
        serde_json::from_str(said.unwrap().unwrap().to_text().unwrap()).unwrap()
    }

    /// Nobody has come to where the broker would be, and it ends by itself.
    pub async fn end(mut self) {
        let came = self.broker.accept().map(|(_, from)| from).map_err(|error| error.kind());
        assert_eq!(came, Err(ErrorKind::WouldBlock), "it needs no broker");
        let ended = self.process.stop(Duration::from_secs(60)).await.expect("it ends by itself");
        assert_eq!(ended.code(), Some(0));
        hush::check(); // before the log goes with its folder
    }
}

/// Some members of each.
fn members(shown: &[Value], pointers: &[&str]) -> Value {
    let of = |one: &Value| {
        pointers.iter().map(|at| one.pointer(at).cloned().unwrap_or_default()).collect::<Value>()
    };
    shown.iter().map(of).collect()
}

#[test]
fn what_is_accepted_is_shown_as_it_would_be_produced_whatever_way_it_came() {
    run(async {
        let micro = Micro::start("micro-good", &[]).await;
        let eid = Uuid::now_v7().to_string();
        let body =
            json!({ "eid": eid, "ename": "Posted", "url": "https://a.example/?utm_source=x#y", "n": 2.50 });
        assert_eq!(micro.post("/tr/v1/tr/", body.to_string()).await.status, 200);
        assert_eq!(micro.get("/tr/v1/tr/ename/got").await.status, 200);
        assert_eq!(micro.get("/tr/v1/img/ename/opened").await.header("content-type"), "image/gif");
        assert_eq!(
            micro.say("", &json!([{ "ename": "said" }, { "ename": "also" }])).await,
            json!({ "ack": 1 })
        );
        let segment = json!({ "type": "track", "event": "bought", "userId": "ann", "messageId": "m" });
        assert_eq!(micro.post("/v1/track", segment.to_string()).await.json(), json!({ "success": true }));
        assert_eq!(micro.with_secret("/tr/v1/str/", &json!({ "ename": "served" })).await.status, 200);
        assert_eq!(
            micro.with_secret("/tr/v1/ltv/", &json!({ "id": eid, "revenue": "9.90" })).await.status,
            200
        );
        let agreed = json!({ "vid": eid, "cflags": 1 });
        assert_eq!(micro.post("/tr/v1/ppi/agree", agreed.to_string()).await.status, 200);
        assert_eq!(micro.with_secret("/tr/v1/ppi/forget", &json!({ "vid": eid })).await.status, 202);
        let shown = micro.shown("good").await;
        let expected = json!([
            ["tracker.events", "posted"],
            ["tracker.events", "got"],
            ["tracker.events", "opened"],
            ["tracker.events", "said"],
            ["tracker.events", "also"],
            ["tracker.events", "bought"],
            ["tracker.events", "served"],
            ["tracker.payments", null],
            ["tracker.agreements", null],
            ["tracker.erasures", null],
        ]);
        assert_eq!(members(&shown, &["/topic", "/record/ename"]), expected);
        let first = &shown[0];
        assert_eq!([&first["key"], &first["record"]["eid"]], [&json!(eid), &json!(eid)]);
        let record = &first["record"];
        assert_eq!(
            [&record["url"], &record["source"], &record["params"]["n"]],
            [&json!("https://a.example/"), &json!("x"), &json!(2.5)]
        );
        assert_eq!(shown[7].pointer("/record/revenue"), Some(&json!("9.9000")));
        assert_eq!(
            micro.all("").await,
            json!({ "total": 10, "good": 10, "bad": 0, "fell_out": { "good": 0, "bad": 0 } })
        );
        assert_eq!(micro.get("/status").await.json()["producers"]["events"]["broker"], "none");
        let script = micro.get("/track.js").await;
        assert!(script.header("content-type").starts_with("text/javascript"), "{}", script.text());
        micro.end().await;
    });
}

#[test]
fn what_is_refused_is_shown_with_its_reason_whatever_way_it_came() {
    run(async {
        let micro = Micro::start("micro-bad", &[]).await;
        assert_eq!(micro.post("/tr/v1/tr/", r#"[{"ename":"a"},{"x":1}]"#).await.status, 200);
        assert_eq!(micro.get("/tr/v1/tr/ename/a/ver/x").await.status, 400);
        assert_eq!(micro.get("/tr/v1/img/x/y").await.status, 200);
        assert_eq!(micro.say("", &json!({ "ename": "a", "rid": "no" })).await["error"], "invalid_uuid");
        assert_eq!(micro.post("/v1/batch", "{").await.status, 400);
        assert_eq!(micro.post("/tr/v1/ltv/", "{}").await.status, 401);
        let expected = json!([
            ["tr", "missing_name", { "x": 1 }, ""],
            ["tr", "invalid_number", null, "ename/a/ver/x"],
            ["img", "missing_name", null, "x/y"],
            ["ws", "invalid_uuid", { "ename": "a", "rid": "no" }, ""],
            ["segment", "malformed", "{", ""],
            ["ltv", "missing_key", null, ""],
        ]);
        let shown = micro.shown("bad").await;
        assert_eq!(members(&shown, &["/route", "/reason", "/input", "/path"]), expected);
        assert!(shown.iter().all(|one| !one["detail"].as_str().unwrap().is_empty()), "{shown:?}");
        assert_eq!(micro.reset("").await["total"], 0);
        assert_eq!(micro.get("/micro/reset").await.json()["total"], 0);
        assert!(micro.shown("bad").await.is_empty() && micro.shown("good").await.is_empty());
        micro.end().await;
    });
}

/// Sends what a test would, by every way that can name it, and looks for its own alone.
async fn one_of_two(micro: &Micro, test: &str) {
    for round in 0..10 {
        let by_field =
            json!([{ "ename": "field", "test_id": test, "n": round }, { "x": 1, "test_id": test }]);
        assert_eq!(micro.post("/tr/v1/tr/", by_field.to_string()).await.status, 200);
        let query = format!("?test_id={test}");
        assert_eq!(micro.post(&format!("/tr/v1/tr/{query}"), r#"{"ename":"query"}"#).await.status, 200);
        assert_eq!(micro.get(&format!("/tr/v1/img/ename/path/test_id/{test}")).await.status, 200);
        assert_eq!(micro.get(&format!("/tr/v1/img/{query}")).await.status, 200, "refused");
        let said = micro.say(&format!("&test_id={test}"), &json!({ "ename": "said" })).await;
        assert_eq!(said["ack"], 1);
        let properties =
            json!({ "type": "track", "event": "inlet", "userId": "u", "properties": { "test_id": test } });
        assert_eq!(micro.post("/v1/track", properties.to_string()).await.status, 200);
        let plain = json!({ "type": "track", "event": "inlet", "userId": "u" });
        assert_eq!(micro.post(&format!("/v1/track{query}"), plain.to_string()).await.status, 200);
        let erased = json!({ "vid": Uuid::from_u128(7) });
        assert_eq!(micro.with_secret(&format!("/tr/v1/ppi/forget{query}"), &erased).await.status, 202);
        let expected = json!({ "total": 9, "good": 7, "bad": 2, "fell_out": { "good": 0, "bad": 0 } });
        assert_eq!(micro.all(&query).await, expected, "round {round} of {test}");
        let names = members(&micro.shown(&format!("good{query}")).await, &["/record/ename", "/test_id"]);
        let ways = ["field", "query", "path", "said", "inlet", "inlet"].map(|name| json!([name, test]));
        assert_eq!(names, Value::from([&ways[..], &[json!([null, test])]].concat()));
        assert_eq!(micro.shown(&format!("bad{query}")).await.len(), 2);
        assert_eq!(micro.reset(&query).await["total"], 0);
    }
}

#[test]
fn two_tests_at_once_see_each_their_own() {
    run(async {
        let micro = Micro::start("micro-two", &[]).await;
        micro.post("/tr/v1/tr/", r#"{"ename":"nobodys"}"#).await;
        tokio::join!(one_of_two(&micro, "one"), one_of_two(&micro, "two"));
        assert_eq!(members(&micro.shown("good").await, &["/record/ename"]), json!([["nobodys"]]));
        micro.end().await;
    });
}

#[test]
fn a_short_link_can_be_made_and_followed() {
    run(async {
        let micro = Micro::start("micro-link", &[]).await;
        let link = json!({ "urlfrom": "https://sho.example/Spring", "urlto": "https://shop.example/sale" });
        assert_eq!(micro.with_secret("/tr/v1/rpi/redirect", &link).await.status, 200);
        let asked = micro.ask(Method::GET, "/spring?test_id=t").header("host", "sho.example");
        let followed = post(asked).await;
        assert_eq!(
            (followed.status.as_u16(), followed.header("location")),
            (302, "https://shop.example/sale")
        );
        // Nobody who follows a link waits for its event.
        let event = until("the event of the link", async || micro.shown("good?test_id=t").await.pop()).await;
        assert_eq!(event["record"]["ename"], "short_rdr");
        micro.end().await;
    });
}

#[test]
fn the_oldest_fall_out_by_number_and_by_bytes() {
    run(async {
        let few = Micro::start("micro-few", &[("EDGE__MICRO__KEEP", "5")]).await;
        let events: Vec<Value> = (0..20).map(|n| json!({ "ename": format!("e{n}") })).collect();
        assert_eq!(few.post("/tr/v1/tr/", Value::from(events).to_string()).await.json()["accepted"], 20);
        assert_eq!(
            few.all("").await,
            json!({ "total": 5, "good": 5, "bad": 0, "fell_out": { "good": 15, "bad": 0 } })
        );
        let newest = json!([["e15"], ["e16"], ["e17"], ["e18"], ["e19"]]);
        assert_eq!(members(&few.shown("good").await, &["/record/ename"]), newest);
        few.end().await;

        let small = Micro::start("micro-small", &[("EDGE__MICRO__MEMORY", "4MiB")]).await;
        let long = json!({ "ename": "long", "x": "x".repeat(200_000) }).to_string();
        let send = async |events: usize| {
            for _ in 0..events {
                assert_eq!(small.post("/tr/v1/tr/", long.clone()).await.status, 200);
                assert_eq!(small.post("/tr/v1/tr/", long.replace("ename", "y")).await.status, 400);
            }
        };
        send(50).await;
        let before = resident(small.process.pid());
        send(250).await;
        let grown = resident(small.process.pid()).saturating_sub(before);
        let counts = small.all("").await;
        assert_eq!(counts["good"], (4 << 20) / 201_000, "{counts}");
        assert_eq!(counts["fell_out"]["good"], 300 - 20, "{counts}");
        assert!(grown < 24 << 20, "50 MB of events more took {grown} bytes");
        small.end().await;
    });
}

/// Bytes of memory that a process has.
fn resident(pid: u32) -> usize {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("it runs");
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn only_the_edge_can_be_started_so_and_says_so() {
    let ask = |name: &str, arguments: &[&str]| -> Output {
        Command::new(binary(name))
            .args(arguments)
            .env("TRACKER_KAFKA__PROPERTIES__ACKS", "0")
            .output()
            .unwrap()
    };
    let help = ask("tracker-edge", &["--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("--micro"));
    for other in ["tracker-enrich", "tracker-load", "tracker-payments"] {
        assert_eq!(ask(other, &["--micro"]).status.code(), Some(2), "{other}");
    }
    assert_eq!(
        ask("tracker-edge", &["--micro", "--check-config"]).status.code(),
        Some(0),
        "it asks no broker"
    );
    assert_eq!(ask("tracker-edge", &["--check-config"]).status.code(), Some(2));
}
